import type { FactSection } from '../../shared/manifest/cluster-facts.ts';
import type { ParitySide } from '../model/parity.ts';
import type { ClusterFacts, FactsRequest, Finding, KnownGap } from './finding.ts';

/** What failed for longer is no passing trouble. */
export const failingMs = 600_000;

/** Sections whose names begin with the kind of what they are of, and a space. */
const namedByKind: ReadonlySet<FactSection> = new Set(['unmanaged', 'certificates', 'backups']);

/** Whether the agent says that it knows nothing of an entry which it does not name. */
export function isLeftOut(facts: ClusterFacts | undefined, section: FactSection, name: string): boolean {
  return (facts?.gaps.get(section) ?? []).some(({ kind }) => {
    if (kind === '') return true;
    if (section === 'apis') return name.startsWith(`${kind}/`);
    return !namedByKind.has(section) || name.startsWith(`${kind} `);
  });
}

/** What an operator can do. */
const actions: Readonly<Record<KnownGap['reason'], (cluster: string, path: string) => string>> = {
  denied: (cluster, path) => `give the agent of ${cluster} that right, or declare ${path}`,
  bound: (cluster, path) =>
    `have fewer of it in the namespaces of the applications of ${cluster}, or look yourself and declare ${path}`,
  failed: (cluster) => `wait; look at the log of the agent of ${cluster} if this stays`,
};

/**
 * What agents say nothing of. A right that lacks was not given: it is told for information. Where a bound cuts, or something fails for long, what depends on it is unknown.
 * One finding for each kind, of both clusters. Pure.
 */
export function gapFindings(section: FactSection, request: FactsRequest): readonly Finding[] {
  const sides = (['primary', 'standby'] as const).flatMap((side) =>
    (request.facts[side]?.gaps.get(section) ?? []).map((gap) => ({ side, gap })),
  );
  return [...Map.groupBy(sides, ({ gap }) => gap.kind)].map(([kind, found]) =>
    toFinding(section, kind, found, request),
  );
}

interface SideGap {
  readonly side: ParitySide;
  readonly gap: KnownGap;
}

function toFinding(
  section: FactSection,
  kind: string,
  found: readonly SideGap[],
  request: FactsRequest,
): Finding {
  const { nowMs, used } = request;
  // What an aggregated API server serves that no object of the group is of leaves nothing unknown.
  const matters = section !== 'apis' || kind === '' || [...used].some((one) => one.startsWith(`${kind}/`));
  const lasts = ({ gap: { reason, sinceMs } }: SideGap) =>
    reason === 'bound' || (reason === 'failed' && nowMs - sinceMs > failingMs);
  const unknown = matters && found.some(lasts);
  const path = `/environment/${section}${kind === '' ? '' : `/${kind}`}`;
  const what = kind === '' ? section : `${kind} (${section})`;
  const words = found.map(({ side, gap }) => {
    const how = gap.reason === 'bound' ? 'is compared in part' : 'cannot be compared';
    return `${what} of ${request[side]} ${how}: ${gap.message}`;
  });
  const [first] = [...found].sort((a, b) => Number(lasts(b)) - Number(lasts(a)));
  return {
    ...{ section, name: kind, severity: unknown ? 'warning' : 'info', leavesUnknown: unknown },
    side: new Set(found.map(({ side }) => side)).size > 1 ? 'both' : (first?.side ?? 'both'),
    message: words.join('; '),
    action: first ? actions[first.gap.reason](request[first.side], path) : '',
  };
}

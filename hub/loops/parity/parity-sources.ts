import { type FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { isSecret } from '../../../shared/manifest/object.ts';
import type { ExplainedPlace, Explanation } from '../../explain/explanation.ts';
import type { FieldSource, ParityDifference, ParitySide } from '../../model/parity.ts';
import { isItemPart, parseFieldPath } from '../../model/trace-path.ts';
import { escapePart } from '../../parity/field-path.ts';
import type { Explainer } from '../preview/explain.ts';

/** Objects whose story is kept, each for one cluster; groups share them. */
export const keptMax = 2_000;
/** Of each group at least these. */
const shareMin = 8;
/** Asked for in one step: each renders a folder. */
const asksMax = 4;

type Sources = ReadonlyMap<string, FieldSource>;

/** Which layer, file and line give the fields of objects their values, as explaining them tells. */
export interface FieldSources {
  /** The difference with what is known of where its values come from. */
  describe(difference: ParityDifference, primary: string): ParityDifference;
  /** Explains a few of what is not known yet, of the first differences alone: what does not fit beside the other groups' would be forgotten and asked for without end. True: there is more. */
  learn(
    differences: readonly ParityDifference[],
    primary: string,
    groups: number,
    signal: AbortSignal,
  ): Promise<{ readonly learned: boolean; readonly more: boolean }>;
  /** A new revision may say otherwise: what is known is asked for again, and stands until then. */
  forget(): void;
}

const sides: readonly ParitySide[] = ['primary', 'standby'];
/** Stands for an object as a whole: it begins there, or next to it. */
const objectPath = '/kind';

function clusterOf(difference: ParityDifference, side: ParitySide, primary: string): string {
  return side === 'primary' ? primary : difference.standby;
}

/** Where Git says what there is to be told: of a field on both sides, of an object that is in one cluster alone in that. */
function explainedSides({
  class: name,
  path,
  primaryKey,
  standbyKey,
}: ParityDifference): readonly ParitySide[] {
  if (name === 'overlay') return path === '' ? [] : sides;
  if (name === 'missing' && primaryKey) return ['primary'];
  return name === 'extra' && standbyKey ? ['standby'] : [];
}

export function createFieldSources(
  explain: Explainer['explain'],
  onError: (error: FairwayError) => void,
): FieldSources {
  const kept = new Map<string, Sources>();
  const stale = new Set<string>();
  const idOf = (difference: ParityDifference, side: ParitySide, primary: string) =>
    `${clusterOf(difference, side, primary)}\n${difference.application}\n${difference.originId}`;

  const learnOne = async (
    difference: ParityDifference,
    side: ParitySide,
    primary: string,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const key = side === 'primary' ? difference.primaryKey : difference.standbyKey;
    const id = idOf(difference, side, primary);
    if (!key) return false;
    try {
      const { kind, name, namespace, group } = key;
      const object = { kind, name, group, ...(namespace !== '' && { namespace }) };
      const cluster = clusterOf(difference, side, primary);
      const question = {
        application: difference.application,
        cluster,
        object,
        field: '',
        revision: undefined,
      };
      kept.set(id, sourcesOf(await explain(question, signal), isSecret(key)));
    } catch (caught) {
      const error = toFairwayError(caught);
      onError(error);
      // Others ask at the moment; anything else would fail again until something changes.
      if (error.retry) return false;
      kept.set(id, new Map());
    }
    stale.delete(id);
    for (const oldest of kept.keys())
      if (kept.size > keptMax) {
        kept.delete(oldest);
        stale.delete(oldest);
      }
    return true;
  };

  return {
    describe(difference, primary) {
      const explained = explainedSides(difference);
      if (explained.length === 0) return difference;
      const [mine, other] = sides.map((side) =>
        explained.includes(side)
          ? find(kept.get(idOf(difference, side, primary)), difference.path || objectPath)
          : undefined,
      );
      // Whoever wrote an object has not said that the other cluster shall do without it.
      const author = difference.path === '' ? '' : other?.author || mine?.author || '';
      const owner = difference.owner || author;
      return { ...difference, owner, primarySource: mine, standbySource: other };
    },
    async learn(differences, primary, groups, signal) {
      const open = new Map<string, readonly [ParityDifference, ParitySide]>();
      const seen = new Set<string>();
      const share = Math.max(shareMin, Math.floor(keptMax / Math.max(1, groups)));
      for (const difference of differences) {
        if (seen.size > share || open.size > asksMax) break;
        for (const side of explainedSides(difference)) {
          const id = idOf(difference, side, primary);
          if (seen.add(id).size > share) break;
          if (!kept.has(id) || stale.has(id)) open.set(id, [difference, side]);
        }
      }
      let learned = false;
      for (const [difference, side] of [...open.values()].slice(0, asksMax))
        learned = (await learnOne(difference, side, primary, signal)) || learned;
      return { learned, more: open.size > asksMax || (open.size > 0 && !learned) };
    },
    forget() {
      for (const id of kept.keys()) stale.add(id);
    },
  };
}

/** A Secret is rendered with its `stringData` in `data`, where it goes before what is there (Kubernetes API reference, Secret v1). */
function sourcesOf({ lines }: Explanation, secret: boolean): Sources {
  const sources = new Map<string, FieldSource>();
  for (const { path, origin } of lines) {
    const pointer = origin ? pointerOf(path) : undefined;
    if (origin && pointer !== undefined) sources.set(pointer, toSource(origin.layer, origin.at));
  }
  if (secret)
    for (const [pointer, source] of [...sources])
      if (pointer.startsWith('/stringData/')) sources.set(pointer.replace('/stringData/', '/data/'), source);
  return sources;
}

function toSource(layer: string, { file, line, commit }: ExplainedPlace): FieldSource {
  const author = commit ? `${commit.author} <${commit.email}>` : '';
  return { layer, file, line, author, commit: commit?.sha ?? '' };
}

/** `spec.containers[name=web].image` in the words of parity. */
function pointerOf(text: string): string | undefined {
  const parsed = parseFieldPath(text);
  if (!parsed.ok || parsed.path.length === 0) return undefined;
  return parsed.path
    .map((part) =>
      isItemPart(part)
        ? `/[${escapePart(
            Object.entries(part.item)
              .map(([name, value]) => `${name}=${value}`)
              .join(','),
          )}]`
        : `/${escapePart(String(part))}`,
    )
    .join('');
}

/** Of the field, or of the first line within it. */
function find(sources: Sources | undefined, path: string): FieldSource | undefined {
  const exact = sources?.get(path);
  if (exact || !sources) return exact;
  for (const [at, source] of sources) if (at.startsWith(`${path}/`)) return source;
  return undefined;
}

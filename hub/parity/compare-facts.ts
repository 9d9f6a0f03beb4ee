import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import { type FactSection, type FactValues, factSections } from '../../shared/manifest/cluster-facts.ts';
import type { Json } from '../../shared/manifest/object.ts';
import type { ParityDifference, ParityFreshness, ParitySide } from '../model/parity.ts';
import type { ExpectationBook } from './expectations.ts';
import { escapePart, isObject } from './field-path.ts';
import { countUnplaced, parseSizes } from './fit-pods.ts';

/** What a cluster is besides its applications; sections that could not be collected say why. */
export interface ClusterFacts {
  readonly values: ReadonlyMap<FactSection, FactValues>;
  readonly failures: ReadonlyMap<FactSection, string>;
}

export interface FactsRequest {
  readonly primary: string;
  readonly standby: string;
  /** Undefined: nothing is known of it yet. */
  readonly facts: Readonly<Record<ParitySide, ClusterFacts | undefined>>;
  /** apiVersions of the group's objects. */
  readonly used: ReadonlySet<string>;
  readonly book: ExpectationBook;
  readonly freshness: ParityFreshness;
  readonly nowMs: number;
}

interface Finding {
  readonly section: FactSection;
  readonly name: string;
  readonly side: ParityDifference['side'];
  readonly message: string;
  readonly action: string;
  readonly severity: ParityDifference['severity'];
  readonly values?: Readonly<Partial<Record<ParitySide, Json>>>;
}

/** Differences told of one section. */
const findingsMax = 200;
const valueCharactersMax = 512;

/** What each section's entries are, for sentences. */
const nouns: Partial<Record<FactSection, string>> = {
  storageClasses: 'StorageClass',
  ingressClasses: 'IngressClass',
  priorityClasses: 'PriorityClass',
  runtimeClasses: 'RuntimeClass',
  quotas: 'ResourceQuota',
  limits: 'LimitRange',
  podSecurity: 'Pod security of Namespace',
  images: 'Image',
  secrets: 'Secret',
  configMaps: 'ConfigMap',
};

/** What differs between the clusters themselves. An expectation of kind Environment may cover `/environment/SECTION/NAME`. Pure. */
export function compareFacts(request: FactsRequest): readonly ParityDifference[] {
  const { primary, standby } = request.facts;
  if (!primary || !standby) return [];
  return factSections
    .flatMap((section) => {
      const [left, right] = [primary.values.get(section), standby.values.get(section)];
      const failure = standby.failures.get(section) ?? primary.failures.get(section);
      if (failure !== undefined) return [notCollected(section, failure, request)];
      return left && right ? findingsOf(section, left, right, request).slice(0, findingsMax) : [];
    })
    .map((finding) => toDifference(finding, request));
}

function notCollected(
  section: FactSection,
  failure: string,
  { facts, primary, standby }: FactsRequest,
): Finding {
  const side = facts.standby?.failures.has(section) ? 'standby' : 'primary';
  return {
    ...{ section, name: '', side, severity: 'info' },
    message: `${section} of ${side === 'standby' ? standby : primary} cannot be compared: ${failure}`,
    action: 'give the agent the right to list them',
  };
}

function findingsOf(
  section: FactSection,
  left: FactValues,
  right: FactValues,
  request: FactsRequest,
): readonly Finding[] {
  switch (section) {
    case 'version':
      return versionFindings(left, right, request);
    case 'apis':
      return apiFindings(left, right, request);
    case 'capacity':
      return capacityFindings(left, right, request);
    case 'certificates':
      return certificateFindings(right, request);
    case 'backups':
      return backupFindings(left, request);
    default:
      return entryFindings(section, left, right, request);
  }
}

/** What bounds pods where it stands alone, too. */
const bounds: ReadonlySet<FactSection> = new Set(['quotas', 'limits']);

/** What the primary has and the standby lacks or has otherwise. What the standby has besides does no harm, unless it bounds what may run there. */
function entryFindings(
  section: FactSection,
  left: FactValues,
  right: FactValues,
  { standby }: FactsRequest,
): readonly Finding[] {
  const besides = bounds.has(section)
    ? Object.entries(right).filter(([name]) => !Object.hasOwn(left, name))
    : [];
  const extra = besides.map(
    ([name, value]): Finding => ({
      ...{ section, name, side: 'both', severity: 'warning' },
      message: `${nouns[section] ?? section} ${name} is in ${standby} alone, and bounds what may run there`,
      action: 'make both the same, or declare it',
      values: { standby: value },
    }),
  );
  const lacking = Object.entries(left).flatMap(([name, value]): readonly Finding[] => {
    const other = Object.hasOwn(right, name) ? right[name] : undefined;
    const what = `${nouns[section] ?? section} ${name}`;
    const common = { section, name, side: 'both', severity: 'warning' } as const;
    if (other === undefined) {
      // An image runs only where something is scheduled: a standby at zero has none.
      if (section === 'images') return [];
      const action = `make it in ${standby} too, best from Git, or declare it`;
      return [{ ...common, message: `${what} is not in ${standby}`, action, values: { primary: value } }];
    }
    if (canonicalJson(value) === canonicalJson(other)) return [];
    const message = `${what} is another in ${standby}`;
    return [
      {
        ...common,
        message,
        action: 'make both the same, or declare it',
        values: { primary: value, standby: other },
      },
    ];
  });
  return [...lacking, ...extra];
}

function minorOf(version: Json | undefined): string | undefined {
  return /^v?(\d+\.\d+)/.exec(String(version ?? ''))?.[1];
}

function versionFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby }: FactsRequest,
): readonly Finding[] {
  const [mine, other] = [left['kubernetes'], right['kubernetes']];
  if (mine === other) return [];
  const same = minorOf(mine) === minorOf(other);
  return [
    {
      ...{ section: 'version', name: 'kubernetes', side: 'both', severity: same ? 'info' : 'warning' },
      message: `${primary} runs Kubernetes ${String(mine)}, ${standby} ${String(other)}`,
      action: same ? '' : 'bring both to one minor release',
      values: { primary: mine ?? null, standby: other ?? null },
    },
  ];
}

function apiFindings(
  left: FactValues,
  right: FactValues,
  { standby, used }: FactsRequest,
): readonly Finding[] {
  return Object.entries(left).flatMap(([name, kinds]): readonly Finding[] => {
    const other = Object.hasOwn(right, name) ? right[name] : undefined;
    const served = new Set(Array.isArray(other) ? (other as readonly Json[]) : []);
    const lacking = Array.isArray(kinds)
      ? (kinds as readonly Json[]).filter((kind) => !served.has(kind))
      : [];
    if (lacking.length === 0) return [];
    const needed = used.has(name);
    return [
      {
        ...{
          section: 'apis',
          name,
          side: 'standby',
          severity: needed && other === undefined ? 'critical' : 'info',
        },
        message: `${standby} does not serve ${name} ${lacking.slice(0, 10).join(', ')}`,
        action: needed ? 'install what serves it: objects of the group need it' : '',
        values: { primary: kinds, ...(other !== undefined && { standby: other }) },
      },
    ];
  });
}

const resources = [
  ['cpuMillis', 'of CPU, in thousandths'],
  ['memoryBytes', 'bytes of memory'],
  ['pods', 'pods'],
] as const;

function numberAt(values: FactValues, name: string, field: string): number {
  const entry = values[name];
  return isObject(entry) ? Number(entry[field] ?? 0) : 0;
}

/** After failover the standby runs what its primary asks for now, instead of what it asks for itself. */
function capacityFindings(
  left: FactValues,
  right: FactValues,
  { primary, standby }: FactsRequest,
): readonly Finding[] {
  const lacking = resources.flatMap(([field, words]): readonly Finding[] => {
    const [needed, given] = [numberAt(left, 'requested', field), numberAt(right, 'allocatable', field)];
    if (needed <= given) return [];
    return [
      {
        ...{ section: 'capacity', name: field, side: 'standby', severity: 'critical' },
        message: `what runs in ${primary} asks for ${needed} ${words}, ${standby} has ${given}`,
        action: `add nodes to ${standby}`,
        values: { primary: needed, standby: given },
      },
    ];
  });
  return lacking.length > 0 ? lacking : fitFindings(left, right, primary, standby);
}

/** The sums would do. A heuristic: a warning. */
function fitFindings(
  left: FactValues,
  right: FactValues,
  primary: string,
  standby: string,
): readonly Finding[] {
  const [pods, nodes] = [parseSizes(left['podSizes']), parseSizes(right['nodeSizes'])];
  const unplaced = pods && nodes && countUnplaced(nodes, pods);
  if (unplaced === undefined || unplaced === 0) return [];
  return [
    {
      ...{ section: 'capacity', name: 'fit', side: 'standby', severity: 'warning' },
      message: `${unplaced} of the pods that run in ${primary} find no node with room in ${standby}, though in sum there is enough`,
      action: `add larger nodes to ${standby}, or ask for less`,
      values: { primary: unplaced },
    },
  ];
}

function certificateFindings(
  right: FactValues,
  { standby, freshness, nowMs }: FactsRequest,
): readonly Finding[] {
  return Object.entries(right).flatMap(([name, end]): readonly Finding[] => {
    const leftMs = Date.parse(String(end)) - nowMs;
    if (leftMs > freshness.certificateMs) return [];
    const over = leftMs <= 0;
    return [
      {
        ...{ section: 'certificates', name, side: 'standby', severity: over ? 'critical' : 'warning' },
        message: `${name} in ${standby} ${over ? 'ended' : 'ends'}: ${String(end)}`,
        ...{ action: 'renew it', values: { standby: end } },
      },
    ];
  });
}

function backupFindings(left: FactValues, { primary, freshness, nowMs }: FactsRequest): readonly Finding[] {
  return Object.entries(left).flatMap(([name, made]): readonly Finding[] => {
    if (nowMs - Date.parse(String(made)) <= freshness.backupWithinMs) return [];
    return [
      {
        ...{ section: 'backups', name, side: 'primary', severity: 'warning' },
        message: `the newest ${name} in ${primary} is of ${String(made)}`,
        ...{ action: 'find out why none was made since', values: { primary: made } },
      },
    ];
  });
}

function textOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value).slice(0, valueCharactersMax);
}

function toDifference({ section, name, values, ...told }: Finding, request: FactsRequest): ParityDifference {
  const { standby, book } = request;
  const path = `/environment/${section}${name === '' ? '' : `/${escapePart(name)}`}`;
  const origin = { group: '', kind: 'Environment', namespace: '', name: section };
  const subject = { application: '', origin, primary: undefined, standby: undefined };
  const answer = book.field(subject, { path, primary: values?.primary, standby: values?.standby });
  const covered = answer.covered ? answer.expectation : undefined;
  return {
    id: digestText(`${standby}\n${path}`).slice(0, 16),
    ...{
      standby,
      application: '',
      originId: path,
      primaryKey: undefined,
      standbyKey: undefined,
      apiVersion: '',
    },
    path,
    class: covered ? 'declared' : 'environment',
    side: told.side,
    ...{ primaryValue: textOf(values?.primary), standbyValue: textOf(values?.standby) },
    message: covered?.reason ?? told.message,
    expectation: covered?.name ?? '',
    owner: covered?.owner ?? '',
    action: covered ? '' : told.action,
    severity: covered ? 'info' : told.severity,
    ...{ sinceMs: undefined, primarySource: undefined, standbySource: undefined },
  };
}

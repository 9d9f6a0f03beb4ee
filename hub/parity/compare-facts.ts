import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import { type FactSection, type FactValues, factSections } from '../../shared/manifest/cluster-facts.ts';
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import { parseQuantity } from '../../shared/text/quantity.ts';
import type { ParityDifference, ParitySide } from '../model/parity.ts';
import { capacityFindings } from './capacity-findings.ts';
import { escapePart } from './field-path.ts';
import type { FactsRequest, Finding } from './finding.ts';
import { gapFindings, isLeftOut } from './gap-findings.ts';
import { showValue } from './mask.ts';
import { type Entry, pairEntries } from './pair-entries.ts';
import { apiFindings, definitionFindings, versionFindings } from './version-findings.ts';

/** Differences told of one section. */
const findingsMax = 200;

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
  unmanaged: 'what nobody applies from Git,',
};

/** Their values are fingerprints. */
const keyed: ReadonlySet<FactSection> = new Set(['secrets', 'configMaps', 'sealed', 'unowned']);

/** What differs between the clusters themselves. An expectation of kind Environment may cover `/environment/SECTION/NAME`. Pure. */
export function compareFacts(request: FactsRequest): readonly ParityDifference[] {
  const { primary, standby } = request.facts;
  if (!primary || !standby) return [];
  return factSections.flatMap((section) => {
    // What is compared of objects says itself what it does not know.
    const gaps = section === 'unowned' ? [] : gapFindings(section, request);
    const [left, right] = [primary.values.get(section), standby.values.get(section)];
    if (keyed.has(section) && primary.saltedFor !== standby.saltedFor)
      return gaps.map((gap) => toDifference(gap, request));
    const found = left && right ? findingsOf(section, left, right, request) : [];
    return [
      ...gaps.map((gap) => toDifference(gap, request)),
      ...bounded(
        section,
        found.map((finding) => toDifference(finding, request)),
        request,
      ),
    ];
  });
}

const rank = { info: 0, warning: 1, critical: 2 };

/** The gravest first, and how many more there are; what is declared apart, so that it hides nothing, and of each expectation something. */
function bounded(
  section: FactSection,
  differences: readonly ParityDifference[],
  request: FactsRequest,
): readonly ParityDifference[] {
  if (differences.length <= findingsMax) return differences;
  const open = differences
    .filter((one) => one.class !== 'declared')
    .sort((a, b) => rank[b.severity] - rank[a.severity]);
  const told = open.length <= findingsMax ? open.length : findingsMax - 1;
  const more: Finding = {
    ...{ section, name: '', side: 'both', severity: open[told]?.severity ?? 'info' },
    message: `${section}: and ${open.length - told} more differences`,
    action: 'mend or declare the ones that are told',
  };
  const seen = new Set<string>();
  const declared = differences.filter((one, at) => {
    if (one.class !== 'declared') return false;
    const isFirst = !seen.has(one.expectation);
    seen.add(one.expectation);
    return isFirst || at < findingsMax;
  });
  return [...open.slice(0, told), ...(told < open.length ? [toDifference(more, request)] : []), ...declared];
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
    case 'crds':
      return definitionFindings(left, right, request);
    // They are told of objects: compare-object.ts, compare-unowned.ts.
    case 'sealed':
    case 'unowned':
      return [];
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
  request: FactsRequest,
): readonly Finding[] {
  return pairEntries(left, right, request.normalisers).flatMap(({ primary, standby }): readonly Finding[] => {
    if (primary && standby) return differing(section, primary, standby, request);
    if (primary) return lacking(section, primary, request);
    return standby && bounds.has(section) ? besides(section, standby, request) : [];
  });
}

function besides(
  section: FactSection,
  { name, value }: Entry,
  { standby, facts }: FactsRequest,
): readonly Finding[] {
  if (isLeftOut(facts.primary, section, name)) return [];
  return [
    {
      ...{ section, name, side: 'both', severity: 'warning' },
      message: `${nouns[section] ?? section} ${name} is in ${standby} alone, and bounds what may run there`,
      action: 'make both the same, or declare it',
      values: { standby: value },
    },
  ];
}

function lacking(
  section: FactSection,
  { name, value }: Entry,
  { standby, facts }: FactsRequest,
): readonly Finding[] {
  // An image runs only where something is scheduled: a standby at zero has none.
  if (section === 'images' || isLeftOut(facts.standby, section, name)) return [];
  return [
    {
      ...{ section, name, side: 'both', severity: 'warning', values: { primary: value } },
      message: `${nouns[section] ?? section} ${name} is not in ${standby}`,
      action: `make it in ${standby} too, best from Git, or declare it`,
    },
  ];
}

/** Named by the primary's word, unless that one is already held against its namesake. */
function differing(
  section: FactSection,
  mine: Entry,
  other: Entry,
  { standby, normalisers, facts }: FactsRequest,
): readonly Finding[] {
  const twice = facts.standby?.values.get(section);
  const name = twice && Object.hasOwn(twice, mine.name) ? other.name : mine.name;
  const values = { primary: mine.value, standby: other.value };
  const common = { section, name, side: 'both', severity: 'warning', values } as const;
  const what = `${nouns[section] ?? section} ${mine.name}`;
  const there = mine.name === other.name ? '' : ` (${other.name} there)`;
  if (keyed.has(section) && there !== '')
    return [
      {
        ...common,
        message: `whether ${what} is the same in ${standby}${there} is not known: fingerprints are of a value and its place`,
        action: 'look yourself, and declare it',
      },
    ];
  if (isSame(section, values, normalisers)) return [];
  if (section === 'images' && !isComparable(mine.value, other.value))
    return [ownIds(`${what}${there}`, common)];
  const message = `${what} is another in ${standby}${there}`;
  return [{ ...common, message, action: 'make both the same, or declare it' }];
}

/** As it is, or in words that both have in common. Digests and fingerprints have no words. */
function isSame(
  section: FactSection,
  values: Readonly<Record<ParitySide, Json>>,
  normalisers: FactsRequest['normalisers'],
): boolean {
  // What is an amount is no word, whatever a cluster calls anything.
  const plain = (side: ParitySide) => (bounds.has(section) ? amountsOf(values[side]) : values[side]);
  const [mine, other] = [plain('primary'), plain('standby')];
  if (canonicalJson(mine) === canonicalJson(other)) return true;
  if (section === 'images' || keyed.has(section)) return false;
  return canonicalJson(normalisers.primary(mine)) === canonicalJson(normalisers.standby(other));
}

/** `1Gi` and `1073741824`, `500m` and `0.5`: the API server keeps which form they were written in. */
function amountsOf(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(amountsOf);
  if (isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, amountsOf(one ?? null)]));
  return typeof value === 'string' ? (parseQuantity(value) ?? value) : value;
}

/** Of images that were not pulled by digest runtimes tell an id of their own, which says nothing to another runtime. */
function isComparable(left: Json, right: Json): boolean {
  const ids = (value: Json) =>
    Array.isArray(value) && value.every((one) => typeof one === 'string' && one.startsWith('id:'));
  return ids(left) === ids(right);
}

function ownIds(what: string, common: Pick<Finding, 'section' | 'name' | 'side' | 'values'>): Finding {
  return {
    ...{ ...common, severity: 'info' },
    message: `whether ${what} is the same in both is not known: in one of them the runtime tells no digest of a registry`,
    action: 'pull it from a registry in both',
  };
}

function certificateFindings(
  right: FactValues,
  { standby, freshness, nowMs }: FactsRequest,
): readonly Finding[] {
  return Object.entries(right).flatMap(([name, end]): readonly Finding[] => {
    const leftMs = Date.parse(String(end)) - nowMs;
    if (leftMs > freshness.certificateMs) return [];
    const over = leftMs <= 0;
    const how = over ? `ended: ${String(end)}` : `ends: ${String(end)}`;
    return [
      {
        ...{ section: 'certificates', name, side: 'standby', severity: over ? 'critical' : 'warning' },
        message: `${name} in ${standby} ${Number.isNaN(leftMs) ? unreadable(end) : how}`,
        ...{ action: Number.isNaN(leftMs) ? 'mend it' : 'renew it', values: { standby: end } },
      },
    ];
  });
}

function unreadable(end: Json): string {
  return end === '' ? 'has never been issued' : 'holds no certificate that can be read';
}

function backupFindings(left: FactValues, { primary, freshness, nowMs }: FactsRequest): readonly Finding[] {
  return Object.entries(left).flatMap(([name, made]): readonly Finding[] => {
    if (nowMs - Date.parse(String(made)) <= freshness.backupWithinMs) return [];
    const message =
      made === ''
        ? `${name} in ${primary} has never worked`
        : `the newest ${name} in ${primary} is of ${String(made)}`;
    return [
      {
        ...{ section: 'backups', name, side: 'primary', severity: 'warning' },
        ...{ message, action: 'find out why none was made since', values: { primary: made } },
      },
    ];
  });
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
    ...{ primaryValue: showValue(values?.primary), standbyValue: showValue(values?.standby) },
    message: covered?.reason ?? told.message,
    expectation: covered?.name ?? '',
    owner: covered?.owner ?? '',
    action: covered ? '' : told.action,
    severity: covered ? 'info' : told.severity,
    ...(told.leavesUnknown && { leavesUnknown: true }),
    ...{ sinceMs: undefined, primarySource: undefined, standbySource: undefined },
  };
}

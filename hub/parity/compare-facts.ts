import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import { type FactSection, type FactValues, factSections } from '../../shared/manifest/cluster-facts.ts';
import type { ParityDifference } from '../model/parity.ts';
import { capacityFindings } from './capacity-findings.ts';
import { escapePart } from './field-path.ts';
import type { FactsRequest, Finding } from './finding.ts';
import { showValue } from './mask.ts';
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
  return factSections
    .flatMap((section) => {
      const [left, right] = [primary.values.get(section), standby.values.get(section)];
      if (keyed.has(section) && primary.saltedFor !== standby.saltedFor) return [];
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
    ...{ sinceMs: undefined, primarySource: undefined, standbySource: undefined },
  };
}

/**
 * What would happen to objects that are there already, if a target were applied: which would be taken, from whom, and what would change. Dry runs of the API
 * server say it; nothing is written.
 */
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { FieldChange } from '../../../shared/manifest/health.ts';
import { ignoredPaths } from '../../../shared/manifest/ignore.ts';
import { isSensitive } from '../../../shared/manifest/masking.ts';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
  keyText,
  type ObjectKey,
} from '../../../shared/manifest/object.ts';
import type { ManifestEntry, Target } from '../../../shared/manifest/target.ts';
import { adoptionModeOf, adoptionRefusal } from '../../apply/adoption.ts';
import { effectiveKey, effectiveObject } from '../../apply/effective-object.ts';
import { findLive } from '../../apply/find-live.ts';
import { forEachBounded } from '../../apply/parallel.ts';
import { type Owner, ownersOf, planTakeOver } from '../../apply/take-over.ts';
import type { ApiResource, KubeClient, LiveObject, ResourceRef } from '../../kube/kube-client.ts';
import { statusOf } from '../../kube/status-error.ts';
import { applySetId, partOfLabel } from '../../model/inventory.ts';
import { covers, type FieldsNode, leafPaths, ownFields, visitLeaves } from '../../observe/fields-v1.ts';
import { reportValue } from '../../observe/projection.ts';
import { writerOf } from '../release/writer.ts';

export interface AdoptionFinding {
  readonly key: ObjectKey;
  /** create: it is not there. own: it is this application's already. take: it would be taken over. refuse: it would not. error: it cannot be told. */
  readonly result: 'create' | 'own' | 'take' | 'refuse' | 'error';
  readonly owners: readonly Owner[];
  /** What would change; values of secrets are left out. At most 50. */
  readonly changes: readonly FieldChange[];
  /** Fields that other managers apply, and would lose. */
  readonly conflicts: readonly { readonly field: string; readonly manager: string }[];
  readonly message: string;
}

export interface AdoptionQuestion {
  readonly application: string;
  readonly target: Target;
  /** Canonical JSON of a manifest, if it came with the question. */
  readonly content: (digest: string) => string | undefined;
}

export interface AdoptionPorts {
  readonly kube: KubeClient;
  /** The agent's own. */
  readonly namespace: string;
  readonly reveal: (text: string) => Promise<string>;
  readonly signal: AbortSignal;
}

const changesMax = 50;
const parallelMax = 4;
const findingsMax = 2_000;
/** What every write changes, or the API server alone. */
const quietMetadata = new Set(['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp']);

function comparable(object: KubeObject): JsonObject {
  const metadata = Object.entries(object.metadata).filter(([name]) => !quietMetadata.has(name));
  const { [partOfLabel]: _label, ...labels } = object.metadata.labels ?? {};
  return { ...object, metadata: { ...Object.fromEntries(metadata), labels } };
}

/** Leaves that differ; lists item by item. */
function diffJson(
  before: Json | undefined,
  after: Json | undefined,
  path: string,
  visit: (path: string, before: Json | undefined, after: Json | undefined) => void,
): void {
  // A map that comes or goes is told by what is in it.
  const isMap = isJsonObject(before) || isJsonObject(after);
  const both = isMap ? [before ?? {}, after ?? {}] : [before, after];
  if (both.every(isJsonObject) || both.every(Array.isArray)) {
    const [a, b] = both as unknown as [JsonObject, JsonObject];
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)]))
      diffJson(a[name], b[name], `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, visit);
  } else if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) visit(path, before, after);
}

/** Fields that only the former tool set: the take-over drops them. */
function staleChanges(after: LiveObject, secret: boolean): readonly FieldChange[] {
  const joined = planTakeOver(after)?.at(-1) as unknown as { fieldsV1?: FieldsNode } | undefined;
  if (!joined?.fieldsV1) return [];
  const own = leafPaths(ownFields(after));
  const all = leafPaths(joined.fieldsV1);
  const changes: FieldChange[] = [];
  visitLeaves(joined.fieldsV1, after, (path, value) => {
    const isMap = [...all].some((other) => other.startsWith(`${path}/`));
    if (value === undefined || isMap || covers(own, path)) return;
    changes.push({ path, live: reportValue(value, secret) });
  });
  return changes;
}

function changesOf(live: LiveObject, after: LiveObject, body: KubeObject): readonly FieldChange[] {
  const secret = isSensitive(live) || isSensitive(body);
  const changes: FieldChange[] = [];
  diffJson(comparable(live), comparable(after), '', (path, was, becomes) => {
    changes.push({ path, live: reportValue(was, secret), desired: reportValue(becomes, secret) });
  });
  return [...changes, ...staleChanges(after, secret)].slice(0, changesMax);
}

async function conflictsOf(
  writer: KubeClient,
  ref: ResourceRef,
  body: KubeObject,
  signal: AbortSignal,
): Promise<AdoptionFinding['conflicts']> {
  try {
    await writer.apply(ref, body, { dryRun: true, force: false, signal });
    return [];
  } catch (caught) {
    const causes = statusOf(toFairwayError(caught))?.details?.causes ?? [];
    return causes
      .filter(({ reason }) => reason === 'FieldManagerConflict')
      .slice(0, changesMax)
      .map(({ field = '', message = '' }) => ({ field, manager: message }));
  }
}

type Verdict = Omit<AdoptionFinding, 'key'>;
const nothing = { owners: [], changes: [], conflicts: [], message: '' };

async function judge(
  question: AdoptionQuestion,
  entry: ManifestEntry,
  ref: ResourceRef,
  key: ObjectKey,
  ports: AdoptionPorts,
): Promise<Verdict> {
  const { sync } = question.target;
  const { kube, signal } = ports;
  const text = question.content(entry.objectDigest);
  if (text === undefined)
    throw new FairwayError('failed_precondition', 'its content did not come with the question');
  const own = applySetId(question.application, ports.namespace);
  const body = effectiveObject(await ports.reveal(text), key, own, ignoredPaths(sync.ignore, key));
  const live = await findLive(kube, ref, signal);
  if (!live) return { ...nothing, result: 'create' };
  const partOf = live.metadata.labels?.[partOfLabel];
  const owners = ownersOf(live).filter(({ name }) => name !== own);
  if (partOf !== undefined && partOf !== '' && partOf !== own)
    return { ...nothing, result: 'refuse', owners, message: `it belongs to another ApplySet (${partOf})` };
  const writer = writerOf(kube, sync, ports.namespace);
  const after = await writer.apply(ref, body, { dryRun: true, signal });
  const changes = changesOf(live, after, body);
  if (partOf === own) return { ...nothing, result: 'own', owners, changes };
  const conflicts = await conflictsOf(writer, ref, body, signal);
  const message =
    (await adoptionRefusal(adoptionModeOf(body, sync), live, () => Promise.resolve(after))) ??
    (sync.conflicts === 'report' && conflicts.length > 0
      ? 'others apply fields of it, and sync.conflicts is report'
      : '');
  return { result: message === '' ? 'take' : 'refuse', owners, changes, conflicts, message };
}

async function findOne(
  question: AdoptionQuestion,
  entry: ManifestEntry,
  resources: readonly ApiResource[],
  ports: AdoptionPorts,
): Promise<AdoptionFinding> {
  const resource = resources.find(
    ({ group, version, kind }) =>
      kind === entry.key.kind && (group === '' ? version : `${group}/${version}`) === entry.apiVersion,
  );
  const key = effectiveKey(entry, resource, question.target.sync.namespace);
  // Its definition may be in the same set.
  if (!resource) return { ...nothing, key, result: 'create', message: 'its kind is not served yet' };
  try {
    return {
      key,
      ...(await judge(question, entry, { resource, namespace: key.namespace, name: key.name }, key, ports)),
    };
  } catch (caught) {
    ports.signal.throwIfAborted();
    return { ...nothing, key, result: 'error', message: toFairwayError(caught).message };
  }
}

/** A finding an object, in the set's order; hooks apart. @throws what the API server's discovery answers. */
export async function reportAdoption(
  question: AdoptionQuestion,
  ports: AdoptionPorts,
): Promise<{ readonly findings: readonly AdoptionFinding[]; readonly truncated: boolean }> {
  const resources = await ports.kube.discover({ refresh: true, signal: ports.signal });
  const entries = question.target.set.entries.filter(({ hook }) => hook === undefined);
  const found = new Map<ManifestEntry, AdoptionFinding>();
  await forEachBounded(entries.slice(0, findingsMax), parallelMax, async (entry) => {
    found.set(entry, await findOne(question, entry, resources, ports));
  });
  const findings = entries.map((entry) => found.get(entry)).filter((finding) => finding !== undefined);
  const unique = new Map(findings.map((finding) => [keyText(finding.key), finding]));
  return { findings: [...unique.values()], truncated: entries.length > findingsMax };
}

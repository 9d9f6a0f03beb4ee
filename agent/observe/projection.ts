/**
 * The applied projection: the values at the fields we own, as the API server returned them after our apply. Comparing projections, not
 * manifests, means that defaulting, spelling of quantities and admission are no drift.
 */
import { canonicalJson, type Digest, digestText, keyedDigest } from '../../shared/manifest/canonical.ts';
import type { FieldChange } from '../../shared/manifest/health.ts';
import { isSensitive } from '../../shared/manifest/masking.ts';
import { isJsonObject, type Json, type KubeObject } from '../../shared/manifest/object.ts';
import {
  covers,
  type FieldsNode,
  findItem,
  type LeafPlan,
  leafPaths,
  ownFields,
  planLeaves,
  visitLeaves,
  visitPlanned,
} from './fields-v1.ts';
import { packHashes, unpackHashes } from './hash-list.ts';

export interface Projection {
  readonly digest: Digest;
  /** A 32-bit hash of each value, in order (hash-list.ts). */
  readonly leaves: string;
}

/** FNV-1a, 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

const absent = '\u0000absent';

function leafText(value: Json | undefined): string {
  return value === undefined ? absent : canonicalJson(value);
}

const plans = new Map<string, readonly LeafPlan[]>();
const plansMax = 128;
const planLengthMax = 4_096;

/** Of a thousand objects most have the fields of another. */
function planOf(fields: FieldsNode, fieldsText: string): readonly LeafPlan[] {
  const known = plans.get(fieldsText);
  if (known) return known;
  const plan = planLeaves(fields);
  if (fieldsText.length > planLengthMax) return plan;
  if (plans.size >= plansMax) plans.clear();
  plans.set(fieldsText, plan);
  return plan;
}

/**
 * @param secretKey keys the digest of a Secret's values, so that it gives no guess away.
 * @param fieldsText the fields as JSON, where it is known.
 */
export function projectFields(
  fields: FieldsNode,
  object: KubeObject,
  secretKey: Uint8Array,
  fieldsText = JSON.stringify(fields),
): Projection {
  const hashes: number[] = [];
  let text = '';
  visitPlanned(planOf(fields, fieldsText), object, (path, value) => {
    const leaf = leafText(value);
    text += hashes.length === 0 ? `${path} ${leaf}` : `\n${path} ${leaf}`;
    hashes.push(hashText(leaf));
  });
  const digest = isSensitive(object) ? keyedDigest(text, secretKey) : digestText(text);
  return { digest, leaves: packHashes(hashes) };
}

const valueCharactersMax = 512;

/** JSON text for a report, cut; nothing for a Secret. */
export function reportValue(value: Json | undefined, secret: boolean): string | undefined {
  if (value === undefined || secret) return undefined;
  return canonicalJson(value).slice(0, valueCharactersMax);
}

const changesMax = 50;

/** The fields whose values differ from the projection taken after our apply, and fields that our entry has gained since. At most 50. */
export function diffProjection(
  record: { readonly fields: string; readonly leaves: string },
  desired: KubeObject,
  live: KubeObject,
): readonly FieldChange[] {
  const fields = JSON.parse(record.fields) as FieldsNode;
  const secret = isSensitive(live) || isSensitive(desired);
  const changes: FieldChange[] = [];
  const wanted: (Json | undefined)[] = [];
  visitLeaves(fields, desired, (_path, value) => wanted.push(value));
  const hashes = unpackHashes(record.leaves);
  let index = 0;
  visitLeaves(fields, live, (path, value) => {
    const position = index++;
    if (hashText(leafText(value)) === hashes[position]) return;
    changes.push({
      path,
      desired: reportValue(wanted[position], secret),
      live: reportValue(value, secret),
    });
  });
  const known = leafPaths(fields);
  visitLeaves(ownFields(live), live, (path, value) => {
    if (covers(known, path)) return;
    // What was one leaf may have become several (a list that turned from atomic to set) or the reverse.
    for (const leaf of known) if (leaf.startsWith(path + '/')) return;
    changes.push({ path, live: reportValue(value, secret) });
  });
  return changes.slice(0, changesMax);
}

function sameValue(desired: Json | undefined, live: Json | undefined): boolean {
  return desired !== undefined && live !== undefined && canonicalJson(desired) === canonicalJson(live);
}

function sameMembers(fields: FieldsNode, desired: Json, live: Json, atRoot: boolean): boolean {
  if (!isJsonObject(desired) || !isJsonObject(live)) return false;
  const identity = atRoot ? new Set(['apiVersion', 'kind']) : new Set<string>();
  const names = Object.keys(desired).filter((name) => desired[name] != null && !identity.has(name));
  const owned = Object.keys(fields).filter((element) => element !== '.');
  if (owned.some((element) => desired[element.slice(2)] == null)) return false;
  return names.every((name) => {
    const node = fields[`f:${name}`];
    const wanted = desired[name];
    if (atRoot && name === 'metadata') {
      const { name: _name, namespace: _namespace, ...rest } = wanted as Record<string, Json>;
      return Object.keys(rest).length === 0 || sameNode(node, rest, live[name]);
    }
    return sameNode(node, wanted, live[name]);
  });
}

function sameItems(fields: FieldsNode, desired: Json, live: Json): boolean {
  if (!Array.isArray(desired) || !Array.isArray(live)) return false;
  const elements = Object.keys(fields).filter((element) => element !== '.');
  if (elements.length !== desired.length) return false;
  return elements.every((element) => {
    const wanted = desired[findItem(desired, element)];
    const found = live[findItem(live, element)];
    if (wanted === undefined || found === undefined) return false;
    return element.startsWith('v:') || sameNode(fields[element], wanted, found);
  });
}

function sameNode(
  fields: FieldsNode | undefined,
  desired: Json | undefined,
  live: Json | undefined,
  atRoot = false,
): boolean {
  if (fields === undefined || desired === undefined || live === undefined) return false;
  const elements = Object.keys(fields).filter((element) => element !== '.');
  if (elements.length === 0) return sameValue(desired, live);
  return elements[0]?.startsWith('f:')
    ? sameMembers(fields, desired, live, atRoot)
    : sameItems(fields, desired, live);
}

/**
 * Whether applying `desired` again would surely change nothing: our entry owns exactly its fields and each has its value. For an
 * agent that starts without records. False where it cannot be told (another spelling of a quantity): then it is applied, which
 * the API server turns into nothing.
 */
export function matchesDesired(desired: KubeObject, live: KubeObject): boolean {
  return sameNode(ownFields(live), desired, live, true);
}

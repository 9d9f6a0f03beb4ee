import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import { isList } from '../list-keys.ts';
import type { Complaint, FieldPath } from './complaint.ts';
import { anySchema, builtInSchema, type ObjectSchema, type SchemaType } from './object-schema.ts';

/** Complaints of one object; more are seldom read. */
const complaintsMax = 20;

/**
 * Unknown fields, wrong types and missing fields of an object, by the schema of its kind: Kubernetes' own, or that of a CustomResourceDefinition. A kind
 * without either is not checked. `status` belongs to controllers, and is not either. Pure.
 */
export function checkSchema(
  object: KubeObject,
  customSchemas: ReadonlyMap<string, ObjectSchema>,
): readonly Complaint[] {
  const schema =
    builtInSchema(object.apiVersion, object.kind) ?? customSchemas.get(`${object.apiVersion}/${object.kind}`);
  if (!schema) return [];
  const complaints: Complaint[] = [];
  const { status: _status, ...checked } = object;
  checkValue(checked as JsonObject, schema, [], complaints);
  return complaints.slice(0, complaintsMax);
}

function checkValue(value: Json, schema: ObjectSchema, path: FieldPath, complaints: Complaint[]): void {
  // The API server takes null for a field that is not there.
  if (value === null || schema.type === 'any' || complaints.length >= complaintsMax) return;
  if (!fits(value, schema.type)) {
    const message = `expected ${typeNames[schema.type]}, found ${describeType(value)}${hintFor(value, schema.type)}`;
    complaints.push({ rule: 'wrong-type', severity: 'error', path, message });
  } else if (schema.values && !schema.values.some((one) => canonicalJson(one) === canonicalJson(value))) {
    const message = `expected one of ${schema.values.slice(0, 20).map(canonicalJson).join(', ')}`;
    complaints.push({ rule: 'wrong-type', severity: 'error', path, message });
  } else if (isList(value)) {
    const { items } = schema;
    for (const [index, item] of items ? value.entries() : [])
      checkValue(item, items ?? anySchema, [...path, index], complaints);
  } else if (isJsonObject(value)) checkMembers(value, schema, path, complaints);
}

function checkMembers(
  value: JsonObject,
  { fields, others, required }: ObjectSchema,
  path: FieldPath,
  complaints: Complaint[],
): void {
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const schema = fields?.get(name) ?? others;
    if (schema) checkValue(member, schema, [...path, name], complaints);
    else if (fields) {
      const near = nearest(name, [...fields.keys()]);
      const message = near ? `is no field here: did you mean ${near}?` : 'is no field here';
      complaints.push({ rule: 'unknown-field', severity: 'error', path: [...path, name], message });
    }
  }
  for (const name of required)
    if (!Object.hasOwn(value, name))
      complaints.push({ rule: 'missing-field', severity: 'error', path, message: `needs the field ${name}` });
}

const typeNames: Readonly<Record<SchemaType, string>> = {
  any: 'anything',
  object: 'a map',
  list: 'a list',
  text: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  quantity: 'a quantity such as 500m or 2Gi',
  'integer-or-text': 'an integer or text',
};

function fits(value: Json, type: SchemaType): boolean {
  if (type === 'object') return isJsonObject(value);
  if (type === 'list') return isList(value);
  if (type === 'text') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'number') return typeof value === 'number';
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'quantity')
    return typeof value === 'number' || (typeof value === 'string' && isQuantity(value));
  return typeof value === 'string' || Number.isInteger(value);
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
function isQuantity(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(text);
}

function describeType(value: Json): string {
  if (isList(value)) return 'a list';
  if (isJsonObject(value)) return 'a map';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** The two mistakes that YAML makes easy. */
function hintFor(value: Json, type: SchemaType): string {
  if (type === 'text' && (typeof value === 'number' || typeof value === 'boolean'))
    return ': put it in quotes';
  const bare =
    typeof value === 'string' &&
    (type === 'boolean' ? /^(true|false)$/.test(value) : type === 'integer' && /^-?\d+$/.test(value));
  return bare ? ': take it out of its quotes' : '';
}

/** The known name that needs the fewest changes of a letter, two at most. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(3, name.length);
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const steps = candidate.toLowerCase() === name.toLowerCase() ? 0.5 : distance(name, candidate);
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}

/** Levenshtein's. Names are short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

import type { Json } from '../../../shared/manifest/object.ts';
import data from './kubernetes.json' with { type: 'json' };

/** What a value must be. */
export type SchemaType =
  | 'any'
  | 'object'
  | 'list'
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  /** `1`, `"500m"`: apimachinery resource.Quantity reads both. */
  | 'quantity'
  | 'integer-or-text';

export interface ObjectSchema {
  readonly type: SchemaType;
  /** Undefined: of no known fields. */
  readonly fields: ReadonlyMap<string, ObjectSchema> | undefined;
  /** Of fields that `fields` does not name. Undefined: there may be none. */
  readonly others: ObjectSchema | undefined;
  readonly items: ObjectSchema | undefined;
  /** What identifies an item of a list. Undefined: nothing does. */
  readonly mergeKeys?: readonly string[] | undefined;
  readonly required: readonly string[];
  /** Undefined: any. */
  readonly values: readonly Json[] | undefined;
}

export const anySchema: ObjectSchema = {
  type: 'any',
  fields: undefined,
  others: undefined,
  items: undefined,
  required: [],
  values: undefined,
};

interface Table {
  /** Of Kubernetes: `1.36.3`. */
  readonly version: string;
  /** `apps/v1/Deployment` to the number of its definition. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Minor release of deprecation, of removal (0: none stated), and what to use instead. */
  readonly lifecycle: Readonly<Record<string, readonly [number, number, string]>>;
  /** Fields with their types, then the names of required ones. */
  readonly definitions: readonly (readonly [Readonly<Record<string, string>>, ...string[]])[];
}

/** Made by ../tools/reduce-kubernetes.ts from Kubernetes' OpenAPI document. */
export const kubernetesTable: Table = data as unknown as Table;

const scalars: Readonly<Record<string, SchemaType>> = {
  s: 'text',
  i: 'integer',
  n: 'number',
  b: 'boolean',
  q: 'quantity',
  x: 'integer-or-text',
};

const definitions = new Map<number, ObjectSchema>();

/** The schema of a kind that Kubernetes has built in; undefined for any other. */
export function builtInSchema(apiVersion: string, kind: string): ObjectSchema | undefined {
  const id = `${apiVersion}/${kind}`;
  return Object.hasOwn(kubernetesTable.kinds, id) ? definitionOf(kubernetesTable.kinds[id] ?? -1) : undefined;
}

/** What every object's metadata is. */
export function metadataSchema(): ObjectSchema {
  return builtInSchema('v1', 'ConfigMap')?.fields?.get('metadata') ?? anySchema;
}

function definitionOf(at: number): ObjectSchema {
  const known = definitions.get(at);
  if (known) return known;
  const [types = {}, ...required] = kubernetesTable.definitions[at] ?? [];
  const fields = new Map<string, ObjectSchema>();
  const schema: ObjectSchema = { ...anySchema, type: 'object', fields, required };
  // Before its fields: definitions such as JSONSchemaProps hold themselves.
  definitions.set(at, schema);
  for (const [name, type] of Object.entries(types)) fields.set(name, typeSchema(type));
  return schema;
}

function typeSchema(type: string): ObjectSchema {
  const rest = type.slice(1);
  if (type.startsWith('[')) {
    const [, keys, item = ''] = /^(?:\(([^)]*)\))?(.*)$/.exec(rest) ?? [];
    return { ...anySchema, type: 'list', items: typeSchema(item), mergeKeys: keys?.split(',') };
  }
  if (type.startsWith('{')) return { ...anySchema, type: 'object', others: typeSchema(rest) };
  const scalar = scalars[type];
  if (scalar) return { ...anySchema, type: scalar };
  return type === '*' ? anySchema : definitionOf(Number(type));
}

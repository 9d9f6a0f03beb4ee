import type { Json } from '../../../shared/manifest/object.ts';
import data from './schema.json' with { type: 'json' };

interface Field {
  readonly to?: string;
  readonly keys?: readonly string[];
}

interface Table {
  /** `apps/v1/Deployment` to a definition's name. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly clusterScoped: readonly string[];
  readonly definitions: Readonly<Record<string, Readonly<Record<string, Field>>>>;
}

/** Made by ../tools/reduce-schema.ts from the OpenAPI document within kustomize. */
const table: Table = data as unknown as Table;
const clusterScoped = new Set(table.clusterScoped);

/** What is known of one field: the definition of its value or items, and the merge keys where it is a list that merges. */
export interface FieldSchema {
  readonly definition: string | undefined;
  /** Undefined: a list is replaced. Empty: a list of scalars that merges. */
  readonly mergeKeys: readonly string[] | undefined;
}

const fieldSchemas = new Map<string, FieldSchema>();

export function schemaOfKind(apiVersion: Json | undefined, kind: Json | undefined): FieldSchema | undefined {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const name = `${apiVersion}/${kind}`;
  if (!Object.hasOwn(table.kinds, name)) return undefined;
  return definitionSchema(table.kinds[name]);
}

function definitionSchema(definition: string | undefined): FieldSchema | undefined {
  return definition === undefined ? undefined : { definition, mergeKeys: undefined };
}

export function schemaOfField(schema: FieldSchema | undefined, field: string): FieldSchema | undefined {
  const definition = schema?.definition;
  if (definition === undefined) return undefined;
  const key = `${definition}|${field}`;
  const known = fieldSchemas.get(key);
  if (known !== undefined) return known;
  const fields = table.definitions[definition];
  const found = fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (found === undefined) return undefined;
  const made = { definition: found.to, mergeKeys: found.keys };
  fieldSchemas.set(key, made);
  return made;
}

/** Schema of a list's items. */
export function schemaOfItems(schema: FieldSchema | undefined): FieldSchema | undefined {
  return definitionSchema(schema?.definition);
}

/** True only for what the built-in schema says is cluster-scoped: unknown kinds count as namespaced, as in kustomize (kyaml openapi IsCertainlyClusterScoped). */
export function isClusterScoped(apiVersion: string, kind: string): boolean {
  return clusterScoped.has(`${apiVersion}/${kind}`);
}

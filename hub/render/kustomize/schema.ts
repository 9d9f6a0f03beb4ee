import type { Json } from '../../../shared/manifest/object.ts';
import data from './schema.json' with { type: 'json' };

interface Field {
  readonly to?: string;
  readonly keys?: readonly string[];
}

export interface SchemaData {
  /** `apps/v1/Deployment` to a definition's name. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, Readonly<Record<string, Field>>>>;
}

/** Fields of a map whose keys are free: they all have this one's schema. */
export const anyField = '*';

/** What is known of one field: the definition of its value or items, and the merge keys where it is a list that merges. */
export interface FieldSchema {
  readonly table: SchemaTable;
  readonly definition: string | undefined;
  /** Undefined: a list is replaced. Empty: a list of scalars that merges. */
  readonly mergeKeys: readonly string[] | undefined;
  /** Schema of an item of the list. */
  readonly items: FieldSchema | undefined;
  /** Fields that were looked up. */
  readonly known: Map<string, FieldSchema | undefined>;
}

/** Which lists merge, by which keys. */
export class SchemaTable {
  readonly #data: SchemaData;
  readonly #definitions = new Map<string, FieldSchema>();

  constructor(schema: SchemaData) {
    this.#data = schema;
  }

  ofKind(apiVersion: Json | undefined, kind: Json | undefined): FieldSchema | undefined {
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
    const name = `${apiVersion}/${kind}`;
    return Object.hasOwn(this.#data.kinds, name) ? this.#definition(this.#data.kinds[name]) : undefined;
  }

  /** This one's kinds where the other has none. */
  over(other: SchemaTable): SchemaTable {
    const [mine, theirs] = [this.#data, other.#data];
    return new SchemaTable({
      kinds: { ...mine.kinds, ...theirs.kinds },
      definitions: { ...mine.definitions, ...theirs.definitions },
    });
  }

  #definition(name: string | undefined): FieldSchema | undefined {
    if (name === undefined) return undefined;
    const known = this.#definitions.get(name);
    if (known !== undefined) return known;
    const made = { table: this, definition: name, mergeKeys: undefined, items: undefined, known: new Map() };
    this.#definitions.set(name, made);
    return made;
  }

  /** Use schemaOfField. */
  lookUp(definition: string, field: string): FieldSchema | undefined {
    const fields = this.#data.definitions[definition];
    if (fields === undefined) return undefined;
    const found = fields[Object.hasOwn(fields, field) ? field : anyField];
    if (found === undefined) return undefined;
    const items = this.#definition(found.to);
    return { table: this, definition: found.to, mergeKeys: found.keys, items, known: new Map() };
  }
}

/** Made by ../tools/reduce-schema.ts from the OpenAPI document within kustomize. */
export const builtInSchema = new SchemaTable(data as unknown as SchemaData);
/** By kind: the versions of it that are cluster-scoped. */
const clusterScoped = new Map<string, Set<string>>();
/** Kinds that the document is too old for, and kustomize knows all the same (kyaml openapi.go precomputedIsNamespaceScoped). */
const laterKinds = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'].map(
  (kind) => `admissionregistration.k8s.io/v1/${kind}`,
);
for (const name of [
  ...(data as unknown as { clusterScoped: readonly string[] }).clusterScoped,
  ...laterKinds,
]) {
  const slash = name.lastIndexOf('/');
  const kind = name.slice(slash + 1);
  clusterScoped.set(kind, (clusterScoped.get(kind) ?? new Set()).add(name.slice(0, slash)));
}

export function schemaOfField(schema: FieldSchema | undefined, field: string): FieldSchema | undefined {
  if (schema?.definition === undefined) return undefined;
  const { known } = schema;
  const found = known.get(field);
  if (found !== undefined || known.has(field)) return found;
  const made = schema.table.lookUp(schema.definition, field);
  known.set(field, made);
  return made;
}

/** Schema of a list's items. */
export function schemaOfItems(schema: FieldSchema | undefined): FieldSchema | undefined {
  return schema?.items;
}

/** True only for what the built-in schema says is cluster-scoped: unknown kinds count as namespaced, as in kustomize (kyaml openapi IsCertainlyClusterScoped). */
export function isClusterScoped(apiVersion: string, kind: string): boolean {
  return clusterScoped.get(kind)?.has(apiVersion) === true;
}

/** `openapi.path`: an OpenAPI document instead of the built-in one (kyaml openapi SetSchema; it replaces the built-in one as a whole). */
import { isJsonObject, type Json, type JsonObject } from '../../../shared/manifest/object.ts';
import { anyField, isClusterScoped, type SchemaData, SchemaTable } from './schema.ts';

export interface CustomSchema {
  readonly table: SchemaTable;
  /** Kinds that only this document says are cluster-scoped: `e.com/v1/Foo`. */
  readonly clusterScoped: ReadonlySet<string>;
}

/** The document is no OpenAPI document. */
export class SchemaError extends Error {}

type Fields = Record<string, { to?: string; keys?: readonly string[] }>;

const depthMax = 64;

/** @throws SchemaError. */
export function readCustomSchema(document: Json): CustomSchema {
  if (!isJsonObject(document)) throw new SchemaError('expected an OpenAPI document');
  const definitions = document['definitions'] ?? {};
  if (!isJsonObject(definitions)) throw new SchemaError('expected a mapping of definitions');
  const reader = new SchemaReader();
  const kinds: Record<string, string> = {};
  for (const [name, schema] of Object.entries(definitions)) {
    if (!isJsonObject(schema)) throw new SchemaError(`expected a schema for ${name}`);
    reader.define(name, schema, 0);
    for (const kind of kindsOf(schema['x-kubernetes-group-version-kind'])) kinds[kind] = name;
  }
  const data: SchemaData = { kinds, definitions: reader.definitions };
  return { table: new SchemaTable(data), clusterScoped: clusterScopedIn(document['paths']) };
}

function kindsOf(list: Json | undefined): readonly string[] {
  return Array.isArray(list) ? list.map(kindOf).filter((kind) => kind !== undefined) : [];
}

function kindOf(value: Json | undefined): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const { group, version, kind } = value;
  if (typeof version !== 'string' || typeof kind !== 'string') return undefined;
  return `${typeof group === 'string' && group !== '' ? `${group}/` : ''}${version}/${kind}`;
}

function clusterScopedIn(paths: Json | undefined): ReadonlySet<string> {
  const scoped = new Map<string, boolean>();
  for (const [path, item] of Object.entries(isJsonObject(paths) ? paths : {})) {
    const get = isJsonObject(item) ? item['get'] : undefined;
    const kind = isJsonObject(get) ? kindOf(get['x-kubernetes-group-version-kind']) : undefined;
    if (kind === undefined) continue;
    if (path.includes('namespaces/{namespace}')) scoped.set(kind, false);
    else if (!scoped.has(kind)) scoped.set(kind, true);
  }
  const own = [...scoped].filter(([kind, is]) => is && !isBuiltIn(kind)).map(([kind]) => kind);
  return new Set(own);
}

function isBuiltIn(kind: string): boolean {
  const slash = kind.lastIndexOf('/');
  return isClusterScoped(kind.slice(0, slash), kind.slice(slash + 1));
}

class SchemaReader {
  readonly definitions: Record<string, Fields> = {};

  define(name: string, schema: JsonObject, depth: number): void {
    if (depth > depthMax) throw new SchemaError(`the schema of ${name} is nested too deeply`);
    const fields: Fields = {};
    this.definitions[name] = fields;
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
    for (const [field, property] of Object.entries(properties))
      if (isJsonObject(property)) fields[field] = this.#field(`${name}.${field}`, property, depth);
    const additional = schema['additionalProperties'];
    if (isJsonObject(additional)) fields[anyField] = this.#field(`${name}.*`, additional, depth);
  }

  #field(name: string, property: JsonObject, depth: number): Fields[string] {
    const to = this.#target(name, property, depth);
    const strategy = property['x-kubernetes-patch-strategy'];
    // A schema that refers to another has nothing of its own.
    const merges = typeof strategy === 'string' && strategy.split(',').includes('merge');
    if (!merges || property['$ref'] !== undefined) return to === undefined ? {} : { to };
    const list = property['x-kubernetes-list-map-keys'];
    const key = property['x-kubernetes-patch-merge-key'];
    const keys = Array.isArray(list) ? list.map(String) : typeof key === 'string' ? [key] : [];
    return to === undefined ? { keys } : { to, keys };
  }

  #target(name: string, property: JsonObject, depth: number): string | undefined {
    const inner = property['type'] === 'array' ? property['items'] : property;
    if (!isJsonObject(inner)) return undefined;
    const reference = inner['$ref'];
    if (typeof reference === 'string') return reference.replace(/^#\/definitions\//, '');
    if (!isJsonObject(inner['properties']) && !isJsonObject(inner['additionalProperties'])) return undefined;
    const own = `${name} (in place)`;
    this.define(own, inner, depth + 1);
    return own;
  }
}

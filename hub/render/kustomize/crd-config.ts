/** `crds`: OpenAPI definitions whose extensions say which fields hold names, labels and annotations (kustomize internal/accumulator/loadconfigfromcrds.go). */
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import type { FieldSpec } from './field-spec.ts';
import { configOf, mergeConfigs, mergeSpecs, type TransformerConfig } from './transformer-config.ts';

/** Definitions that refer to one another in a circle are followed no deeper. */
const depthMax = 32;

/** The file is no map of names to definitions. */
export class CrdError extends Error {}

type Properties = Readonly<Record<string, Json | undefined>>;

function mapOf(value: Json | undefined, what: string): JsonObject {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new CrdError(`expected ${what}`);
  return value as JsonObject;
}

/** @throws CrdError, ConfigError. */
export function configOfCrds(value: Json): TransformerConfig {
  const definitions = new Map<string, Properties>();
  for (const [name, entry] of Object.entries(mapOf(value, 'a mapping of names to OpenAPI definitions'))) {
    const definition = mapOf(entry, `an OpenAPI definition with a Schema for ${name}`);
    const schema = mapOf(definition['Schema'] ?? definition['schema'], `a Schema for ${name}`);
    definitions.set(name, mapOf(schema['properties'], `properties for ${name}`));
  }
  let config = configOf({});
  for (const [name, properties] of definitions)
    if (['kind', 'apiVersion', 'metadata'].every((field) => Object.hasOwn(properties, field)))
      config = mergeConfigs(config, new CrdReader(definitions, name).read());
  return config;
}

class CrdReader {
  readonly #definitions: ReadonlyMap<string, Properties>;
  readonly #name: string;
  #config = configOf({});

  constructor(definitions: ReadonlyMap<string, Properties>, name: string) {
    this.#definitions = definitions;
    this.#name = name;
  }

  read(): TransformerConfig {
    this.#walk(this.#name, []);
    return this.#config;
  }

  #walk(type: string, path: readonly string[]): void {
    if (path.length > depthMax) throw new CrdError(`${type} refers to itself`);
    for (const [field, property] of Object.entries(this.#definitions.get(type) ?? {})) {
      const schema = mapOf(property, `a schema for ${field}`);
      const here = [...path, field];
      const has = (extension: string): boolean => typeof schema[extension] === 'string';
      if (has('x-kubernetes-annotation')) this.#add('commonAnnotations', here);
      if (has('x-kubernetes-label-selector')) this.#add('commonLabels', here);
      if (has('x-kubernetes-identity')) this.#add('namePrefix', here);
      this.#addReference(schema, here);
      if (typeof schema['$ref'] === 'string') this.#walk(schema['$ref'], here);
    }
  }

  #spec(path: readonly string[]): FieldSpec {
    return { kind: this.#name.split('.').at(-1) ?? '', path: path.join('/') };
  }

  #add(list: 'commonAnnotations' | 'commonLabels' | 'namePrefix', path: readonly string[]): void {
    this.#config = { ...this.#config, [list]: mergeSpecs(this.#config[list], [this.#spec(path)]) };
  }

  #addReference(schema: JsonObject, path: readonly string[]): void {
    const version = schema['x-kubernetes-object-ref-api-version'];
    const kind = schema['x-kubernetes-object-ref-kind'];
    const key = schema['x-kubernetes-object-ref-name-key'];
    if (typeof version !== 'string' || typeof kind !== 'string') return;
    const spec = this.#spec([...path, typeof key === 'string' ? key : 'name']);
    this.#config = mergeConfigs(
      this.#config,
      configOf({ nameReference: [{ kind, version, fieldSpecs: [spec] }] }),
    );
  }
}

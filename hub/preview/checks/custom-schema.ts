import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import { isList } from '../list-keys.ts';
import { anySchema, metadataSchema, type ObjectSchema, type SchemaType } from './object-schema.ts';

/** A real definition is a few deep; what is deeper is not checked. */
const depthMax = 50;

/**
 * Schemas of the custom kinds that a CustomResourceDefinition (apiextensions.k8s.io/v1) serves, by `group/version/kind`. Fields that it does not name are
 * pruned by the API server, or refused, unless it preserves them (Kubernetes' documentation, "Extend the Kubernetes API with
 * CustomResourceDefinitions", field pruning).
 */
export function customSchemas(definition: KubeObject): ReadonlyMap<string, ObjectSchema> {
  const schemas = new Map<string, ObjectSchema>();
  const spec = objectAt(definition['spec']);
  const [group, kind] = [spec['group'], objectAt(spec['names'])['kind']];
  const versions = spec['versions'];
  if (typeof group !== 'string' || typeof kind !== 'string' || !isList(versions)) return schemas;
  for (const version of versions.filter(isJsonObject)) {
    const root = objectAt(version['schema'])['openAPIV3Schema'];
    if (typeof version['name'] !== 'string' || !isJsonObject(root)) continue;
    const schema = schemaOf(root, 0);
    const fields = new Map(schema.fields ?? []);
    for (const name of ['apiVersion', 'kind']) fields.set(name, { ...anySchema, type: 'text' });
    fields.set('metadata', metadataSchema());
    schemas.set(`${group}/${version['name']}/${kind}`, { ...schema, type: 'object', fields });
  }
  return schemas;
}

function objectAt(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function schemaOf(node: JsonObject, depth: number): ObjectSchema {
  if (depth > depthMax || node['x-kubernetes-embedded-resource'] === true) return anySchema;
  const values = isList(node['enum']) ? node['enum'] : undefined;
  if (node['x-kubernetes-int-or-string'] === true) return { ...anySchema, type: 'integer-or-text', values };
  const type = typeOf(node['type']);
  const items = isJsonObject(node['items']) ? schemaOf(node['items'], depth + 1) : undefined;
  const additional = node['additionalProperties'];
  const preserves = node['x-kubernetes-preserve-unknown-fields'] === true || additional === true;
  const others = preserves
    ? anySchema
    : isJsonObject(additional)
      ? schemaOf(additional, depth + 1)
      : undefined;
  const properties = Object.entries(objectAt(node['properties'])).filter(([, value]) => isJsonObject(value));
  const fields = new Map(properties.map(([name, value]) => [name, schemaOf(value as JsonObject, depth + 1)]));
  const required = isList(node['required'])
    ? node['required'].filter((name) => typeof name === 'string')
    : [];
  return { type, fields, others, items, required, values };
}

function typeOf(type: Json | undefined): SchemaType {
  const known: Readonly<Record<string, SchemaType>> = {
    object: 'object',
    array: 'list',
    string: 'text',
    integer: 'integer',
    number: 'number',
    boolean: 'boolean',
  };
  return (typeof type === 'string' ? known[type] : undefined) ?? 'any';
}

import { builtInSchema, type ObjectSchema } from './checks/object-schema.ts';
import type { FieldSchema } from './list-keys.ts';

/** What identifies the items of Kubernetes' own lists. */
export function schemaOf(apiVersion: string, kind: string): FieldSchema | undefined {
  return wrap(builtInSchema(apiVersion, kind));
}

function wrap(schema: ObjectSchema | undefined): FieldSchema | undefined {
  if (!schema) return undefined;
  return {
    mergeKeys: schema.mergeKeys,
    field: (name) => wrap(schema.fields?.get(name) ?? schema.others),
    items: () => wrap(schema.items),
  };
}

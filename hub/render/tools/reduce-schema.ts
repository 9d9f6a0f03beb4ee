/**
 * Reduces the OpenAPI bundle that kustomize holds within itself to what a strategic merge needs: which lists merge, by which keys, and which
 * kinds are cluster-scoped. Run by hand when kustomize's version moves:
 *
 *   node hub/render/tools/reduce-schema.ts \
 *     $(go env GOMODCACHE)/sigs.k8s.io/kustomize/kyaml@v0.21.2/openapi/kubernetesapi/data/kubernetes-openapi-union-v1.21.2.bundle-v1.json.gz
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

interface Bundle {
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly resources: readonly { apiVersion: string; kind: string; definition?: string; scope?: string }[];
}

/** `to`: definition of the value, or of a list's items. `keys`: the list merges, by these (none: a list of scalars). */
interface Reduced {
  to?: string;
  keys?: readonly string[];
}

const refName = (schema: Schema | undefined): string | undefined =>
  schema?.$ref?.replace('#/definitions/', '');

function reduceField(field: Schema): Reduced {
  const additional = typeof field.additionalProperties === 'object' ? field.additionalProperties : undefined;
  const to = refName(field) ?? refName(field.items) ?? refName(additional);
  const merges = (field['x-kubernetes-patch-strategy'] ?? '').split(',').includes('merge');
  const key = field['x-kubernetes-patch-merge-key'];
  const keys = field['x-kubernetes-list-map-keys'] ?? (key === undefined ? [] : [key]);
  return { ...(to === undefined ? {} : { to }), ...(merges ? { keys } : {}) };
}

const [bundlePath = ''] = process.argv.slice(2);
const bundle = JSON.parse(gunzipSync(readFileSync(bundlePath)).toString('utf8')) as Bundle;
const definitions = new Map<string, Map<string, Reduced>>();
for (const [name, schema] of Object.entries(bundle.definitions)) {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([field, s]) => [field, reduceField(s)] as const,
  );
  definitions.set(name, new Map(fields));
}

/** Leaves out what leads to no merging list, until nothing more goes. */
for (let changed = true; changed; ) {
  changed = false;
  for (const [name, fields] of definitions) {
    for (const [field, reduced] of fields) {
      if (reduced.to !== undefined && !definitions.has(reduced.to)) delete reduced.to;
      if (reduced.to === undefined && reduced.keys === undefined) changed = fields.delete(field) || changed;
    }
    if (fields.size === 0) changed = definitions.delete(name) || changed;
  }
}

const kinds: Record<string, string> = {};
const clusterScoped: string[] = [];
for (const { apiVersion, kind, definition, scope } of bundle.resources) {
  if (definition !== undefined && definitions.has(definition)) kinds[`${apiVersion}/${kind}`] = definition;
  if (scope?.toLowerCase() === 'cluster') clusterScoped.push(`${apiVersion}/${kind}`);
}
const used = new Set<string>();
const visit = (name: string): void => {
  if (used.has(name)) return;
  used.add(name);
  for (const { to } of definitions.get(name)?.values() ?? []) if (to !== undefined) visit(to);
};
for (const name of Object.values(kinds)) visit(name);
const output = {
  kinds,
  clusterScoped: clusterScoped.sort(),
  definitions: Object.fromEntries(
    [...used].sort().map((name) => [name, Object.fromEntries(definitions.get(name) ?? [])]),
  ),
};
writeFileSync(new URL('../kustomize/schema.json', import.meta.url), JSON.stringify(output) + '\n');

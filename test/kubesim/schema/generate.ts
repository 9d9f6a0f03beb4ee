/**
 * Reduces the API server's OpenAPI v3 documents and Go types to `kinds.json`: for each type its fields with list and map
 * semantics, patch keys, defaults of map keys, and how Go writes them (pointer, omitempty, omitzero).
 * Run by hand when the Kubernetes version moves: `node test/kubesim/schema/generate.ts` with the pinned modules in the Go cache.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KUBERNETES = 'k8s.io/kubernetes@v1.36.3';
const STAGING = 'v0.36.3';
const DOCUMENTS = [
  'api__v1',
  'apis__apps__v1',
  'apis__autoscaling__v2',
  'apis__autoscaling__v1',
  'apis__rbac.authorization.k8s.io__v1',
  'apis__coordination.k8s.io__v1',
  'apis__apiextensions.k8s.io__v1',
];
const ROOTS = [
  ...['Namespace', 'ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'Pod', 'Event'].map(
    (kind) => `io.k8s.api.core.v1.${kind}`,
  ),
  'io.k8s.api.apps.v1.Deployment',
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'io.k8s.api.autoscaling.v1.Scale',
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => `io.k8s.api.rbac.v1.${kind}`),
  'io.k8s.api.coordination.v1.Lease',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
];

interface OpenApi {
  readonly $ref?: string;
  readonly allOf?: readonly OpenApi[];
  readonly oneOf?: readonly OpenApi[];
  readonly type?: string;
  readonly format?: string;
  readonly items?: OpenApi;
  readonly additionalProperties?: OpenApi;
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly default?: unknown;
  readonly [extension: `x-${string}`]: unknown;
}

interface GoField {
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
}

const modules = execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim();
const schemas: Record<string, OpenApi> = {};
for (const name of DOCUMENTS) {
  const file = join(modules, KUBERNETES, 'api/openapi-spec/v3', `${name}_openapi.json`);
  const document = JSON.parse(readFileSync(file, 'utf8')) as {
    components: { schemas: Record<string, OpenApi> };
  };
  Object.assign(schemas, document.components.schemas);
}

const SCALARS: Readonly<Record<string, string>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'q',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'x',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 't',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'u',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'any',
};

/** `io.k8s.api.core.v1.Pod` -> the folder of its Go package and the type's name. */
function goHome(name: string): { readonly folder: string; readonly type: string } {
  const cut = name.lastIndexOf('.');
  const parts = name.slice('io.k8s.'.length, cut).split('.');
  return {
    folder: join(modules, `k8s.io/${parts[0]}@${STAGING}`, ...parts.slice(1)),
    type: name.slice(cut + 1),
  };
}

const packages = new Map<string, Map<string, Map<string, GoField>>>();

/** The JSON fields of each struct of a Go package, embedded structs of the same package included. */
function goStructs(folder: string): Map<string, Map<string, GoField>> {
  const known = packages.get(folder);
  if (known) return known;
  const structs = new Map<string, Map<string, GoField>>();
  const embedded: [string, string][] = [];
  for (const file of readdirSync(folder)) {
    if (!/^(types.*|micro_time|time|meta)\.go$/.test(file) || file.includes('swagger')) continue;
    let current: string | undefined;
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const start = /^type (\w+) struct \{/.exec(line);
      if (start?.[1]) {
        current = start[1];
        structs.set(current, new Map());
      } else if (line.startsWith('}')) current = undefined;
      else if (current) {
        const field = /^\s+(?:\w+\s+)?(\S+)\s+`json:"([^"]*)"/.exec(line);
        if (!field) continue;
        const [json = '', ...flags] = (field[2] ?? '').split(',');
        if (flags.includes('inline')) embedded.push([current, field[1] ?? '']);
        else
          structs.get(current)?.set(json, {
            pointer: (field[1] ?? '').startsWith('*'),
            omitEmpty: flags.includes('omitempty'),
            omitZero: flags.includes('omitzero'),
          });
      }
    }
  }
  for (let round = 0; round < 3; round++)
    for (const [outer, inner] of embedded)
      for (const [json, field] of structs.get(inner) ?? []) structs.get(outer)?.set(json, field);
  packages.set(folder, structs);
  return structs;
}

const types: Record<string, unknown> = {};
const shortNames = new Map<string, string>();

/** `Time` stays `Time`, but autoscaling/v2's and core/v1's equal names are kept apart by package. */
function shortName(name: string): string {
  const cut = name.lastIndexOf('.');
  const group = name.slice(0, cut).split('.').at(-2) ?? '';
  const short = `${group}.${name.slice(cut + 1)}`;
  shortNames.set(short, name);
  return short;
}

function reference(schema: OpenApi): string | undefined {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  return ref?.slice('#/components/schemas/'.length);
}

function listSemantics(schema: OpenApi): { readonly r: string; readonly k?: unknown } {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return { r: 's' };
  if (type === 'map') return { r: 'm', k: schema['x-kubernetes-list-map-keys'] };
  const strategy = schema['x-kubernetes-patch-strategy'];
  if (type === undefined && typeof strategy === 'string' && strategy.startsWith('merge')) {
    const key = schema['x-kubernetes-patch-merge-key'];
    return key ? { r: 'm', k: [key] } : { r: 's' };
  }
  return { r: 'a' };
}

function typeOf(schema: OpenApi): unknown {
  const target = reference(schema);
  if (target) {
    const scalar = SCALARS[target];
    if (scalar) return scalar;
    const resolved = schemas[target];
    if (!resolved) throw new Error(`no schema ${target}`);
    if (!resolved.properties && resolved.type !== 'object') return typeOf(resolved);
    addType(target);
    return `#${shortName(target)}`;
  }
  if (schema.type === 'array') return { l: typeOf(schema.items ?? {}), ...listSemantics(schema) };
  if (schema.type === 'object' && schema.additionalProperties)
    return {
      m: typeOf(schema.additionalProperties),
      ...(schema['x-kubernetes-map-type'] === 'atomic' ? { a: 1 } : {}),
    };
  if (schema.type === 'string' && schema.format === 'byte') return 'y';
  const scalars: Readonly<Record<string, string>> = { string: 's', integer: 'i', number: 'n', boolean: 'b' };
  return scalars[schema.type ?? ''] ?? 'any';
}

function addType(name: string): void {
  const short = shortName(name);
  if (types[short]) return;
  const schema = schemas[name];
  if (!schema) throw new Error(`no schema ${name}`);
  const fields: Record<string, unknown> = {};
  types[short] = { f: fields, ...(schema['x-kubernetes-map-type'] === 'atomic' ? { a: 1 } : {}) };
  const { folder, type } = goHome(name);
  const go = goStructs(folder).get(type);
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    const written = go?.get(field);
    const zero = property.default === 0 || property.default === '' || property.default === false;
    const empty = typeof property.default === 'object';
    const isMeta = field === 'apiVersion' || field === 'kind';
    const strategy = property['x-kubernetes-patch-strategy'];
    const key = property['x-kubernetes-patch-merge-key'];
    if (!written && !isMeta && field !== 'metadata') throw new Error(`no Go field ${name}.${field}`);
    fields[field] = {
      t: typeOf(property),
      ...(written?.pointer ? { p: 1 } : {}),
      ...(isMeta || written?.omitEmpty ? { e: 1 } : {}),
      ...(written?.omitZero ? { z: 1 } : {}),
      ...(property.default !== undefined && !zero && !empty ? { d: property.default } : {}),
      ...(strategy ? { ps: strategy } : {}),
      ...(key ? { pk: key } : {}),
    };
  }
}

for (const root of ROOTS) addType(root);
const output = join(import.meta.dirname, 'kinds.json');
const lines = Object.keys(types)
  .sort()
  .map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(types[name])}`);
writeFileSync(output, `{\n${lines.join(',\n')}\n}\n`);

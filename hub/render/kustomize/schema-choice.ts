/** `openapi`: which schema counts. The first kustomization that names one decides for all that is read after it, as in kustomize. */
import { groupOf } from '../../../shared/manifest/object.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base, BuildMode } from './accumulate-context.ts';
import { type CustomSchema, readCustomSchema, SchemaError } from './custom-schema.ts';
import { loadYaml } from './load-yaml.ts';
import { builtInSchema, type SchemaTable } from './schema.ts';

/** The only version within kustomize. */
const builtInVersion = 'v1.21.2';

export interface SchemaChoice {
  /** Empty: nobody chose yet. */
  readonly id: string;
  readonly table: SchemaTable;
  readonly clusterScoped: ReadonlySet<string>;
}

export const noChoice: SchemaChoice = { id: '', table: builtInSchema, clusterScoped: new Set() };
const builtInChoice: SchemaChoice = { ...noChoice, id: builtInVersion };

/** Different texts where the same folder may build to something else. */
export function buildKey(folder: string, { schema, traceFrom, helmNamespace }: BuildMode): string {
  if (schema.id === '' && traceFrom === undefined && helmNamespace === undefined) return folder;
  return [folder, schema.id, traceFrom, helmNamespace].map((part) => part ?? '-').join('\0');
}

const read = new WeakMap<object, CustomSchema>();

/**
 * The schema in force after a kustomization was read. `earlier`: what a Component's parent has already; a kind among it that kustomize does not know
 * has made it ready the built-in schema, which then counts, too. @throws a Problem.
 */
export async function chooseSchema<B extends Base>(
  from: Accumulation<B>,
  earlier: readonly Resource[],
): Promise<SchemaChoice> {
  const { openapi = {} } = from.kustomization;
  const { path, version = '' } = openapi;
  const before = from.context.schema;
  if (path === undefined && version === '') return before;
  const place = from.locate(['openapi'], 'openapi');
  const loaded = path === undefined ? undefined : await loadYaml(path, from, place);
  if (before.id !== '') return before;
  if (loaded === undefined) {
    if (version === builtInVersion) return builtInChoice;
    throw problemError('invalid_manifest', place, `kustomize holds the version ${builtInVersion} only`);
  }
  if (Object.hasOwn(openapi, 'version'))
    throw problemError('invalid_manifest', place, 'expected one of version and path');
  const document = loaded.documents[0]?.value ?? null;
  try {
    let schema = typeof document === 'object' && document !== null ? read.get(document) : undefined;
    schema ??= readCustomSchema(document);
    if (typeof document === 'object' && document !== null) read.set(document, schema);
    const both = earlier.some(({ object }) => isCustom(object.apiVersion));
    const table = both ? schema.table.over(builtInSchema) : schema.table;
    return { id: `${both ? 'also ' : ''}file ${loaded.oid}`, ...schema, table };
  } catch (caught) {
    if (!(caught instanceof SchemaError)) throw caught;
    throw problemError('invalid_manifest', loaded.place, caught.message);
  }
}

function isCustom(apiVersion: string): boolean {
  const group = groupOf(apiVersion);
  return group.includes('.') && !group.endsWith('.k8s.io');
}

/** The resources as the schema in force has them: with a namespace, or of the whole cluster. The same list where nothing changes. */
export function scoped(resources: readonly Resource[], schema: SchemaChoice): readonly Resource[] {
  if (schema.clusterScoped.size === 0) return resources;
  const next = resources.map((resource) => scopedOne(resource, schema));
  return next.every((resource, index) => resource === resources[index]) ? resources : next;
}

export function scopedOne(resource: Resource, { clusterScoped }: SchemaChoice): Resource {
  if (clusterScoped.size === 0) return resource;
  const { apiVersion, kind } = resource.object;
  const ofCluster = clusterScoped.has(`${apiVersion}/${kind}`) || undefined;
  return resource.ofCluster === ofCluster ? resource : { ...resource, ofCluster };
}

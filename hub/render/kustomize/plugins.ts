/**
 * `transformers`, `generators` and `validators`: objects, in files, folders or the kustomization itself, that each describe one built-in transformer
 * or generator. What would run a program, a container or a script is refused.
 */
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { objectsOf } from '../objects-of.ts';
import { type Place, problemError, problemOf } from '../render-error.ts';
import { createResource, type Resource } from '../resource.ts';
import type { EntryTrace } from '../trace/entry-trace.ts';
import type { Lineage } from '../trace/lineage.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { type Generated, generate } from './generators.ts';
import { inflateDescribed } from './inflation.ts';
import { checkShape, type GeneratorArgs } from './kustomization.ts';
import { parseInline } from './load-yaml.ts';
import { generatorKinds, pluginShapes, strictnessOf } from './plugin-shapes.ts';
import { runTransformer } from './transformer-plugins.ts';
import { withNulls } from './values.ts';

export type PluginField = 'transformers' | 'generators' | 'validators';

/** A checked description. */
export interface Plugin {
  readonly kind: string;
  readonly config: Readonly<Record<string, Json>>;
  readonly place: Place;
  /** As written. */
  readonly object: KubeObject;
  /** Only in builds that are traced. */
  readonly lineage?: Lineage | undefined;
}

/** @throws a Problem. */
export async function runTransformers<B extends Base>(
  start: readonly Resource[],
  from: Accumulation<B>,
  ran: (plugin: Plugin, list: readonly Resource[]) => void,
): Promise<readonly Resource[]> {
  let list = start;
  for (const plugin of await loadPlugins('transformers', from)) {
    list = await runTransformer(plugin, list, from, from.trace?.plugin('transformers', plugin));
    ran(plugin, list);
  }
  return list;
}

const validatedBy = 'validated-by';

/** Transformers that may change nothing but the label `validated-by`. @throws a Problem. */
export async function runValidators<B extends Base>(
  start: readonly Resource[],
  from: Accumulation<B>,
): Promise<readonly Resource[]> {
  let list = start;
  for (const plugin of await loadPlugins('validators', from)) {
    const next = await runTransformer(plugin, list, from, from.trace?.plugin('validators', plugin));
    const same =
      next.length === list.length && next.every((one, index) => list[index] && isAlike(list[index], one));
    if (!same) throw problemError('invalid_manifest', plugin.place, 'a validator may not change any object');
    list = next;
  }
  return list;
}

/** kustomize takes the label away for the comparison, and that succeeds only where it was the first label of the object. */
function isAlike(before: Resource, after: Resource): boolean {
  const { labels, ...rest } = after.object.metadata;
  const isMarked = labels !== undefined && labels !== null && Object.hasOwn(labels, validatedBy);
  if (isMarked && Object.hasOwn(before.object.metadata, 'labels')) return false;
  if (before.object === after.object) return true;
  if (isMarked && Object.keys(labels).length > 1) return false;
  const text = (object: unknown): string => canonicalJson(withNulls(object as Json));
  const compared = isMarked ? { ...after.object, metadata: rest } : after.object;
  return text(before.object) === text(compared);
}

/** @throws a Problem. */
export async function runGenerators<B extends Base>(
  from: Accumulation<B>,
  absorb: (generated: Generated, plugin: Plugin) => void,
): Promise<void> {
  for (const plugin of await loadPlugins('generators', from)) {
    const { kind, config, place } = plugin;
    if (kind === 'IAMPolicyGenerator') absorb(serviceAccount(config, place), plugin);
    else if (kind === 'HelmChartInflationGenerator') {
      const trace = from.trace?.plugin('generators', plugin);
      for (const resource of await inflateDescribed(from, config, place, trace))
        absorb({ resource, behavior: 'create' }, plugin);
    } else {
      const {
        env: _legacy,
        metadata,
        ...rest
      } = config as GeneratorArgs & {
        readonly metadata?: { readonly name?: string; readonly namespace?: string };
      };
      const args = {
        ...rest,
        name: rest.name || (metadata?.name ?? ''),
        namespace: rest.namespace || (metadata?.namespace ?? ''),
      };
      const made = kind === 'SecretGenerator' ? 'Secret' : 'ConfigMap';
      const read = (path: string) => from.readSource(path, place);
      absorb(await generate(made, args, undefined, place, read), plugin);
    }
  }
}

/** The one thing that kustomize's generator of IAM policies makes (api/filters/iampolicygenerator). */
function serviceAccount(config: Plugin['config'], place: Place): Generated {
  const {
    cloud,
    kubernetesService,
    serviceAccount: account,
  } = config as {
    readonly cloud?: string;
    readonly kubernetesService?: { readonly name?: string; readonly namespace?: string };
    readonly serviceAccount?: { readonly name?: string; readonly projectId?: string };
  };
  if (cloud !== 'gke') throw problemError('invalid_manifest', place, 'expected cloud: gke');
  const { name = '', namespace = '' } = kubernetesService ?? {};
  if (name === '') throw problemError('invalid_manifest', place, 'expected kubernetesService.name');
  const email = `${account?.name ?? ''}@${account?.projectId ?? ''}.iam.gserviceaccount.com`;
  const object = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      annotations: { 'iam.gke.io/gcp-service-account': email },
    },
  };
  return { resource: createResource(object, place), behavior: 'create' };
}

async function loadPlugins<B extends Base>(
  field: PluginField,
  from: Accumulation<B>,
): Promise<readonly Plugin[]> {
  const entries = from.kustomization[field] ?? [];
  if (entries.length === 0) return [];
  const inline: Resource[] = [];
  const paths: { readonly path: string; readonly place: Place }[] = [];
  for (const [index, entry] of entries.entries()) {
    const place = from.locate([field, index], `${field}[${index}]`);
    const found = inlineObjects(entry, from, place, from.trace?.entry(field, index));
    if (found === undefined) paths.push({ path: entry, place });
    else inline.push(...found);
  }
  const resources = await from.collect(inline, paths);
  return resources.map((resource) => describe(resource, field));
}

/** Undefined: the entry is a path. */
function inlineObjects<B extends Base>(
  entry: string,
  from: Accumulation<B>,
  place: Place,
  trace: EntryTrace | undefined,
): readonly Resource[] | undefined {
  try {
    const { documents } = parseInline(entry, from, place, 'the entry');
    return objectsOf(documents, place.file).map(({ object }) => {
      const resource = createResource(object, place);
      return trace?.read(resource, { within: trace.spot, trimmed: false }, documents) ?? resource;
    });
  } catch (caught) {
    if (problemOf(caught) === undefined) throw caught;
    return undefined;
  }
}

function describe({ object, place, lineage }: Resource, field: PluginField): Plugin {
  const { apiVersion, kind } = object;
  const shape = Object.hasOwn(pluginShapes, kind) ? pluginShapes[kind] : undefined;
  if (apiVersion !== 'builtin')
    throw problemError(
      'unsupported',
      place,
      `${apiVersion} ${kind} under ${field} is no built-in of kustomize: programs, containers and Starlark scripts are never run here`,
    );
  if (shape === undefined)
    throw problemError('invalid_manifest', place, `kustomize has no built-in called ${kind}`);
  if (generatorKinds.has(kind) !== (field === 'generators'))
    throw problemError('invalid_manifest', place, `a ${kind} cannot be used under ${field}`);
  const strictness = strictnessOf(kind);
  const config = checkShape(object as unknown as JsonObject, { fields: shape }, [], () => place, strictness);
  return { kind, config: (config ?? {}) as Plugin['config'], place, object, lineage };
}

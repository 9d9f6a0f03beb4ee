/** One step of transforming each, as both the fields of a kustomization and built-in transformers take it. */
import type { Json } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { EntryTrace } from '../trace/entry-trace.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { applySpecs } from './apply-specs.ts';
import { type FieldSpec, PathError, setScalar } from './field-spec.ts';
import { replacementShape } from './fields.ts';
import { currentId, isSameObject, isSelected, withObject } from './ids.ts';
import { imageTransform } from './images.ts';
import { checkShape, type ImageArgs, type PatchArgs, type ReplicaArgs } from './kustomization.ts';
import { type Loaded, loadYaml, parseInline } from './load-yaml.ts';
import { type NamespaceOptions, setNamespace } from './names.ts';
import {
  applyOperationsTo,
  applyPatch,
  applyToNamed,
  type MergePatch,
  type ParsedPatch,
  parseOperations,
  parsePatch,
} from './patches.ts';
import { applyReplacement, type ReplacementArgs } from './replacements.ts';
import { ConfigError } from './transformer-config.ts';

type Resources = readonly Resource[];
/** Where an entry of a list is written. */
export type PlaceOf = (index: number) => Place & { readonly field?: string };
/** What an entry of a list tells; only in builds that are traced. */
export type TraceOf = (index: number) => EntryTrace | undefined;

/** One entry of `replacements`. */
export type ReplacementEntry = ReplacementArgs & { readonly path?: string };

/** `replacements`, each on what those before it have left. */
export async function replaceFields<B extends Base>(
  start: Resources,
  entries: readonly ReplacementEntry[],
  from: Accumulation<B>,
  placeOf: PlaceOf,
  traceOf?: TraceOf,
): Promise<Resources> {
  let list = start;
  const replace = (args: ReplacementArgs, place: Place, trace: EntryTrace | undefined): void => {
    const replaced = applyReplacement(list, args, place);
    list = trace?.replaced(replaced, args, list) ?? replaced;
  };
  for (const [index, args] of entries.entries()) {
    const place = placeOf(index);
    const { path = '', source, targets = [], ...rest } = args;
    if (path === '') {
      const given = { ...rest, ...(source && { source }), ...(targets.length > 0 && { targets }) };
      replace(given, place, traceOf?.(index));
      continue;
    }
    if (source !== undefined || targets.length > 0)
      throw problemError('invalid_manifest', place, 'expected a path or a replacement, not both');
    for (const [one, where, at] of await loadReplacements(path, from, place))
      replace(one, where, traceOf?.(index)?.inFile(where.file, at));
  }
  return list;
}

/** One replacement or a list of them. */
async function loadReplacements<B extends Base>(
  path: string,
  from: Accumulation<B>,
  place: Place,
): Promise<readonly (readonly [ReplacementArgs, Place, readonly number[]])[]> {
  const loaded = await loadYaml(path, from, place, 'configuration');
  const value = loaded.documents[0]?.value ?? null;
  if (typeof value !== 'object' || value === null)
    throw problemError('invalid_manifest', loaded.place, 'expected a replacement, or a list of them');
  const items: readonly Json[] = Array.isArray(value) ? value : [value];
  return items.map((item, index) => {
    const args = checkShape(item, replacementShape, [], () => loaded.place, 'lenient') ?? {};
    return [args as ReplacementArgs, loaded.place, Array.isArray(value) ? [index] : []];
  });
}

/** Turns what a transformer throws into a Problem at its place. */
export function guarded<T>(place: Place, change: () => T): T {
  try {
    return change();
  } catch (caught) {
    if (!(caught instanceof PathError || caught instanceof ConfigError)) throw caught;
    throw problemError('invalid_manifest', place, caught.message);
  }
}

/** Moves all objects, and checks that no two become the same. */
export function moveToNamespace(
  list: Resources,
  namespace: string,
  options: NamespaceOptions,
  place: Place,
): Resources {
  return uniqueAfterNamespace(
    guarded(place, () => setNamespace(list, namespace, options)),
    place,
  );
}

function uniqueAfterNamespace(list: Resources, place: Place): Resources {
  const byName = new Map<string, Resource>();
  const namesakes = new Map<string, Resource>();
  for (const resource of list) {
    const { kind, metadata } = resource.object;
    const first = byName.get(metadata.name);
    if (first === undefined) {
      byName.set(metadata.name, resource);
      continue;
    }
    const id = currentId(resource);
    const other = isSameObject(first, resource) ? first : namesakes.get(id);
    if (other !== undefined)
      throw problemError(
        'conflict',
        { ...place, field: 'namespace' },
        `two objects become the same ${kind} ${metadata.name}: from ${other.place.file}:${other.place.line} and ${resource.place.file}:${resource.place.line}`,
      );
    namesakes.set(id, resource);
  }
  return list;
}

/** `replicas`. @throws a Problem when nothing has that name. */
export function setReplicas(
  list: Resources,
  { name = '', count = 0 }: ReplicaArgs,
  specs: readonly FieldSpec[],
  place: Place,
): Resources {
  let found = false;
  const next = list.map((resource) => {
    const kinds = [
      ...resource.history.previous,
      { name: resource.object.metadata.name, kind: resource.object.kind },
    ];
    const matching = specs.filter((spec) =>
      kinds.some((id) => id.name === name && isSelected(resource.object.apiVersion, id.kind, spec)),
    );
    if (matching.length === 0) return resource;
    found = true;
    return withObject(
      resource,
      guarded(place, () => applySpecs(resource.object, matching, 'scalar', setScalar(count))),
    );
  });
  if (found) return next;
  throw problemError(
    'not_found',
    place,
    `there is no Deployment, ReplicationController, ReplicaSet or StatefulSet called ${JSON.stringify(name)}`,
  );
}

/** One entry of `patches`. */
export async function patch<B extends Base>(
  list: Resources,
  args: PatchArgs,
  from: Accumulation<B>,
  place: Place,
  trace?: EntryTrace,
): Promise<Resources> {
  const { loaded, parsed } = await loadPatch(args, from, place);
  const apply = (resources: Resources, some: ParsedPatch): Resources =>
    applyPatch(resources, args, some, place, from.context.schema.table);
  if (trace === undefined) return apply(list, parsed);
  return trace.patched(list, {
    ...{ loaded, parsed, inline: trace.below('patch'), trimmed: true },
    apply: (resources, merge) =>
      apply(resources, merge === undefined ? parsed : { merge: [merge], json: undefined }),
    oneByOne: args.target === undefined,
  });
}

async function loadPatch<B extends Base>(
  args: PatchArgs,
  from: Accumulation<B>,
  place: Place,
): Promise<{ readonly loaded: Loaded; readonly parsed: ParsedPatch }> {
  const text = args.patch?.trim() ?? '';
  const path = args.path ?? '';
  if ((text === '') === (path === ''))
    throw problemError('invalid_manifest', place, 'expected one of path and patch');
  const loaded = await asOperations(async (kind) =>
    text === '' ? loadYaml(path, from, place, kind) : parseInline(text, from, place, 'the patch', kind),
  );
  return { loaded, parsed: parsePatch(loaded.documents, loaded.place) };
}

/** A list of operations is read as YAML 1.1 (`yes` is true there), other than objects and what is JSON (kustomize internal/builtins/PatchTransformer.go, sigs.k8s.io/yaml). */
async function asOperations(load: (kind?: 'configuration') => Promise<Loaded>): Promise<Loaded> {
  const loaded = await load();
  const [first] = loaded.documents;
  return Array.isArray(first?.value) && first?.isJson === undefined ? load('configuration') : loaded;
}

function loadEntry<B extends Base>(
  entry: string,
  from: Accumulation<B>,
  place: Place,
): Promise<Loaded> | Loaded {
  const inline = /\n|^\s*\{|:\s/.test(entry);
  return inline ? parseInline(entry, from, place) : loadYaml(entry, from, place);
}

/** One entry may hold nothing, but not all of them (api internal/builtins/PatchStrategicMergeTransformer.go). @throws a Problem. */
export async function refuseEmptyPatches<B extends Base>(
  entries: readonly string[],
  from: Accumulation<B>,
  placeOf: PlaceOf,
): Promise<void> {
  for (const [index, entry] of entries.entries())
    if ((await loadEntry(entry, from, placeOf(index))).documents.length > 0) return;
  if (entries.length > 0)
    throw problemError('invalid_manifest', placeOf(0), 'there is no patch in what is named here');
}

/** Each entry is a patch's text or the path of its file. */
export async function patchStrategicMerge<B extends Base>(
  start: Resources,
  entries: readonly string[],
  from: Accumulation<B>,
  placeOf: PlaceOf,
  traceOf?: TraceOf,
): Promise<Resources> {
  let list = start;
  for (const [index, entry] of entries.entries()) {
    const place = placeOf(index);
    const loaded = await loadEntry(entry, from, place);
    const parsed = parsePatch(loaded.documents, loaded.place);
    if (parsed.json !== undefined)
      throw problemError(
        'invalid_manifest',
        place,
        'expected a part of an object, found a list of operations',
      );
    const apply = (resources: Resources, patch: MergePatch): Resources =>
      applyToNamed(resources, patch, {}, from.context.schema.table);
    const applyAll = (resources: Resources, patch?: MergePatch): Resources =>
      patch === undefined ? parsed.merge.reduce(apply, resources) : apply(resources, patch);
    const trace = traceOf?.(index);
    list =
      trace?.patched(list, {
        loaded,
        parsed,
        inline: trace,
        trimmed: false,
        apply: applyAll,
        oneByOne: true,
      }) ?? applyAll(list);
  }
  return list;
}

/** `patchesJson6902`, each on what those before it have left. */
export async function patchJson6902<B extends Base>(
  start: Resources,
  entries: readonly PatchArgs[],
  from: Accumulation<B>,
  placeOf: PlaceOf,
  traceOf?: TraceOf,
  inlineField = 'patch',
): Promise<Resources> {
  let list = start;
  for (const [index, args] of entries.entries()) {
    const place = placeOf(index);
    const { target } = args;
    if (!target?.name) throw problemError('invalid_manifest', place, 'expected a target with a name');
    const { path = '', patch = '' } = args;
    if ((path === '') === (patch === ''))
      throw problemError('invalid_manifest', place, 'expected one of path and patch');
    const loaded = await asOperations(async (kind) =>
      path === '' ? parseInline(patch, from, place, 'the patch', kind) : loadYaml(path, from, place, kind),
    );
    const { documents, place: where } = loaded;
    if (documents[0]?.isJson === false)
      throw problemError('invalid_manifest', where, 'what starts with [ must be JSON, in a patch');
    const operations = parseOperations(documents[0]?.value ?? null, where);
    if (operations.length === 0) throw problemError('invalid_manifest', where, 'the patch is empty');
    const trace = traceOf?.(index);
    const apply = (resources: Resources): Resources =>
      applyOperationsTo(resources, target, operations, where);
    const parsed = { merge: [], json: operations };
    list =
      trace?.patched(list, {
        ...{ loaded, parsed, inline: trace.below(inlineField), trimmed: false },
        ...{ apply, oneByOne: false },
      }) ?? apply(list);
  }
  return list;
}

/** One entry of `images`, wherever the specs say that an image stands. */
export function setImages(
  list: Resources,
  image: ImageArgs,
  specs: readonly FieldSpec[],
  place: Place,
): Resources {
  return guarded(place, () => {
    const change = imageTransform(image, specs);
    return list.map((resource) => withObject(resource, change(resource)));
  });
}

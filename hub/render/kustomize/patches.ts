/** `patches`, `patchesStrategicMerge` and `patchesJson6902` (kustomize api/internal/builtins Patch*Transformer.go). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { objectsOf, placeOf } from '../objects-of.ts';
import { type Place, problemError, problemOf } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import { isSealed } from '../sops.ts';
import type { YamlDocument } from '../yaml/parse-yaml.ts';
import { everWas, withPreviousId } from './ids.ts';
import { applyJsonPatch, JsonPatchError, type JsonPatchOperation } from './json-patch.ts';
import type { PatchArgs } from './kustomization.ts';
import { SelectorError } from './label-selector.ts';
import { textOf } from './list-merge.ts';
import type { SchemaTable } from './schema.ts';
import { compileSelector, type TargetSelector } from './selector.ts';
import { spreadShared, stillShared } from './shared-entries.ts';
import { MergeError, strategicMerge } from './strategic-merge.ts';
import { withNulls, withRoundedIntegers } from './values.ts';

export interface MergePatch {
  readonly object: KubeObject;
  readonly place: Place;
}

/** What a patch's text is; both empty: an empty file, which changes nothing. */
export interface ParsedPatch {
  readonly merge: readonly MergePatch[];
  readonly json: readonly JsonPatchOperation[] | undefined;
}

/** @throws a Problem for what is neither a strategic merge nor a JSON patch. */
export function parsePatch(documents: readonly YamlDocument[], place: Place): ParsedPatch {
  const [first] = documents;
  if (first !== undefined && Array.isArray(first.value) && first.isJson === false)
    throw problemError('invalid_manifest', place, 'what starts with [ must be JSON, in a patch');
  if (first !== undefined && Array.isArray(first.value))
    return { merge: [], json: parseOperations(first.value, placeOf(first, place.file)) };
  try {
    const merge = objectsOf(documents, place.file, true);
    const sealed = merge.find(({ object }) => isSealed(object));
    if (sealed !== undefined)
      throw problemError(
        'unsupported',
        sealed.place,
        'the patch is encrypted with SOPS, and patches are not opened',
      );
    return { merge, json: undefined };
  } catch (caught) {
    const problem = problemOf(caught);
    if (problem === undefined || problem.code === 'unsupported') throw caught;
    throw problemError(
      problem.code,
      problem,
      `${problem.message}; a patch is a part of an object with kind and metadata.name, or a list of JSON 6902 operations`,
    );
  }
}

/** @throws a Problem that names the operation which is none. */
export function parseOperations(value: Json, place: Place): readonly JsonPatchOperation[] {
  if (!Array.isArray(value))
    throw problemError('invalid_manifest', place, 'expected a list of JSON 6902 operations');
  return value.map((item: Json, index) => {
    const operation = (typeof item === 'object' && item !== null ? item : {}) as JsonObject;
    const { op, path, from } = operation;
    if (
      typeof op !== 'string' ||
      typeof path !== 'string' ||
      (from !== undefined && typeof from !== 'string')
    )
      throw problemError(
        'invalid_manifest',
        { ...place, field: `[${index}]` },
        'expected an operation with op and path',
      );
    return { op, path, from, value: operation['value'] };
  });
}

/** Applies one entry of `patches`. @throws a Problem. */
export function applyPatch(
  resources: readonly Resource[],
  args: PatchArgs,
  parsed: ParsedPatch,
  place: Place,
  table: SchemaTable,
): readonly Resource[] {
  if (parsed.json !== undefined) {
    if (args.target === undefined)
      throw problemError('invalid_manifest', place, 'a JSON patch needs a target');
    return applyToSelected(resources, args.target, place, (resource) =>
      applyOperations(withPreviousId(resource), parsed.json ?? [], place),
    );
  }
  if (args.target === undefined)
    return parsed.merge.reduce((list, patch) => applyToNamed(list, patch, args, table), resources);
  const [patch, second] = parsed.merge;
  if (second !== undefined)
    throw problemError(
      'invalid_manifest',
      place,
      'several strategic merge patches in one entry cannot have a target',
    );
  if (patch === undefined) return resources;
  const spread = { ...patch, object: withTextMetadata(patch.object) };
  return applyToSelected(resources, args.target, place, (resource) =>
    mergeInto(resource, spread, args, table),
  );
}

/** The older `patchesJson6902`: the target's name must be given. */
export function applyOperationsTo(
  resources: readonly Resource[],
  target: TargetSelector,
  operations: readonly JsonPatchOperation[],
  place: Place,
): readonly Resource[] {
  return applyToSelected(resources, target, place, (resource) =>
    applyOperations(resource, operations, place),
  );
}

function applyToSelected(
  resources: readonly Resource[],
  target: TargetSelector,
  place: Place,
  change: (resource: Resource) => Resource | undefined,
): readonly Resource[] {
  let matches: (resource: Resource) => boolean;
  try {
    matches = compileSelector(target);
  } catch (caught) {
    if (!(caught instanceof SelectorError)) throw caught;
    throw problemError('invalid_manifest', { ...place, field: `${placeField(place)}target` }, caught.message);
  }
  return resources.flatMap((resource) => (matches(resource) ? (change(resource) ?? []) : resource));
}

function placeField(place: Place & { readonly field?: string }): string {
  return place.field === undefined || place.field === '' ? '' : `${place.field}.`;
}

/** A patch without target changes the one object of its kind and name, by any name that this ever had. */
export function applyToNamed(
  resources: readonly Resource[],
  patch: MergePatch,
  args: PatchArgs,
  table: SchemaTable,
): readonly Resource[] {
  const { apiVersion, kind, metadata } = patch.object;
  // Only with a target a patch may do without.
  const found = apiVersion ? resources.filter((resource) => everWas(resource, patch.object)) : [];
  const [target] = found;
  if (target === undefined)
    throw problemError(
      'not_found',
      patch.place,
      `the patch matches no object: no ${kind} ${metadata.name}${apiVersion ? '' : ' without an apiVersion, which only a patch with a target may leave out'}`,
    );
  if (found.length > 1)
    throw problemError(
      'conflict',
      patch.place,
      `the patch matches ${found.length} objects: ${kind} ${metadata.name}`,
    );
  const changed = mergeInto(target, patch, args, table);
  const index = resources.indexOf(target);
  return changed === undefined ? resources.toSpliced(index, 1) : resources.with(index, changed);
}

function mergeInto(
  resource: Resource,
  patch: MergePatch,
  { options }: PatchArgs,
  table: SchemaTable,
): Resource | undefined {
  const { object } = resource;
  const nameChanges = options?.allowNameChange === true;
  const kindChanges = options?.allowKindChange === true;
  let merged: JsonObject | undefined;
  try {
    merged = strategicMerge(object, { ...patch.object, apiVersion: object.apiVersion }, table);
  } catch (caught) {
    if (!(caught instanceof MergeError)) throw caught;
    throw problemError('invalid_manifest', patch.place, `the patch does not fit: ${caught.message}`);
  }
  if (merged === undefined || Object.keys(merged).length === 0) return undefined;
  const metadata: Record<string, Json | undefined> = { ...(merged['metadata'] as JsonObject | undefined) };
  if (!nameChanges) metadata['name'] = object.metadata.name;
  delete metadata['namespace'];
  if (object.metadata.namespace) metadata['namespace'] = object.metadata.namespace;
  const next = {
    ...merged,
    kind: kindChanges ? merged['kind'] : object.kind,
    metadata,
  } as unknown as KubeObject;
  const base = nameChanges || kindChanges ? withPreviousId(resource) : resource;
  const shared = stillShared(next, base.history.shared);
  return {
    ...base,
    object: spreadShared(object, next, shared),
    history: shared === base.history.shared ? base.history : { ...base.history, shared },
  };
}

/** A patch with a target has its labels and annotations made text first, so that a null there is the text "null" (resource.go CopyMergeMetaDataFieldsFrom). */
function withTextMetadata(object: KubeObject): KubeObject {
  const metadata: Record<string, Json | undefined> = { ...object.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const map = metadata[field];
    if (typeof map !== 'object' || map === null) continue;
    const texts = Object.entries(map as JsonObject).map(([key, value]) => [key, textOf(value)]);
    if (texts.length === 0) delete metadata[field];
    else metadata[field] = Object.fromEntries(texts);
  }
  return { ...object, metadata } as unknown as KubeObject;
}

/** Whether kustomize holds notes of its own in the object's annotations, which are there for operations, then. */
function isNoted({ history, trace }: Resource): boolean {
  const { previous, prefixes, suffixes, needsHash } = history;
  return needsHash || trace !== undefined || previous.length + prefixes.length + suffixes.length > 0;
}

/** The same object where it has annotations. */
export function withAnnotations(object: KubeObject): KubeObject {
  const { metadata } = object;
  if (metadata.annotations !== undefined && metadata.annotations !== null) return object;
  return { ...object, metadata: { ...metadata, annotations: {} } };
}

/** Takes away what withAnnotations has put there, if nothing came into it. */
export function withoutEmptyAnnotations(object: KubeObject): KubeObject {
  const { annotations, ...metadata } = (object.metadata ?? {}) as KubeObject['metadata'];
  if (typeof annotations !== 'object' || annotations === null || Object.keys(annotations).length > 0)
    return object;
  return { ...object, metadata };
}

function applyOperations(
  resource: Resource,
  operations: readonly JsonPatchOperation[],
  place: Place,
): Resource {
  try {
    const before = isNoted(resource) ? withAnnotations(resource.object) : resource.object;
    const patched = applyJsonPatch(withNulls(before) as Json, operations);
    const rounded = withRoundedIntegers(patched) as unknown as KubeObject;
    const object = before === resource.object ? rounded : withoutEmptyAnnotations(rounded);
    // The object is written and read anew, so nothing is shared any more.
    return { ...resource, object, history: { ...resource.history, shared: [] } };
  } catch (caught) {
    if (!(caught instanceof JsonPatchError)) throw caught;
    const { kind, metadata } = resource.object;
    throw problemError(
      'invalid_manifest',
      place,
      `the patch does not fit ${kind} ${metadata.name}: ${caught.message}`,
    );
  }
}

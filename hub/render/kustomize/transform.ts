/** A Kustomization's transformers, in kustomize's order (kusttarget_configplugin.go configureBuiltinTransformers). */
import type { Json } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { YamlDocument } from '../yaml/parse-yaml.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import type { Accumulation, Base } from './accumulate.ts';
import { PathError, setScalar } from './field-spec.ts';
import { fieldTables } from './field-tables.ts';
import { replacementShape } from './fields.ts';
import { currentId, isSelected, withObject } from './ids.ts';
import { imageTransform } from './images.ts';
import { checkShape, type PatchArgs } from './kustomization.ts';
import { addAffix, applySpecs, labelSpecs, setNamespace } from './names.ts';
import {
  applyOperationsTo,
  applyPatch,
  applyToNamed,
  type ParsedPatch,
  parseOperations,
  parsePatch,
} from './patches.ts';
import { applyReplacement, type ReplacementArgs } from './replacements.ts';
import { setEntries } from './shared-entries.ts';

type Resources = readonly Resource[];

/** @throws a Problem. */
export async function transform<B extends Base>(start: Resources, from: Accumulation<B>): Promise<Resources> {
  const { kustomization: k, locate } = from;
  let list = await patchStrategicMerge(start, from);
  for (const [index, patch] of (k.patches ?? []).entries()) {
    const place = { ...locate(['patches', index]), field: `patches[${index}]` };
    list = applyPatch(list, patch, await loadPatch(patch, from, place), place);
  }
  if (k.namespace) list = uniqueAfterNamespace(setNamespace(list, k.namespace), locate(['namespace']));
  if (k.namePrefix) list = addAffix(list, k.namePrefix, 'prefix');
  if (k.nameSuffix) list = addAffix(list, k.nameSuffix, 'suffix');
  for (const [index, label] of (k.labels ?? []).entries())
    list = guarded(locate(['labels', index]), () => setEntries(list, label.pairs ?? {}, labelSpecs(label)));
  list = guarded(locate(['commonLabels']), () =>
    setEntries(list, k.commonLabels ?? {}, fieldTables.commonLabels),
  );
  list = guarded(locate(['commonAnnotations']), () =>
    setEntries(list, k.commonAnnotations ?? {}, fieldTables.annotations),
  );
  list = await patchJson6902(list, from);
  for (const [index, replica] of (k.replicas ?? []).entries())
    list = setReplicas(list, replica.name ?? '', replica.count ?? 0, locate(['replicas', index]));
  for (const [index, image] of [...(k.images ?? []), ...(k.imageTags ?? [])].entries())
    list = guarded(locate(['images', index]), () => {
      const change = imageTransform(image);
      return list.map((resource) => withObject(resource, change(resource.object)));
    });
  return replaceFields(list, from);
}

async function replaceFields<B extends Base>(start: Resources, from: Accumulation<B>): Promise<Resources> {
  let list = start;
  for (const [index, args] of (from.kustomization.replacements ?? []).entries()) {
    const place = { ...from.locate(['replacements', index]), field: `replacements[${index}]` };
    const { path = '', source, targets = [], ...rest } = args;
    if (path === '') {
      const given = { ...rest, ...(source && { source }), ...(targets.length > 0 && { targets }) };
      list = applyReplacement(list, given, place);
      continue;
    }
    if (source !== undefined || targets.length > 0)
      throw problemError('invalid_manifest', place, 'expected a path or a replacement, not both');
    for (const [one, where] of await loadReplacements(path, from, place))
      list = applyReplacement(list, one, where);
  }
  return list;
}

/** One replacement or a list of them. */
async function loadReplacements<B extends Base>(
  path: string,
  from: Accumulation<B>,
  place: Place,
): Promise<readonly (readonly [ReplacementArgs, Place])[]> {
  const loaded = await loadFile(path, from, place);
  const value = loaded.documents[0]?.value ?? null;
  if (typeof value !== 'object' || value === null)
    throw problemError('invalid_manifest', loaded.place, 'expected a replacement, or a list of them');
  const items: readonly Json[] = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    const args = checkShape(item, replacementShape, [], () => loaded.place, false) ?? {};
    return [args as ReplacementArgs, loaded.place];
  });
}

function guarded(place: Place, change: () => Resources): Resources {
  try {
    return change();
  } catch (caught) {
    if (!(caught instanceof PathError)) throw caught;
    throw problemError('invalid_manifest', place, caught.message);
  }
}

function uniqueAfterNamespace(list: Resources, place: Place): Resources {
  const seen = new Map<string, Resource>();
  for (const resource of list) {
    const id = currentId(resource.object);
    const other = seen.get(id);
    const { kind, metadata } = resource.object;
    if (other !== undefined)
      throw problemError(
        'conflict',
        { ...place, field: 'namespace' },
        `two objects become the same ${kind} ${metadata.name}: from ${other.place.file}:${other.place.line} and ${resource.place.file}:${resource.place.line}`,
      );
    seen.set(id, resource);
  }
  return list;
}

function setReplicas(list: Resources, name: string, count: number, place: Place): Resources {
  const specs = fieldTables.replicas;
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
    return withObject(resource, applySpecs(resource.object, matching, 'scalar', setScalar(count)));
  });
  if (found) return next;
  throw problemError(
    'not_found',
    place,
    `there is no Deployment, ReplicationController, ReplicaSet or StatefulSet called ${JSON.stringify(name)}`,
  );
}

async function loadPatch<B extends Base>(
  args: PatchArgs,
  from: Accumulation<B>,
  place: Place,
): Promise<ParsedPatch> {
  const text = args.patch?.trim() ?? '';
  const path = args.path ?? '';
  if ((text === '') === (path === ''))
    throw problemError('invalid_manifest', place, 'expected one of path and patch');
  const loaded = text === '' ? await loadFile(path, from, place) : parseInline(text, from, place);
  const parsed = parsePatch(loaded.documents, loaded.place);
  return parsed;
}

interface Loaded {
  readonly documents: readonly YamlDocument[];
  readonly place: Place;
}

async function loadFile<B extends Base>(path: string, from: Accumulation<B>, place: Place): Promise<Loaded> {
  const { files, view } = from.context;
  const found = await from.loader.file(from.folder, path, place);
  return {
    documents: await files.parse(view, found.path, found.entry, found.path),
    place: { file: found.path, line: 1 },
  };
}

/** Lines within the text are lines of the kustomization file, as near as its block scalar tells. */
function parseInline<B extends Base>(text: string, from: Accumulation<B>, place: Place): Loaded {
  const bytes = new TextEncoder().encode(text);
  const { files, limits } = from.context;
  const result = files.parseBytes(`inline ${text}`, bytes, () => parseYaml(bytes, limits));
  if (!result.ok)
    throw problemError(
      result.failure.code,
      place,
      `in line ${result.failure.line} of the patch: ${result.failure.message}`,
    );
  return { documents: result.documents.map((one) => ({ ...one, line: place.line })), place };
}

async function patchStrategicMerge<B extends Base>(
  start: Resources,
  from: Accumulation<B>,
): Promise<Resources> {
  let list = start;
  for (const [index, entry] of (from.kustomization.patchesStrategicMerge ?? []).entries()) {
    const place = {
      ...from.locate(['patchesStrategicMerge', index]),
      field: `patchesStrategicMerge[${index}]`,
    };
    const inline = /\n|^\s*\{|:\s/.test(entry);
    const loaded = inline ? parseInline(entry, from, place) : await loadFile(entry, from, place);
    const { merge, json } = parsePatch(loaded.documents, loaded.place);
    if (json !== undefined)
      throw problemError(
        'invalid_manifest',
        place,
        'expected a part of an object, found a list of operations',
      );
    for (const patch of merge) {
      list = applyToNamed(list, patch, {});
    }
  }
  return list;
}

async function patchJson6902<B extends Base>(start: Resources, from: Accumulation<B>): Promise<Resources> {
  let list = start;
  for (const [index, args] of (from.kustomization.patchesJson6902 ?? []).entries()) {
    const place = { ...from.locate(['patchesJson6902', index]), field: `patchesJson6902[${index}]` };
    const { target } = args;
    if (!target?.name) throw problemError('invalid_manifest', place, 'expected a target with a name');
    const { path = '', patch = '' } = args;
    if ((path === '') === (patch === ''))
      throw problemError('invalid_manifest', place, 'expected one of path and patch');
    const { documents, place: where } =
      path === '' ? parseInline(patch, from, place) : await loadFile(path, from, place);
    const operations = parseOperations(documents[0]?.value ?? null, where);
    if (operations.length === 0) throw problemError('invalid_manifest', where, 'the patch is empty');
    list = applyOperationsTo(list, target, operations, where);
  }
  return list;
}

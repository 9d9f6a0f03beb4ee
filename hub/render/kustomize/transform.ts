/** A Kustomization's transformers, in kustomize's order (kusttarget_configplugin.go configureBuiltinTransformers). */
import type { Json } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { Accumulation, Base } from './accumulate.ts';
import { type FieldSpec, PathError, setScalar } from './field-spec.ts';
import { replacementShape } from './fields.ts';
import { currentId, isSelected, withObject } from './ids.ts';
import { imageTransform } from './images.ts';
import { checkShape, type PatchArgs, type ReplicaArgs } from './kustomization.ts';
import { loadYaml, parseInline } from './load-yaml.ts';
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
import { ConfigError, type TransformerConfig } from './transformer-config.ts';

type Resources = readonly Resource[];

/** @throws a Problem. */
export async function transform<B extends Base>(
  start: Resources,
  from: Accumulation<B>,
  config: TransformerConfig,
): Promise<Resources> {
  const { kustomization: k, locate } = from;
  let list = await patchStrategicMerge(start, from);
  for (const [index, patch] of (k.patches ?? []).entries()) {
    const place = { ...locate(['patches', index]), field: `patches[${index}]` };
    list = applyPatch(list, patch, await loadPatch(patch, from, place), place);
  }
  if (k.namespace) {
    const { namespace } = k;
    const place = locate(['namespace']);
    const moved = guarded(place, () => setNamespace(list, namespace, { specs: config.namespace }));
    list = uniqueAfterNamespace(moved, place);
  }
  const { namePrefix, nameSuffix } = k;
  if (namePrefix)
    list = guarded(locate(['namePrefix']), () => addAffix(list, namePrefix, 'prefix', config.namePrefix));
  if (nameSuffix)
    list = guarded(locate(['nameSuffix']), () => addAffix(list, nameSuffix, 'suffix', config.nameSuffix));
  for (const [index, label] of (k.labels ?? []).entries())
    list = guarded(locate(['labels', index]), () =>
      setEntries(list, label.pairs ?? {}, labelSpecs(label, config)),
    );
  list = guarded(locate(['commonLabels']), () => setEntries(list, k.commonLabels ?? {}, config.commonLabels));
  list = guarded(locate(['commonAnnotations']), () =>
    setEntries(list, k.commonAnnotations ?? {}, config.commonAnnotations),
  );
  list = await patchJson6902(list, from);
  for (const [index, replica] of (k.replicas ?? []).entries())
    list = setReplicas(list, replica, config.replicas, locate(['replicas', index]));
  for (const [index, image] of [...(k.images ?? []), ...(k.imageTags ?? [])].entries())
    list = guarded(locate(['images', index]), () => {
      const change = imageTransform(image, config.images);
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
  const loaded = await loadYaml(path, from, place);
  const value = loaded.documents[0]?.value ?? null;
  if (typeof value !== 'object' || value === null)
    throw problemError('invalid_manifest', loaded.place, 'expected a replacement, or a list of them');
  const items: readonly Json[] = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    const args = checkShape(item, replacementShape, [], () => loaded.place, false) ?? {};
    return [args as ReplacementArgs, loaded.place];
  });
}

export function guarded<T>(place: Place, change: () => T): T {
  try {
    return change();
  } catch (caught) {
    if (!(caught instanceof PathError || caught instanceof ConfigError)) throw caught;
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

function setReplicas(
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

async function loadPatch<B extends Base>(
  args: PatchArgs,
  from: Accumulation<B>,
  place: Place,
): Promise<ParsedPatch> {
  const text = args.patch?.trim() ?? '';
  const path = args.path ?? '';
  if ((text === '') === (path === ''))
    throw problemError('invalid_manifest', place, 'expected one of path and patch');
  const loaded = text === '' ? await loadYaml(path, from, place) : parseInline(text, from, place);
  const parsed = parsePatch(loaded.documents, loaded.place);
  return parsed;
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
    const loaded = inline ? parseInline(entry, from, place) : await loadYaml(entry, from, place);
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
      path === '' ? parseInline(patch, from, place) : await loadYaml(path, from, place);
    const operations = parseOperations(documents[0]?.value ?? null, where);
    if (operations.length === 0) throw problemError('invalid_manifest', where, 'the patch is empty');
    list = applyOperationsTo(list, target, operations, where);
  }
  return list;
}

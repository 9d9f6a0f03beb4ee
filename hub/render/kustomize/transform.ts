/** A Kustomization's transformers, in kustomize's order (kusttarget_configplugin.go configureBuiltinTransformers). */
import type { Resource } from '../resource.ts';
import { guardSealed } from '../sops.ts';
import type { PlainField } from '../trace/layer-trace.ts';
import type { Accumulation } from './accumulate.ts';
import type { Base } from './accumulate-context.ts';
import { addAffix, labelSpecs } from './names.ts';
import { scoped } from './schema-choice.ts';
import { setEntries } from './shared-entries.ts';
import {
  guarded,
  moveToNamespace,
  type PlaceOf,
  patch,
  patchJson6902,
  patchStrategicMerge,
  refuseEmptyPatches,
  replaceFields,
  setImages,
  setReplicas,
  type TraceOf,
} from './steps.ts';
import type { TransformerConfig } from './transformer-config.ts';

type Resources = readonly Resource[];
type EntryField = 'patchesStrategicMerge' | 'patchesJson6902' | 'replacements';
type Step<B extends Base, T> = (
  list: Resources,
  entries: readonly T[],
  from: Accumulation<B>,
  placeOf: PlaceOf,
  traceOf: TraceOf,
) => Promise<Resources>;

/** @throws a Problem. */
export async function transform<B extends Base>(
  start: Resources,
  from: Accumulation<B>,
  config: TransformerConfig,
): Promise<Resources> {
  const { kustomization: k, locate, trace } = from;
  const keepSealed = guardSealed(start);
  const told = (list: Resources, field: PlainField, index?: number): Resources => {
    keepSealed(list, locate(index === undefined ? [field] : [field, index], field));
    return trace?.changed(list, field, index) ?? list;
  };
  const entry = (field: string) => trace && ((index: number) => trace.entry(field, index));
  const at =
    (field: string): PlaceOf =>
    (index) =>
      locate([field, index], `${field}[${index}]`);
  /** One entry after the other, so that it is known which one breaks what is sealed. */
  const each = async <T>(field: EntryField, entries: readonly T[] | undefined, step: Step<B, T>) => {
    for (const [index, one] of (entries ?? []).entries()) {
      list = await step(
        list,
        [one],
        from,
        () => at(field)(index),
        () => entry(field)?.(index),
      );
      keepSealed(list, at(field)(index));
    }
  };
  let list = start;
  await refuseEmptyPatches(k.patchesStrategicMerge ?? [], from, at('patchesStrategicMerge'));
  await each('patchesStrategicMerge', k.patchesStrategicMerge, patchStrategicMerge);
  for (const [index, args] of (k.patches ?? []).entries()) {
    list = await patch(list, args, from, at('patches')(index), entry('patches')?.(index));
    keepSealed(list, at('patches')(index));
  }
  // A patch may make another kind of an object.
  list = scoped(list, from.context.schema);
  if (k.namespace) {
    list = moveToNamespace(list, k.namespace, { specs: config.namespace }, locate(['namespace']));
    list = told(list, 'namespace');
  }
  const { namePrefix, nameSuffix } = k;
  if (namePrefix)
    list = told(
      guarded(locate(['namePrefix']), () => addAffix(list, namePrefix, 'prefix', config.namePrefix)),
      'namePrefix',
    );
  if (nameSuffix)
    list = told(
      guarded(locate(['nameSuffix']), () => addAffix(list, nameSuffix, 'suffix', config.nameSuffix)),
      'nameSuffix',
    );
  list = setLabels(list, from, config, told);
  await each('patchesJson6902', k.patchesJson6902, patchJson6902);
  for (const [index, replica] of (k.replicas ?? []).entries())
    list = told(setReplicas(list, replica, config.replicas, locate(['replicas', index])), 'replicas', index);
  for (const [index, image] of [...(k.images ?? []), ...(k.imageTags ?? [])].entries())
    list = told(setImages(list, image, config.images, locate(['images', index])), 'images', index);
  await each('replacements', k.replacements, replaceFields);
  return list;
}

function setLabels<B extends Base>(
  start: Resources,
  { kustomization: k, locate, context }: Accumulation<B>,
  config: TransformerConfig,
  told: (list: Resources, field: PlainField, index?: number) => Resources,
): Resources {
  const rewritten = context.traceFrom !== undefined;
  let list = start;
  for (const [index, label] of (k.labels ?? []).entries()) {
    const labelled = guarded(locate(['labels', index]), () =>
      setEntries(list, label.pairs ?? {}, labelSpecs(label, config), rewritten),
    );
    list = told(labelled, 'labels', index);
  }
  const { commonLabels = {}, commonAnnotations = {} } = k;
  list = told(
    guarded(locate(['commonLabels']), () => setEntries(list, commonLabels, config.commonLabels, rewritten)),
    'commonLabels',
  );
  return told(
    guarded(locate(['commonAnnotations']), () =>
      setEntries(list, commonAnnotations, config.commonAnnotations, rewritten),
    ),
    'commonAnnotations',
  );
}

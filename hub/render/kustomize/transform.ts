/** A Kustomization's transformers, in kustomize's order (kusttarget_configplugin.go configureBuiltinTransformers). */
import type { Resource } from '../resource.ts';
import type { Accumulation, Base } from './accumulate.ts';
import { addAffix, labelSpecs } from './names.ts';
import { setEntries } from './shared-entries.ts';
import {
  guarded,
  moveToNamespace,
  type PlaceOf,
  patch,
  patchJson6902,
  patchStrategicMerge,
  replaceFields,
  setImages,
  setReplicas,
} from './steps.ts';
import type { TransformerConfig } from './transformer-config.ts';

type Resources = readonly Resource[];

/** @throws a Problem. */
export async function transform<B extends Base>(
  start: Resources,
  from: Accumulation<B>,
  config: TransformerConfig,
): Promise<Resources> {
  const { kustomization: k, locate } = from;
  const at =
    (field: string): PlaceOf =>
    (index) =>
      locate([field, index], `${field}[${index}]`);
  const merges = k.patchesStrategicMerge ?? [];
  let list = await patchStrategicMerge(start, merges, from, at('patchesStrategicMerge'));
  for (const [index, args] of (k.patches ?? []).entries())
    list = await patch(list, args, from, at('patches')(index));
  if (k.namespace)
    list = moveToNamespace(list, k.namespace, { specs: config.namespace }, locate(['namespace']));
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
  list = await patchJson6902(list, k.patchesJson6902 ?? [], from, at('patchesJson6902'));
  for (const [index, replica] of (k.replicas ?? []).entries())
    list = setReplicas(list, replica, config.replicas, locate(['replicas', index]));
  for (const [index, image] of [...(k.images ?? []), ...(k.imageTags ?? [])].entries())
    list = setImages(list, image, config.images, locate(['images', index]));
  return replaceFields(list, k.replacements ?? [], from, at('replacements'));
}

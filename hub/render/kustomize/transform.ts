/** A Kustomization's transformers, in kustomize's order (kusttarget_configplugin.go configureBuiltinTransformers). */
import type { Resource } from '../resource.ts';
import { guardSealed } from '../sops.ts';
import type { PlainField } from '../trace/layer-trace.ts';
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
  const { kustomization: k, locate, trace } = from;
  const told = (list: Resources, field: PlainField, index?: number): Resources =>
    trace?.changed(list, field, index) ?? list;
  const entry = (field: string) => trace && ((index: number) => trace.entry(field, index));
  const at =
    (field: string): PlaceOf =>
    (index) =>
      locate([field, index], `${field}[${index}]`);
  const keepSealed = guardSealed(start);
  const merges = k.patchesStrategicMerge ?? [];
  let list = await patchStrategicMerge(
    start,
    merges,
    from,
    at('patchesStrategicMerge'),
    entry('patchesStrategicMerge'),
  );
  keepSealed(list, locate(['patchesStrategicMerge'], 'patchesStrategicMerge'));
  for (const [index, args] of (k.patches ?? []).entries()) {
    list = await patch(list, args, from, at('patches')(index), entry('patches')?.(index));
    keepSealed(list, at('patches')(index));
  }
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
  keepSealed(list, locate([]));
  const operations = k.patchesJson6902 ?? [];
  list = await patchJson6902(list, operations, from, at('patchesJson6902'), entry('patchesJson6902'));
  keepSealed(list, locate(['patchesJson6902'], 'patchesJson6902'));
  for (const [index, replica] of (k.replicas ?? []).entries())
    list = told(setReplicas(list, replica, config.replicas, locate(['replicas', index])), 'replicas', index);
  for (const [index, image] of [...(k.images ?? []), ...(k.imageTags ?? [])].entries())
    list = told(setImages(list, image, config.images, locate(['images', index])), 'images', index);
  keepSealed(list, locate([]));
  list = await replaceFields(list, k.replacements ?? [], from, at('replacements'), entry('replacements'));
  keepSealed(list, locate(['replacements'], 'replacements'));
  return list;
}

function setLabels<B extends Base>(
  start: Resources,
  { kustomization: k, locate }: Accumulation<B>,
  config: TransformerConfig,
  told: (list: Resources, field: PlainField, index?: number) => Resources,
): Resources {
  let list = start;
  for (const [index, label] of (k.labels ?? []).entries()) {
    const labelled = guarded(locate(['labels', index]), () =>
      setEntries(list, label.pairs ?? {}, labelSpecs(label, config)),
    );
    list = told(labelled, 'labels', index);
  }
  const { commonLabels = {}, commonAnnotations = {} } = k;
  list = told(
    guarded(locate(['commonLabels']), () => setEntries(list, commonLabels, config.commonLabels)),
    'commonLabels',
  );
  return told(
    guarded(locate(['commonAnnotations']), () =>
      setEntries(list, commonAnnotations, config.commonAnnotations),
    ),
    'commonAnnotations',
  );
}

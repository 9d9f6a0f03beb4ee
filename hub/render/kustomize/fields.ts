/** All fields of kustomize's Kustomization type (api/types/kustomization.go, v5.8) and what Fairway does with each. */

/** What a value must be: kustomize decodes strictly, so a number is no text. */
export type Shape =
  | 'text'
  | 'number'
  | 'flag'
  | 'any'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

export type FieldSupport =
  | { readonly supported: true; readonly shape: Shape }
  | { readonly supported: false };

const texts: Shape = { list: 'text' };
const textMap: Shape = { map: 'text' };
const options: Shape = {
  fields: { labels: textMap, annotations: textMap, disableNameSuffixHash: 'flag', immutable: 'flag' },
};
export const generatorShape: Readonly<Record<string, Shape>> = {
  name: 'text',
  namespace: 'text',
  behavior: 'text',
  literals: texts,
  files: texts,
  envs: texts,
  env: 'text',
  options,
};
export const selectorShape: Shape = {
  fields: {
    group: 'text',
    version: 'text',
    kind: 'text',
    name: 'text',
    namespace: 'text',
    labelSelector: 'text',
    annotationSelector: 'text',
  },
};
const patch: Shape = {
  fields: {
    path: 'text',
    patch: 'text',
    target: selectorShape,
    options: { fields: { allowNameChange: 'flag', allowKindChange: 'flag' } },
  },
};
export const imageShape: Shape = {
  fields: { name: 'text', newName: 'text', newTag: 'text', digest: 'text', tagSuffix: 'text' },
};
const fieldSpec: Shape = {
  fields: { group: 'text', version: 'text', kind: 'text', path: 'text', create: 'flag' },
};
const label: Shape = {
  fields: {
    pairs: textMap,
    includeSelectors: 'flag',
    includeTemplates: 'flag',
    includeVolumeClaimTemplates: 'flag',
    fields: { list: fieldSpec },
  },
};

const fieldOptions: Shape = {
  fields: { delimiter: 'text', index: 'number', encoding: 'text', create: 'flag' },
};
const id = { group: 'text', version: 'text', kind: 'text', name: 'text', namespace: 'text' } as const;
const replacement = {
  source: { fields: { ...id, fieldPath: 'text', options: fieldOptions } },
  sourceValue: 'text',
  targets: {
    list: {
      fields: {
        select: selectorShape,
        reject: { list: selectorShape },
        fieldPaths: texts,
        options: fieldOptions,
      },
    },
  },
} as const satisfies Record<string, Shape>;
/** An entry of a file of replacements. */
export const replacementShape: Shape = { fields: replacement };
export const replacementEntryShape: Shape = { fields: { ...replacement, path: 'text' } };

const variable: Shape = {
  fields: {
    name: 'text',
    objref: { fields: { ...id, apiVersion: 'text' } },
    fieldref: { fields: { fieldPath: 'text' } },
  },
};

const helmChart: Shape = {
  fields: {
    ...{ name: 'text', version: 'text', repo: 'text', releaseName: 'text', namespace: 'text' },
    ...{ nameTemplate: 'text', valuesFile: 'text', additionalValuesFiles: texts, valuesInline: 'any' },
    ...{ valuesMerge: 'text', includeCRDs: 'flag', skipHooks: 'flag', skipTests: 'flag' },
    ...{ apiVersions: texts, kubeVersion: 'text', debug: 'flag', devel: 'flag' },
  },
};

const supported = (shape: Shape): FieldSupport => ({ supported: true, shape });
const refused: FieldSupport = { supported: false };

export const kustomizationFields: Readonly<Record<string, FieldSupport>> = {
  apiVersion: supported('text'),
  kind: supported('text'),
  metadata: supported({ fields: { name: 'text', namespace: 'text', labels: textMap, annotations: textMap } }),
  openapi: supported(textMap),
  namePrefix: supported('text'),
  nameSuffix: supported('text'),
  namespace: supported('text'),
  commonLabels: supported(textMap),
  labels: supported({ list: label }),
  commonAnnotations: supported(textMap),
  patchesStrategicMerge: supported(texts),
  patchesJson6902: supported({ list: patch }),
  patches: supported({ list: patch }),
  images: supported({ list: imageShape }),
  imageTags: supported({ list: imageShape }),
  replacements: supported({ list: replacementEntryShape }),
  replicas: supported({ list: { fields: { name: 'text', count: 'number' } } }),
  vars: supported({ list: variable }),
  sortOptions: supported({
    fields: { order: 'text', legacySortOptions: { fields: { orderFirst: texts, orderLast: texts } } },
  }),
  resources: supported(texts),
  components: supported(texts),
  crds: supported(texts),
  bases: supported(texts),
  configMapGenerator: supported({ list: { fields: generatorShape } }),
  secretGenerator: supported({ list: { fields: { ...generatorShape, type: 'text' } } }),
  helmGlobals: supported({ fields: { chartHome: 'text', configHome: 'text' } }),
  helmCharts: supported({ list: helmChart }),
  helmChartInflationGenerator: refused,
  generatorOptions: supported(options),
  configurations: supported(texts),
  generators: supported(texts),
  transformers: supported(texts),
  validators: supported(texts),
  buildMetadata: supported(texts),
};

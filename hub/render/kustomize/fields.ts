/** All fields of kustomize's Kustomization type (api/types/kustomization.go, v5.8), with what each must be. */

/** What a value must be: kustomize decodes strictly, so a number is no text. */
export type Shape =
  | 'text'
  | 'number'
  | 'flag'
  | 'any'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> }
  /** Of a Go struct within the one that is read: a number or flag becomes no text there, in no file (kustomization.ts, Strictness). */
  | { readonly embedded: Shape };

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
const inner: Shape = { embedded: 'text' };
export const gvkShape = { group: inner, version: inner, kind: inner } as const;
const id = { ...gvkShape, name: inner, namespace: inner } as const;
export const selectorShape: Shape = {
  fields: { ...id, labelSelector: 'text', annotationSelector: 'text' },
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
export const fieldSpecShape = { ...gvkShape, path: 'text', create: 'flag' } as const satisfies Record<
  string,
  Shape
>;
const label: Shape = {
  fields: {
    pairs: textMap,
    includeSelectors: 'flag',
    includeTemplates: 'flag',
    includeVolumeClaimTemplates: 'flag',
    fields: { list: { fields: fieldSpecShape } },
  },
};

const fieldOptions: Shape = {
  fields: { delimiter: 'text', index: 'number', encoding: 'text', create: 'flag' },
};
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
export const replacementEntryShape: Shape = {
  fields: {
    source: { embedded: replacement.source },
    sourceValue: inner,
    targets: { embedded: replacement.targets },
    path: 'text',
  },
};

const variable: Shape = {
  fields: {
    name: 'text',
    objref: { fields: { ...id, apiVersion: 'text' } },
    fieldref: { fields: { fieldPath: 'text' } },
  },
};

export const helmChartShape = {
  ...{ name: 'text', version: 'text', repo: 'text', releaseName: 'text', namespace: 'text' },
  ...{ nameTemplate: 'text', valuesFile: 'text', additionalValuesFiles: texts, valuesInline: 'any' },
  ...{ valuesMerge: 'text', includeCRDs: 'flag', skipHooks: 'flag', skipTests: 'flag' },
  ...{ apiVersions: texts, kubeVersion: 'text', debug: 'flag', devel: 'flag' },
} as const satisfies Record<string, Shape>;
export const helmGlobalsShape = { chartHome: 'text', configHome: 'text' } as const satisfies Record<
  string,
  Shape
>;

/** The deprecated spelling. Of some fields kustomize takes no notice, so neither do we (api/types/helmchartargs.go). */
const oldHelmChart: Shape = {
  fields: {
    ...{ chartName: 'text', chartVersion: 'text', chartRepoUrl: 'text', chartHome: 'text' },
    ...{ chartRepoName: 'text', helmBin: 'text', helmHome: 'text', values: 'text', valuesLocal: 'any' },
    ...{ valuesMerge: 'text', releaseName: 'text', releaseNamespace: 'text', extraArgs: texts },
  },
};

export const kustomizationFields: Readonly<Record<string, Shape>> = {
  apiVersion: 'text',
  kind: 'text',
  metadata: { fields: { name: 'text', namespace: 'text', labels: textMap, annotations: textMap } },
  openapi: textMap,
  namePrefix: 'text',
  nameSuffix: 'text',
  namespace: 'text',
  commonLabels: textMap,
  labels: { list: label },
  commonAnnotations: textMap,
  patchesStrategicMerge: texts,
  patchesJson6902: { list: patch },
  patches: { list: patch },
  images: { list: imageShape },
  imageTags: { list: imageShape },
  replacements: { list: replacementEntryShape },
  replicas: { list: { fields: { name: 'text', count: 'number' } } },
  vars: { list: variable },
  sortOptions: {
    fields: { order: 'text', legacySortOptions: { fields: { orderFirst: texts, orderLast: texts } } },
  },
  resources: texts,
  components: texts,
  crds: texts,
  bases: texts,
  configMapGenerator: { list: { fields: generatorShape } },
  secretGenerator: { list: { fields: { ...generatorShape, type: 'text' } } },
  helmGlobals: { fields: helmGlobalsShape },
  helmCharts: { list: { fields: helmChartShape } },
  helmChartInflationGenerator: { list: oldHelmChart },
  generatorOptions: options,
  configurations: texts,
  generators: texts,
  transformers: texts,
  validators: texts,
  buildMetadata: texts,
};

/** Fields of kustomize's built-in transformers and generators when they are written as objects (api/internal/builtins). Others are left out. */
import {
  fieldSpecShape,
  generatorShape,
  helmChartShape,
  helmGlobalsShape,
  imageShape,
  replacementEntryShape,
  type Shape,
  selectorShape,
} from './fields.ts';
import type { Strictness } from './kustomization.ts';

const fieldSpecs: Shape = { list: { fields: fieldSpecShape } };
const metadata: Shape = { fields: { name: 'text', namespace: 'text' } };
const entries: Shape = { map: 'text' };

export const pluginShapes: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  AnnotationsTransformer: { annotations: entries, fieldSpecs },
  ConfigMapGenerator: { metadata, ...generatorShape },
  HashTransformer: {},
  HelmChartInflationGenerator: { ...helmGlobalsShape, ...helmChartShape },
  IAMPolicyGenerator: {
    cloud: 'text',
    kubernetesService: { fields: { name: 'text', namespace: 'text' } },
    serviceAccount: { fields: { name: 'text', projectId: 'text' } },
  },
  ImageTagTransformer: { imageTag: imageShape, fieldSpecs },
  LabelTransformer: { labels: entries, fieldSpecs },
  NamespaceTransformer: { metadata, fieldSpecs, unsetOnly: 'flag', setRoleBindingSubjects: 'text' },
  PatchJson6902Transformer: { target: selectorShape, path: 'text', jsonOp: 'text' },
  PatchStrategicMergeTransformer: { paths: { list: 'text' }, patches: 'text' },
  PatchTransformer: {
    path: 'text',
    patch: 'text',
    target: selectorShape,
    options: { fields: { allowNameChange: 'flag', allowKindChange: 'flag' } },
  },
  PrefixSuffixTransformer: { prefix: 'text', suffix: 'text', fieldSpecs },
  PrefixTransformer: { prefix: 'text', fieldSpecs },
  ReplacementTransformer: { replacements: { list: replacementEntryShape } },
  ReplicaCountTransformer: { replica: { fields: { name: 'text', count: 'number' } }, fieldSpecs },
  SecretGenerator: { metadata, ...generatorShape, type: 'text' },
  SuffixTransformer: { suffix: 'text', fieldSpecs },
  ValueAddTransformer: {
    value: 'text',
    targets: {
      list: { fields: { selector: selectorShape, fieldPath: 'text', filePathPosition: 'number' } },
    },
    targetFilePath: 'text',
  },
};

export const generatorKinds: ReadonlySet<string> = new Set([
  'ConfigMapGenerator',
  'HelmChartInflationGenerator',
  'IAMPolicyGenerator',
  'SecretGenerator',
]);

/** How kustomize reads one: the fields of generators are those of a struct within theirs, and two transformers read YAML without a detour by JSON. */
export function strictnessOf(kind: string): Strictness {
  if (generatorKinds.has(kind)) return 'embedded';
  return /^(?:Prefix|Suffix|PrefixSuffix)Transformer$/.test(kind) ? 'yaml' : 'lenient';
}

/** Fields of kustomize's built-in transformers and generators when they are written as objects (api/internal/builtins). Others are left out. */
import { generatorShape, imageShape, replacementEntryShape, type Shape, selectorShape } from './fields.ts';

const fieldSpecs: Shape = {
  list: { fields: { group: 'text', version: 'text', kind: 'text', path: 'text', create: 'flag' } },
};
const metadata: Shape = { fields: { name: 'text', namespace: 'text' } };
const entries: Shape = { map: 'text' };

export const pluginShapes: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  AnnotationsTransformer: { annotations: entries, fieldSpecs },
  ConfigMapGenerator: { metadata, ...generatorShape },
  HashTransformer: {},
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
  'IAMPolicyGenerator',
  'SecretGenerator',
]);

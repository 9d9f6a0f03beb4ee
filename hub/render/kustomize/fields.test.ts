import { describe, expect, it } from 'vitest';
import { helmChartShape, helmGlobalsShape, kustomizationFields } from './fields.ts';
import { generatorKinds, pluginShapes } from './plugin-shapes.ts';

/** JSON names of the fields of `Kustomization` in kustomize's api/types/kustomization.go (v5.8.2), in its order. */
const inKustomize =
  'apiVersion kind metadata openapi namePrefix nameSuffix namespace commonLabels labels commonAnnotations patchesStrategicMerge patchesJson6902 patches images imageTags replacements replicas vars sortOptions resources components crds bases configMapGenerator secretGenerator helmGlobals helmCharts helmChartInflationGenerator generatorOptions configurations generators transformers validators buildMetadata'.split(
    ' ',
  );

describe('kustomizationFields', () => {
  it("knows exactly the fields of kustomize's own type", () => {
    expect(Object.keys(kustomizationFields).sort()).toEqual([...inKustomize].sort());
  });
});

describe('pluginShapes', () => {
  it('knows exactly the transformers and generators that are built into kustomize', () => {
    // TransformerFactories and GeneratorFactories of api/internal/plugins/builtinhelpers/builtins.go.
    const transformers =
      'Annotations Hash ImageTag Label Namespace PatchJson6902 PatchStrategicMerge Patch PrefixSuffix Prefix Suffix Replacement ReplicaCount ValueAdd';
    const generators = 'ConfigMapGenerator IAMPolicyGenerator SecretGenerator HelmChartInflationGenerator';
    const kinds = [...transformers.split(' ').map((name) => `${name}Transformer`), ...generators.split(' ')];
    expect(Object.keys(pluginShapes).sort()).toEqual(kinds.sort());
    expect([...generatorKinds].sort()).toEqual(generators.split(' ').sort());
  });

  it('knows exactly the fields of a chart', () => {
    // HelmChart and HelmGlobals of api/types/helmchartargs.go.
    const chart =
      'name version repo releaseName namespace additionalValuesFiles valuesFile valuesInline valuesMerge includeCRDs skipHooks apiVersions kubeVersion nameTemplate skipTests debug devel';
    expect(Object.keys(helmChartShape).sort()).toEqual(chart.split(' ').sort());
    expect(Object.keys(helmGlobalsShape)).toEqual(['chartHome', 'configHome']);
  });
});

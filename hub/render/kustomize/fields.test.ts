import { describe, expect, it } from 'vitest';
import { kustomizationFields } from './fields.ts';

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

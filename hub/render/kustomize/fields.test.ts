import { describe, expect, it } from 'vitest';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer } from '../renderer.ts';
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

  const refused = Object.entries(kustomizationFields).filter(([, support]) => !support.supported);
  it.each(refused)('refuses %s by name, file and line', async (field) => {
    const tree = createMemoryTree({
      'app/kustomization.yaml': `# a comment\nresources: []\n${field}:\n- something\n`,
    });
    const cluster = {
      name: 'c',
      labels: {},
      region: '',
      role: 'none' as const,
      variables: {},
      kubernetesVersion: '',
      paused: false,
      origin: { file: '', line: 0, commit: '' },
    };
    const source = { repository: '', ref: '', path: 'app', overlays: [] };
    const result = await createRenderer({ digestKey: new Uint8Array(32) }).render({ source, cluster, tree });
    expect(result).toMatchObject({
      ok: false,
      problems: [{ code: 'unsupported', file: 'app/kustomization.yaml', line: 3, field }],
    });
  });
});

/** Traces of everything that the corpus and generated trees render. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basicCases } from './cases-basic.ts';
import { configCases, varCases } from './cases-config.ts';
import { divergenceCases } from './cases-divergences.ts';
import { edgeCases } from './cases-edges.ts';
import { fieldEdgeCases } from './cases-field-edges.ts';
import { generatorCases } from './cases-generators.ts';
import { patchCases } from './cases-patches.ts';
import { pluginCases } from './cases-plugins.ts';
import { replacementCases } from './cases-replacements.ts';
import { metadataCases, schemaCases } from './cases-schema.ts';
import { newRenderer } from './compare.ts';
import { generatedTree } from './generated.ts';
import { sourcedTree } from './generated-sources.ts';
import { checkTraces, noCounts } from './trace-checks.ts';

const groups = {
  basic: basicCases,
  patches: patchCases,
  generators: generatorCases,
  replacements: replacementCases,
  vars: varCases,
  configurations: configCases,
  plugins: pluginCases,
  openapi: schemaCases,
  buildMetadata: metadataCases,
  edges: edgeCases,
  fieldEdges: fieldEdgeCases,
  divergences: divergenceCases,
};
/** As in kustomize.test.ts. */
const generatedRuns = Number(process.env['FAIRWAY_RENDER_RUNS'] ?? 150);

describe('applying the changes of a trace gives the rendered object, and its lines hold what it says', () => {
  const renderer = newRenderer();
  for (const [group, cases] of Object.entries(groups))
    describe(group, () => {
      it.each(Object.entries(cases))('%s', async (_name, files) => {
        await checkTraces(files, renderer, noCounts());
      });
    });

  it('for generated trees', async () => {
    const asked = process.env['FAIRWAY_SEED'] ?? '20261121';
    const seed = asked === 'random' ? Date.now() % 0x7fffffff : Number(asked);
    const counts = noCounts();
    for (const files of fc.sample(generatedTree, { numRuns: generatedRuns, seed }))
      await checkTraces(files, newRenderer(), counts);
    // Most changes are told by the line that holds the value or a part of it, or the test would show little.
    expect(counts.objects).toBeGreaterThan(generatedRuns / 2);
    expect(counts.value + counts.part).toBeGreaterThan(counts.changes / 2);
  }, 120_000);

  it('for generated trees with variables of clusters, and bases in another repository', async () => {
    const asked = process.env['FAIRWAY_SEED'] ?? '20261121';
    const seed = asked === 'random' ? Date.now() % 0x7fffffff : Number(asked);
    const counts = noCounts();
    const runs = Math.ceil(generatedRuns / 2);
    for (const { files, by } of fc.sample(sourcedTree, { numRuns: runs, seed }))
      await checkTraces(files, newRenderer(), counts, by);
    expect(counts.objects).toBeGreaterThan(runs / 2);
    expect(counts.value + counts.part).toBeGreaterThan(counts.changes / 2);
  }, 120_000);
});

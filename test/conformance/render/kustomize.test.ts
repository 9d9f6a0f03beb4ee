/** The renderer against the real kustomize: the same documents in the same order, and failure where it fails. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PrintableJson, renderKustomizeYaml } from '../../../hub/cli/output/kustomize-yaml.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import { basicCases, type Case } from './cases-basic.ts';
import { configCases, varCases } from './cases-config.ts';
import { divergenceCases } from './cases-divergences.ts';
import { edgeCases } from './cases-edges.ts';
import { fieldEdgeCases } from './cases-field-edges.ts';
import { generatorCases } from './cases-generators.ts';
import { patchCases } from './cases-patches.ts';
import { patternCases } from './cases-patterns.ts';
import { pluginCases } from './cases-plugins.ts';
import { replacementCases } from './cases-replacements.ts';
import { scalarCases } from './cases-scalars.ts';
import { metadataCases, schemaCases } from './cases-schema.ts';
import { sopsCases } from './cases-sops.ts';
import { inParallel, type Outcome, printedText, renderOurs, renderTheirs } from './compare.ts';
import { generatedTree } from './generated.ts';

const groups = {
  basic: basicCases,
  patches: patchCases,
  patterns: patternCases,
  scalars: scalarCases,
  generators: generatorCases,
  replacements: replacementCases,
  vars: varCases,
  configurations: configCases,
  plugins: pluginCases,
  openapi: schemaCases,
  buildMetadata: metadataCases,
  sops: sopsCases,
  edges: edgeCases,
  fieldEdges: fieldEdgeCases,
  divergences: divergenceCases,
};
const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));
/** Rises with FAIRWAY_RENDER_RUNS for a longer search; the seed is fixed, FAIRWAY_SEED=N or =random takes another. */
const generatedRuns = Number(process.env['FAIRWAY_RENDER_RUNS'] ?? 150);
const theirs = new Map<Case, Outcome>();
/** As `fairway render` prints it. */
const printed = (outcome: Outcome): string =>
  'documents' in outcome
    ? outcome.documents.map((one) => renderKustomizeYaml(one as PrintableJson)).join('---\n')
    : '';

describe.skipIf(program === undefined)('the corpus, as kustomize renders it', () => {
  beforeAll(async () => {
    const cases = Object.values(groups).flatMap((group) => Object.values(group));
    const outcomes = await inParallel(cases, (files) => renderTheirs(program!, files));
    for (const [index, files] of cases.entries()) theirs.set(files, outcomes[index]!);
  }, 300_000);

  for (const [group, cases] of Object.entries(groups))
    describe(group, () => {
      it.each(Object.entries(cases))('%s', async (_name, files) => {
        const expected = theirs.get(files)!;
        const ours = await renderOurs(files);
        if ('failure' in expected)
          expect(ours, `kustomize: ${expected.failure}`).toEqual({ failure: expect.stringMatching(/./) });
        else {
          expect(ours).toEqual(expected);
          expect(printed(ours)).toBe(printedText(expected));
        }
      });
    });
});

describe.skipIf(program === undefined)('generated trees', () => {
  it('render as kustomize renders them', async () => {
    const asked = process.env['FAIRWAY_SEED'] ?? '20261121';
    const seed = asked === 'random' ? Date.now() % 0x7fffffff : Number(asked);
    const trees = fc.sample(generatedTree, { numRuns: generatedRuns, seed });
    let rendered = 0;
    const outcomes = await inParallel(trees, async (files) => ({
      files,
      ours: await renderOurs(files),
      expected: await renderTheirs(program!, files),
    }));
    for (const { files, ours, expected } of outcomes) {
      const about = `seed ${seed}\n${Object.entries(files)
        .filter(([path]) => path.endsWith('kustomization.yaml'))
        .map(([path, text]) => `# ${path}\n${text}`)
        .join('\n')}\n${JSON.stringify('failure' in expected ? expected : '')}`;
      if ('failure' in expected) expect(ours, about).toHaveProperty('failure');
      else {
        rendered += 1;
        expect(ours, about).toEqual(expected);
      }
    }
    // Most generated trees are sound, or the test would show little.
    expect(rendered).toBeGreaterThan(generatedRuns / 8);
  }, 180_000);
});

/** The renderer against the real kustomize: the same documents in the same order, and failure where it fails. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBinary } from '../../cluster/binaries.ts';
import { basicCases, type Case } from './cases-basic.ts';
import { generatorCases } from './cases-generators.ts';
import { patchCases } from './cases-patches.ts';
import { inParallel, type Outcome, renderOurs, renderTheirs } from './compare.ts';

const groups = { basic: basicCases, patches: patchCases, generators: generatorCases };
const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));
const theirs = new Map<Case, Outcome>();

describe.skipIf(program === undefined)('the corpus, as kustomize renders it', () => {
  beforeAll(async () => {
    const cases = Object.values(groups).flatMap((group) => Object.values(group));
    const outcomes = await inParallel(cases, (files) => renderTheirs(program!, files));
    for (const [index, files] of cases.entries()) theirs.set(files, outcomes[index]!);
  }, 120_000);

  for (const [group, cases] of Object.entries(groups))
    describe(group, () => {
      it.each(Object.entries(cases))('%s', async (_name, files) => {
        const expected = theirs.get(files)!;
        const ours = await renderOurs(files);
        if ('failure' in expected)
          expect(ours, `kustomize: ${expected.failure}`).toEqual({ failure: expect.stringMatching(/./) });
        else expect(ours).toEqual(expected);
      });
    });
});

/**
 * Whatever is changed in a tree, and however much of it a renderer or a store remembers: what comes of it is what a renderer without memory makes of it. And
 * what is the same in all that was looked at is not looked at again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../model/fleet.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type RenderResult } from '../renderer.ts';
import { createKeptRenders } from './kept-renders.test-support.ts';

type Files = Readonly<Record<string, string | { readonly link: string }>>;

const digestKey = new Uint8Array(32);
const clusters = ['one', 'two', 'three'].map(
  (name): Cluster => ({
    ...{ name, labels: {}, region: 'eu', role: 'none', kubernetesVersion: '', paused: false },
    variables: { TIER: name === 'three' ? 'b' : 'a' },
    origin: { file: 'fleet/c.yaml', line: 1, commit: 'c' },
  }),
);
const sources = [
  { overlays: ['overlays/{{cluster.name}}', 'overlays/shared', 'base'] },
  { path: 'plain', substitute: { optional: true, variables: {} } },
].map((part) => ({ repository: '', ref: '', path: '', overlays: [], ...part }));

const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { value: "${value}" }\n`;
const value = fc.constantFrom('1', '2', `\${TIER}`, 'x');

/** One file, by what it may hold; undefined: it is not there. */
const kustomization = fc.constantFrom(
  'resources: [map.yaml]\n',
  'resources: [../../base]\n',
  'resources: [../../base, map.yaml]\nnamePrefix: p-\n',
  'resources: [../../linked]\n',
  'resources: [../../base]\ncomponents: [../../part]\n',
  'configMapGenerator: [{ name: g, files: [map.yaml] }]\n',
  'resources: [../shared, late.yaml]\n',
);
const files = fc
  .record(
    {
      'overlays/one/kustomization.yaml': kustomization,
      'overlays/one/map.yaml': value.map((text) => map('own', text)),
      'overlays/one/late.yaml': value.map((text) => map('late', text)),
      'overlays/two/kustomization.yml': kustomization,
      'overlays/two/kustomization.yaml': kustomization,
      'overlays/two/map.yaml': value.map((text) => map('own', text)),
      'overlays/shared/kustomization.yaml': fc.constantFrom(
        'resources: [../../base]\n',
        'resources: [map.yaml]\n',
      ),
      'overlays/shared/map.yaml': value.map((text) => map('shared', text)),
      'base/kustomization.yaml': fc.constantFrom(
        'resources: [map.yaml]\n',
        'resources: [map.yaml, more.yaml]\n',
      ),
      'base/map.yaml': value.map((text) => map('base', text)),
      'base/more.yaml': value.map((text) => map('more', text)),
      'base/README.md': value,
      linked: fc.constantFrom({ link: 'base' }, { link: 'other' }),
      'other/kustomization.yaml': fc.constant('resources: [map.yaml]\n'),
      'other/map.yaml': value.map((text) => map('other', text)),
      'part/kustomization.yaml': fc.constant(
        'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -s\n',
      ),
      'plain/a.yaml': value.map((text) => map('a', text)),
      'plain/deep/b.yaml': value.map((text) => map('b', text)),
      'plain/deep/notes.txt': value,
    },
    { requiredKeys: ['base/kustomization.yaml', 'base/map.yaml', 'plain/a.yaml'] },
  )
  .map((all) => all as Files);

const shown = (results: readonly RenderResult[]) =>
  results.map((result) =>
    result.ok ? result.rendered.set.digest : result.problems.map(({ file, message }) => `${file} ${message}`),
  );

describe('what is remembered', () => {
  it('changes nothing of what is rendered, and spares what is the same', async () => {
    const plan = fc.array(fc.record({ files, restart: fc.boolean() }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(plan, async (commits) => {
        const store = createKeptRenders();
        const open = () => createRenderer({ digestKey, memory: { port: store.memory, engine: 'e' } });
        let renderer = open();
        for (const [index, commit] of commits.entries()) {
          if (commit.restart) renderer = open();
          for (const source of sources) {
            const look = (at: number) => ({
              source,
              clusters,
              tree: createMemoryTree(commit.files, `${at}`),
            });
            const fresh = await createRenderer({ digestKey }).renderAll(look(index));
            const batch = await renderer.renderAll({ ...look(index), memory: 'keep' });
            expect(shown(batch.results)).toEqual(shown(fresh.results));
            store.keep(batch);
            if (batch.results.some(({ ok }) => !ok)) continue;
            for (const again of [renderer, open()])
              expect((await again.renderAll(look(index + 100))).work).toMatchObject({
                ...{ directoriesBuilt: 0, filesRead: 0, bytesParsed: 0 },
              });
          }
        }
      }),
      { seed: 20261121, numRuns: 100 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainCluster as cluster } from '../model/cluster.test-support.ts';
import { defaultLimits } from './limits.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';
import { parseYaml } from './yaml/parse-yaml.ts';

const source = { repository: '', ref: '', path: 'app', overlays: [] };
const words = [
  ...[
    'apiVersion',
    'kind',
    'metadata',
    'name',
    ': ',
    '- ',
    '\n',
    '  ',
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '<<',
  ],
  ...['|', '>', '"', "'", '#', '---\n', 'resources', 'patches', 'path', 'patch', 'target', 'v1', 'ConfigMap'],
  ...['$patch', 'delete', 'null', '~', '../', 'a.yaml', 'namePrefix', 'images', '!!str ', '\t', '%', '@'],
];
const yamlish = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(''));
const deployment = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n';

const render = (files: Record<string, string | Uint8Array>) =>
  createRenderer({ digestKey: new Uint8Array(32) }).render({
    source,
    cluster,
    tree: createMemoryTree(files),
  });

/** A result or Problems; a throw fails the property. */
async function holds(files: Record<string, string | Uint8Array>): Promise<void> {
  const result = await render(files);
  if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
}

describe('what anybody may have written', () => {
  it('never makes the parser throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          yamlish.map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const result = parseYaml(bytes, defaultLimits);
          if (!result.ok) expect(result.failure.line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives a set or Problems as a manifest, kustomization or patch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(yamlish, fc.string()), async (text) => {
        await holds({ 'app/a.yaml': text });
        await holds({ 'app/kustomization.yaml': text, 'app/a.yaml': deployment });
        await holds({
          'app/kustomization.yaml': 'resources: [a.yaml]\npatches: [{path: p.yaml}]\n',
          'app/a.yaml': deployment,
          'app/p.yaml': text,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('merges any value into any other, or says why not', async () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    await fc.assert(
      fc.asyncProperty(value, value, async (before, after) => {
        const object = (spec: unknown) =>
          JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec });
        const pod = (spec: unknown) => object({ template: { spec: { containers: spec, volumes: [spec] } } });
        for (const wrap of [object, pod])
          await holds({
            'app/kustomization.yaml':
              'resources: [a.json]\npatches: [{path: p.json}]\nlabels: [{pairs: {a: b}, includeTemplates: true}]\n',
            'app/a.json': wrap(before),
            'app/p.json': wrap(after),
          });
      }),
      { numRuns: 150 },
    );
  });

  it('reads nothing outside the tree, whatever the path', async () => {
    const path = fc.array(fc.constantFrom('..', '.', 'a', '/', '//', 'etc', '~', '\u0000', '%2e'), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(path, async (parts) => {
        const name = JSON.stringify(parts.join('/'));
        await holds({ 'app/kustomization.yaml': `resources: [${name}]\n` });
        await holds({ 'app/kustomization.yaml': `configMapGenerator: [{name: c, files: [${name}]}]\n` });
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    [
      'a billion laughs',
      `a0: &a0 [x,x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i},*a${i}]`).join('\n')}\n`,
    ],
    ['deep nesting', '['.repeat(100_000)],
    ['deep nesting in blocks', Array.from({ length: 5_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['an alias within itself', 'a: &a {b: *a}\n'],
  ])('bounds %s', async (_name, text) => {
    expect(await render({ 'app/a.yaml': text })).toMatchObject({
      ok: false,
      problems: [{ file: 'app/a.yaml' }],
    });
  });
});

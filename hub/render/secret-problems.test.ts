import { describe, expect, it } from 'vitest';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';

const value = 'hunter2-secret-value';
const secret = (text: string) => ({
  'app/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData:\n  p: ${text}\n`,
});

/** What is wrong with a Secret goes into events, notifications and views: it may name the place, never the value. */
describe('problems of a Secret', () => {
  it.each<[string, Record<string, string>]>([
    ['a value that is an alias to YAML', secret(`*${value}`)],
    ['a value that is a tag to YAML', secret(`!${value} x`)],
    ['a value under an unknown tag', secret(`!foo ${value}`)],
    ['a value with a tag handle', secret(`!${value}!x y`)],
    ['a value with colons', secret(`${value}: x: y`)],
    ['an open quote', secret(`"${value}`)],
    [
      'a number that JSON cannot hold',
      { 'app/secret.yaml': `${secret('.inf')['app/secret.yaml']}  q: ${value}\n` },
    ],
    ['keys that repeat', secret(`{ ${value}: a, ${value}: b }`)],
    [
      'a literal without =',
      { 'app/kustomization.yaml': `secretGenerator:\n- name: s\n  literals: ["${value}"]\n` },
    ],
  ])('%s', async (_what, files) => {
    const result = await createRenderer({ digestKey: new Uint8Array(32) }).render({
      source: { repository: '', ref: '', path: 'app', overlays: [] },
      cluster: {
        name: 'one',
        labels: {},
        region: '',
        role: 'none',
        variables: {},
        kubernetesVersion: '',
        paused: false,
        origin: { file: '', line: 0, commit: '' },
      },
      tree: createMemoryTree(files),
    });
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toMatch(/hunter2|90071992547409930/);
    if (!result.ok)
      expect(result.problems[0]).toMatchObject({
        file: expect.stringContaining('app/'),
        line: expect.any(Number),
      });
  });
});

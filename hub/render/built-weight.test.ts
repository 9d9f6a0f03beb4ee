import { describe, expect, it } from 'vitest';
import { plainCluster } from '../model/cluster.test-support.ts';
import type { Cluster } from '../model/fleet.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';

const map = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
const cluster: Cluster = { ...plainCluster, name: 'eu-1', region: 'eu' };

/** A base of ten objects and overlays that touch one of them, or all. */
function fleet(overlays: number, kustomization: string) {
  const files: Record<string, string> = {
    'base/kustomization.yaml': 'resources: [maps.yaml]\n',
    'base/maps.yaml': Array.from({ length: 10 }, (_, index) => map(`m${index}`)).join('---\n'),
  };
  for (let index = 0; index < overlays; index += 1)
    files[`o${index}/kustomization.yaml`] =
      `resources: [../base]\n${kustomization.replaceAll('N', String(index))}`;
  return files;
}

async function directoriesOfSecondPass(kustomization: string, builtObjectsMax: number): Promise<number> {
  const renderer = createRenderer({ digestKey: Buffer.alloc(32), limits: { builtObjectsMax } });
  const pass = async (commit: string) => {
    const tree = createMemoryTree(fleet(20, kustomization), commit);
    for (let index = 0; index < 20; index += 1) {
      const source = { repository: '', ref: '', path: `o${index}`, overlays: [] };
      expect((await renderer.render({ source, cluster, tree })).ok).toBe(true);
    }
  };
  await pass('one');
  const before = renderer.stats().directoriesBuilt;
  await pass('two');
  return renderer.stats().directoriesBuilt - before;
}

const touchOne = `patches: [{ target: { name: m1 }, patch: '[{"op":"add","path":"/data","value":{"a":"N"}}]' }]\n`;
const touchAll = 'namePrefix: pN-\n';

describe('what is remembered of built directories', () => {
  it('counts the objects that are their own: overlays that touch one object each fit where those that touch all do not', async () => {
    expect(await directoriesOfSecondPass(touchOne, 60)).toBe(0);
    expect(await directoriesOfSecondPass(touchAll, 60)).toBeGreaterThan(0);
  });

  it('remembers all where there is room', async () => {
    expect(await directoriesOfSecondPass(touchAll, 1_000)).toBe(0);
  });
});

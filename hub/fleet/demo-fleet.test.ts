import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { emptyFleet } from '../model/fleet.ts';
import { describeProblem } from '../model/problem.ts';
import type { TreeReader } from '../model/tree.ts';
import { placedClusters } from './placement.ts';
import { readFleet } from './read-fleet.ts';

const top = fileURLToPath(new URL('../../deploy/demo/fleet-repository/', import.meta.url));
const typeOf = (path: string) =>
  statSync(join(top, path)).isDirectory() ? ('directory' as const) : ('file' as const);

/** The example repository as it lies on the disk. */
const tree: TreeReader = {
  name: 'demo',
  commit: 'c1',
  entry: async (path) => ({ name: path, type: typeOf(path), oid: path }),
  list: async (path) =>
    readdirSync(join(top, path))
      .sort()
      .map((name) => ({ name, type: typeOf(join(path, name)), oid: join(path, name) })),
  read: async (path) => readFileSync(join(top, path)),
};

describe('the example fleet repository', () => {
  it('is read without a problem and places every application somewhere', async () => {
    const fleet = await readFleet({ tree, previous: emptyFleet });
    expect(fleet.problems.map(describeProblem)).toEqual([]);
    expect(fleet.clusters.size).toBeGreaterThanOrEqual(4);
    for (const application of fleet.applications.values()) {
      const { clusters, problems } = placedClusters(application, fleet.clusters);
      expect(problems).toEqual([]);
      expect(clusters.length, application.name).toBeGreaterThan(0);
    }
    expect([...fleet.parityGroups.keys()]).toEqual(['eu']);
  });

  it('holds each strategy that the README tells of, as it is told there', async () => {
    const readme = readFileSync(join(top, '../../../README.md'), 'utf8');
    const { strategies } = await readFleet({ tree, previous: emptyFleet });
    expect([...strategies.keys()].sort()).toEqual([
      'after-staging',
      'approved',
      'measured',
      'office-hours',
      'region-by-region',
      'soaked',
      'standby-first',
    ]);
    // What the block under its link says is read in place of the file: defaults may be left out in either, nothing else.
    const told: TreeReader = {
      ...tree,
      read: async (path) => {
        const [, name] = /^fleet\/strategies\/(.*)\.yaml$/.exec(path) ?? [];
        if (name === undefined) return tree.read(path);
        const [, after] = readme.split(`](deploy/demo/fleet-repository/${path})`);
        const [, block] = /^[^\n]*\n\n```yaml\n(.*?)```/s.exec(after ?? '') ?? [];
        if (block === undefined) throw new Error(`README has no block for ${path}`);
        const head = `apiVersion: fairway.dev/v1alpha1\nkind: RolloutStrategy\nmetadata: { name: ${name} }\n`;
        return Buffer.from(`${head}spec:\n${block.replace(/^/gm, '  ')}`);
      },
    };
    const fromReadme = await readFleet({ tree: told, previous: emptyFleet });
    expect(fromReadme.problems.map(describeProblem)).toEqual([]);
    const saying = (all: typeof strategies) => [...all.values()].map(({ origin: _, ...rest }) => rest);
    expect(saying(fromReadme.strategies)).toEqual(saying(strategies));
  });
});

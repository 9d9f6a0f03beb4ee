/** A tenant from Git to the cluster: what its Project lets through is written in the Project's name, and what it does not never leaves the hub. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const object = (kind: string, namespace: string, name: string) =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace} }\n`;
const project = `apiVersion: fairway.dev/v1alpha1
kind: Project
metadata: { name: red }
spec:
  sources: [{ path: teams/red }]
  clusters: { names: [near] }
  namespaces: [red]
  serviceAccount: { name: deployer, enforce: true }
`;

let bed: FleetBed | undefined;
beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['near'],
    files: {
      'fleet/near.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: near }\nspec: {}\n',
      'fleet/red.yaml': project,
      'fleet/web.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n  project: red\n  source: { path: teams/red/web }\n  placement: { clusters: [near] }\n  sync: { namespace: red }\n  rollout: { strategy: all-at-once }\n',
      'teams/red/web/a.yaml': object('ConfigMap', 'red', 'a'),
    },
  });
  if (!bed) return;
  for (const args of [
    'create namespace red',
    'create namespace blue',
    '-n red create serviceaccount deployer',
    '-n red create role deployer --verb=get,list,create,patch,delete --resource=configmaps',
    '-n red create rolebinding deployer --role=deployer --serviceaccount=red:deployer',
  ])
    bed.kubectl('near', ...args.split(' '));
  await bed.startHub();
  await bed.startAgent('near');
}, 240_000);
afterAll(() => bed?.close());

const has = (kind: string, namespace: string, name: string) =>
  bed
    ?.kubectl('near', '-n', namespace, 'get', kind, '--ignore-not-found', '-o', 'name')
    .stdout.includes(`/${name}\n`);

describe('a tenant', () => {
  it('brings what its Project and its service account allow, and nothing else', async (context) => {
    if (!bed) return context.skip(skipped);
    const api = bed.api();
    const message = async () => (await api.placements())[0]?.message ?? '';
    await bed.settle(await bed.repository.head(), { placements: 1 });
    expect(has('configmaps', 'red', 'a')).toBe(true);

    // The hub: another namespace. All of the new version stays behind.
    const both = [object('ConfigMap', 'red', 'b'), object('ConfigMap', 'blue', 'b')].join('---\n');
    await bed.merge({ 'teams/red/web/a.yaml': both }, 'web: into blue');
    const refused = await bed.wait('the hub to refuse it', async () => {
      const text = await message();
      return text.includes('ConfigMap blue/b: metadata.namespace') ? text : undefined;
    });
    expect(refused).toContain('is not among spec.namespaces (red) of Project red at fleet/red.yaml:1');
    expect([
      has('configmaps', 'red', 'a'),
      has('configmaps', 'red', 'b'),
      has('configmaps', 'blue', 'b'),
    ]).toEqual([true, false, false]);

    // The API server: a kind that the account may not write, though the agent may.
    const secret = `${object('ConfigMap', 'red', 'c')}---\n${object('ServiceAccount', 'red', 'mine')}`;
    await bed.merge({ 'teams/red/web/a.yaml': secret }, 'web: an account of its own');
    await bed.wait('the API server to refuse it', async () =>
      (await message()).includes('User "system:serviceaccount:red:deployer" cannot') ? true : undefined,
    );
    expect([has('configmaps', 'red', 'c'), has('serviceaccounts', 'red', 'mine')]).toEqual([true, false]);
  }, 120_000);
});

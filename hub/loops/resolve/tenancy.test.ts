import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';

const resource = (kind: string, name: string, spec: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const application = (name: string, more = '') =>
  resource('Application', name, `{ source: { path: ${name} }, placement: { selector: {} }${more} }`);
const map = (namespace: string, value = '1') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: ${namespace} }\ndata: { value: "${value}" }\n`;
const project = (more = '') =>
  resource(
    'Project',
    'red',
    `{ sources: [{ path: web }], clusters: { names: [one] }, namespaces: [red]${more} }`,
  );
const library = 'https://git.example/org/library.git';
const files = {
  'fleet/clusters.yaml': `${resource('Cluster', 'one', '{}')}---\n${resource('Cluster', 'two', '{}')}`,
  'fleet/projects.yaml': project(),
  'fleet/web.yaml': application('web', ', project: red').replace('{ selector: {} }', '{ clusters: [one] }'),
  'web/a.yaml': map('red'),
};

let bed: LoopBed;
beforeEach(async () => {
  bed = await createLoopBed();
});
afterEach(() => bed.close());

const resolve = async (over: Readonly<Record<string, string>>) => {
  await bed.commit({ ...files, ...over });
  await bed.resolve();
};
/** What each place would get; a place that is missing stays at what it has. */
const wanted = async () => {
  const resolutions = await bed.store.fleet.resolutions();
  const digests = resolutions.flatMap(({ application: name, targets }) =>
    Object.entries(targets).map(([cluster, digest]) => [`${name} ${cluster}`, digest] as const),
  );
  return new Map(digests);
};
const problems = async () =>
  (await bed.store.fleet.resolutions()).flatMap((one) =>
    one.problems.map(
      ({ cluster, problem }) => `${one.application} ${cluster}: ${problem.field}: ${problem.message}`,
    ),
  );

describe('a Project in the resolve loop', () => {
  it('lets through what it allows, with its bounds in the Target', async () => {
    const named = { 'fleet/projects.yaml': project(', serviceAccount: { name: deployer }') };
    await resolve(named);
    // The account of that name in the namespace `default` is somebody else's.
    expect(await problems()).toEqual([
      expect.stringMatching(/^web one: spec.sync.namespace: namespace default is not among .*\(red\)/),
    ]);
    const inRed = ', project: red, sync: { namespace: red }';
    await resolve({
      ...named,
      'fleet/web.yaml': application('web', inRed).replace('{ selector: {} }', '{ clusters: [one] }'),
    });
    expect(await problems()).toEqual([]);
    const target = await bed.store.content.target((await wanted()).get('web one') ?? '');
    expect(target?.sync).toMatchObject({ serviceAccount: 'deployer', clusterObjects: [] });
  });

  it('leaves an application at what it had when its newest text goes beyond, cluster by cluster', async () => {
    await resolve({});
    const before = await wanted();
    expect([...before.keys()]).toEqual(['web one']);
    await resolve({
      'web/a.yaml': map('kube-system'),
      'fleet/web.yaml': application('web', ', project: red'),
    });
    expect([...(await wanted()).keys()]).toEqual([]);
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^web one: : ConfigMap kube-system\/a: metadata.namespace: namespace kube-system is not among/,
      ),
      expect.stringMatching(
        /^web two: spec.placement: Cluster two is not among spec.clusters \(one\) of Project red at fleet\/projects.yaml:1: /,
      ),
      expect.stringMatching(/^web two: : ConfigMap kube-system\/a: /),
    ]);
    await resolve({ 'web/a.yaml': map('red', '2') });
    expect(await problems()).toEqual([]);
    expect((await wanted()).get('web one')).not.toBe(before.get('web one'));
  });

  it('takes nothing away from what runs when it becomes narrower', async () => {
    await resolve({});
    expect([...(await wanted()).keys()]).toEqual(['web one']);
    await resolve({ 'fleet/projects.yaml': project().replace('namespaces: [red]', 'namespaces: [blue]') });
    expect([...(await wanted()).keys()]).toEqual([]);
    expect(await problems()).toHaveLength(1);
    expect((await bed.store.releases.confirmations()).length).toBe(0);
    expect((await bed.store.releases.assignments({})).every(({ removed }) => !removed)).toBe(true);
  });

  it('says what its applications may build on, and a neighbour of another Project may still', async () => {
    const kustomization = `resources:\n- "${library}//base?ref=v1"\n`;
    const head = await bed.commit({
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': map('red'),
    });
    await bed.store.sources.save({
      ...{ key: 'library@v1', url: library, ref: 'v1', head, headSeenAtMs: 0, lastAttemptAtMs: 0 },
      conditions: [],
    });
    const free = application('free')
      .replace('path: free', 'path: web')
      .replace('{ selector: {} }', '{ clusters: [two] }');
    const both = {
      'fleet/library.yaml': resource('Repository', 'library', `{ url: "${library}" }`),
      'web/kustomization.yaml': kustomization,
    };
    // The same folder is rendered for the neighbour alone first, then for both.
    await resolve({ ...both, 'fleet/web.yaml': free });
    expect(await problems()).toEqual([]);
    await resolve({ ...both, 'fleet/free.yaml': free });
    const refused = (await problems()).filter((text) => text.startsWith('web '));
    expect(refused).toEqual([
      expect.stringContaining(
        'Repository library is not among spec.sources of Project red at fleet/projects.yaml:1: build on something else, or have it added',
      ),
    ]);
    expect([...(await wanted()).keys()]).toContain('free two');
    expect([...(await wanted()).keys()]).not.toContain('web one');
    await resolve({
      ...both,
      'fleet/free.yaml': free,
      'fleet/projects.yaml': project().replace('[{ path: web }]', '[{ path: web }, { repository: library }]'),
    });
    expect((await problems()).filter((text) => text.startsWith('web '))).toEqual([]);
    expect([...(await wanted()).keys()]).toContain('web one');
  });
});

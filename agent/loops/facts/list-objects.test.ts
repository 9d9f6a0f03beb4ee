import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ListRequest } from '../../kube/kube-client.ts';
import type { FactKind } from '../../observe/fact-watch.ts';
import { listObjects, objectsOf } from './list-objects.ts';

const resource: ApiResource = {
  ...{ group: 'apps', version: 'v1', kind: 'Deployment', resource: 'deployments', namespaced: true },
  verbs: ['list'],
};
const kind: FactKind = { group: 'apps', kind: 'Deployment', pageSize: 2, trim: (object) => object };
const signal = new AbortController().signal;

/** So many objects in each namespace, two a page. */
function clusterOf(counts: Readonly<Record<string, number>>, denied: readonly string[] = []) {
  const asked: string[] = [];
  const all = Object.entries(counts).flatMap(([namespace, count]) =>
    Array.from({ length: count }, (_, at) => ({ metadata: { name: `d${at}`, namespace } }) as KubeObject),
  );
  const kube: Pick<KubeClient, 'list'> = {
    async list({ namespace, limit = 2, continue: from = '0' }: ListRequest) {
      asked.push(namespace);
      if (denied.includes(namespace)) throw new FairwayError('permission_denied', 'forbidden: User "x"');
      const here = all.filter(({ metadata }) => namespace === '' || metadata.namespace === namespace);
      const end = Number(from) + limit;
      return {
        ...{ resourceVersion: '1', items: here.slice(Number(from), end) },
        continue: end < here.length ? String(end) : undefined,
      };
    },
  };
  return { kube, asked };
}
const list = (kube: Pick<KubeClient, 'list'>, more: Partial<FactKind> = {}, namespaces = ['a', 'b']) =>
  listObjects(kube, resource, { ...kind, ...more }, namespaces, signal);

describe('listObjects', () => {
  it('lists managed namespaces, page after page', async () => {
    const { kube, asked } = clusterOf({ a: 3, b: 1, c: 9 });
    const listed = await list(kube);
    expect([objectsOf(listed).length, listed.gaps]).toEqual([4, []]);
    expect(asked).toEqual(['a', 'a', 'b']);
  });

  it('says what a bound leaves out, of all namespaces together, and asks for no more', async () => {
    const { kube, asked } = clusterOf({ a: 3, b: 9 });
    const listed = await list(kube, { objectsMax: 4 });
    expect(objectsOf(listed)).toHaveLength(4);
    expect(listed.gaps).toEqual([
      {
        ...{ kind: 'Deployment', reason: 'bound' },
        message: 'there are more than 4, of which the others are left out',
      },
    ]);
    expect(asked).toEqual(['a', 'a', 'b']);
    expect((await list(clusterOf({ a: 3, b: 1 }).kube, { objectsMax: 4 })).gaps).toEqual([]);
  });

  it('lists all at once where others count too, and says so where it may not', async () => {
    const { kube, asked } = clusterOf({ a: 1, c: 1 });
    expect(objectsOf(await list(kube, { elsewhere: 'quiet' }))).toHaveLength(2);
    expect(asked).toEqual(['']);
    const narrow = clusterOf({ a: 1, c: 1 }, ['']);
    const listed = await list(narrow.kube, { elsewhere: 'quiet' });
    expect(objectsOf(listed)).toHaveLength(1);
    expect(listed.gaps).toMatchObject([
      { reason: 'denied', message: 'the agent may not list deployments.apps in all namespaces' },
    ]);
    await expect(list(narrow.kube, { elsewhere: 'told' })).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('names the right that lacks, and nothing of what the API server calls whom', async () => {
    const { kube } = clusterOf({ a: 1, b: 1 }, ['b']);
    await expect(list(kube)).rejects.toThrow(/^the agent may not list deployments\.apps in namespace b$/);
  });

  it('finds nothing of a kind that is served no more', async () => {
    const gone: Pick<KubeClient, 'list'> = {
      list: () => Promise.reject(new FairwayError('not_found', 'the server could not find it')),
    };
    expect(await list(gone)).toEqual({ counted: [], gaps: [] });
    const down: Pick<KubeClient, 'list'> = {
      list: () => Promise.reject(new FairwayError('unavailable', 'cut')),
    };
    await expect(list(down)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { FactSection } from '../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ListRequest, WatchEvent, WatchRequest } from '../kube/kube-client.ts';
import { createFactCollector, type FactCollector, type FactsPorts } from './collect-facts.ts';

const kinds: readonly (readonly [group: string, kind: string, namespaced: boolean])[] = [
  ['', 'Node', false],
  ['', 'Namespace', false],
  ['', 'Pod', true],
  ['', 'Secret', true],
  ['', 'ConfigMap', true],
  ['', 'ResourceQuota', true],
  ['apps', 'Deployment', true],
  ['storage.k8s.io', 'StorageClass', false],
  ['apiextensions.k8s.io', 'CustomResourceDefinition', false],
];
const resources = kinds.map(
  ([group, kind, namespaced]): ApiResource => ({
    ...{ group, kind, namespaced, version: 'v1', resource: `${kind.toLowerCase()}s` },
    verbs: ['list', 'watch'],
  }),
);

/** A cluster of a few kinds that counts what it is asked. */
function createCluster() {
  const objects = new Map<string, KubeObject>();
  const watchers = new Map<string, (event: WatchEvent) => void>();
  const asked: string[] = [];
  const denied = new Set<string>();
  /** Kinds of open watches. */
  const opened: string[] = [];
  let version = 0;
  const idOf = (kind: string, { metadata }: KubeObject) =>
    `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  const put = (kind: string, name: string, rest: object = {}, namespace?: string) => {
    version += 1;
    const metadata = { name, uid: name, resourceVersion: String(version), ...(namespace && { namespace }) };
    const object = { apiVersion: 'v1', kind, metadata, ...rest } as unknown as KubeObject;
    const known = objects.has(idOf(kind, object));
    objects.set(idOf(kind, object), object);
    watchers.get(kind)?.({ type: known ? 'MODIFIED' : 'ADDED', object });
  };
  const kube = {
    async discover({ refresh }: { readonly refresh?: boolean } = {}) {
      if (refresh) asked.push('discover');
      return resources;
    },
    async version() {
      asked.push('version');
      return 'v1.36.3';
    },
    async list({ resource: { kind }, namespace }: ListRequest) {
      asked.push(`list ${kind}${namespace === '' ? '' : ` ${namespace}`}`);
      if (denied.has(`${kind} ${namespace}`)) throw new FairwayError('permission_denied', 'may not');
      const items = [...objects]
        .filter(([id]) => id.startsWith(`${kind} ${namespace}`))
        .map(([, object]) => object);
      return { resourceVersion: String(version), items, continue: undefined };
    },
    async get({
      resource: { kind },
      namespace,
      name,
    }: {
      resource: ApiResource;
      namespace: string;
      name: string;
    }) {
      asked.push(`get ${kind} ${namespace}/${name}`);
      const found = objects.get(`${kind} ${namespace}/${name}`);
      if (!found) throw new FairwayError('not_found', 'gone');
      return found;
    },
    watch({ resource: { kind } }: WatchRequest, onEvent: (event: WatchEvent) => void, signal: AbortSignal) {
      asked.push(`watch ${kind}`);
      watchers.set(kind, onEvent);
      opened.push(kind);
      return new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          watchers.delete(kind);
          opened.splice(opened.indexOf(kind), 1);
          resolve();
        });
      });
    },
  } as unknown as KubeClient;
  const open = (wanted: string) => opened.filter((kind) => kind === wanted).length;
  return { kube, put, asked, denied, watchers, open };
}

const secret = (value: string) => ({ type: 'Opaque', data: { a: value } });
const minute = 60_000;

describe('createFactCollector', () => {
  let cluster: ReturnType<typeof createCluster>;
  let clock: ReturnType<typeof createFakeClock>;
  let facts: FactCollector;
  let notices: number;
  /** Something else is desired. */
  let desire: () => void;
  beforeEach(() => {
    cluster = createCluster();
    clock = createFakeClock();
    notices = 0;
    const entries = [{ key: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }, originId: 'a' }];
    const target = { sync: { namespace: 'default' }, set: { entries } };
    const desired = {
      applications: () => new Map([['web', { application: 'web', target }]]),
      object: () => '{}',
      subscribe(listener: () => void) {
        desire = listener;
        return () => {};
      },
    } as unknown as FactsPorts['desired'];
    facts = createFactCollector({
      ...{ kube: cluster.kube, clock, random: createSeededRandom(1), log: silentLogger, desired },
      ...{ reveal: async (text) => text, namespace: 'fairway-agent' },
    });
    facts.onChange(() => {
      notices += 1;
    });
    cluster.put('Secret', 'key', secret('b25l'), 'shop');
    cluster.put('Secret', 'far', secret('b25l'), 'elsewhere');
    cluster.put('StorageClass', 'fast', { provisioner: 'x' });
  });
  afterEach(() => facts.stop());

  const salt = new Uint8Array(32);
  const ask = async (watch: boolean, known: Readonly<Record<string, string>> = {}) => {
    cluster.asked.length = 0;
    const sections = await facts.collect({ salt, known, watch }, new AbortController().signal);
    return new Map(sections.map((one) => [one.section, one]));
  };
  const digestsOf = (sections: Awaited<ReturnType<typeof ask>>) =>
    Object.fromEntries([...sections].map(([section, { digest }]) => [section, digest]));
  const sentOf = (sections: Awaited<ReturnType<typeof ask>>): readonly FactSection[] =>
    [...sections.values()].filter(({ values }) => values !== undefined).map(({ section }) => section);
  const lists = () => cluster.asked.filter((one) => /^(?:list|get|version|discover)/.test(one));

  it('watches nothing for a hub that does not want to know of changes', async () => {
    await ask(false);
    await ask(false);
    expect(cluster.watchers.size).toBe(0);
    expect(lists()).toContain('list StorageClass');
    cluster.put('StorageClass', 'slow', { provisioner: 'y' });
    await clock.advance(minute);
    expect(notices).toBe(0);
  });

  it('asks the API server for nothing where nothing has changed, and every four minutes for what it does not watch', async () => {
    const first = await ask(true);
    expect([...first.values()].filter(({ failure }) => failure !== '')).toEqual([]);
    expect([...cluster.watchers.keys()].sort()).toEqual(
      kinds
        .map(([, kind]) => kind)
        .filter((kind) => kind !== 'Pod' && kind !== 'Deployment')
        .sort(),
    );
    expect(sentOf(await ask(true, digestsOf(first)))).toEqual([]);
    expect(cluster.asked).toEqual([]);
    await clock.advance(5 * minute);
    await ask(true);
    expect(cluster.asked.sort()).toEqual(['discover', 'list Deployment shop', 'list Pod shop', 'version']);
  });

  it('says that something has changed, once, and sends that section alone', async () => {
    const first = await ask(true);
    cluster.put('StorageClass', 'fast', { provisioner: 'y' });
    cluster.put('StorageClass', 'slow', { provisioner: 'y' });
    await clock.advance(300);
    expect(notices).toBe(1);
    expect(sentOf(await ask(true, digestsOf(first)))).toEqual(['storageClasses']);
    expect(cluster.asked).toEqual([]);
  });

  it('reads a Secret that has changed and no other, and takes no notice of other namespaces', async () => {
    const first = await ask(true);
    cluster.put('Secret', 'far', secret('dHdv'), 'elsewhere');
    await clock.advance(minute);
    expect(notices).toBe(0);
    cluster.put('Secret', 'key', secret('dHdv'), 'shop');
    await clock.advance(300);
    const second = await ask(true, digestsOf(first));
    expect(sentOf(second)).toEqual(['secrets']);
    expect(cluster.asked).toEqual(['get Secret shop/key']);
    expect(JSON.stringify([...second])).not.toContain('dHdv');
    // One salt more is one more reading, and another fingerprint.
    cluster.asked.length = 0;
    const other = { salt: new Uint8Array(32).fill(1), known: {}, watch: true };
    const sections = await facts.collect(other, new AbortController().signal);
    expect(cluster.asked).toEqual(['get Secret shop/key']);
    const told = sections.find(({ section }) => section === 'secrets')?.values?.['shop/key'];
    expect(told).not.toBe(second.get('secrets')?.values?.['shop/key']);
  });

  it('lists many changed ones of a namespace together', async () => {
    await ask(true);
    for (let at = 0; at < 11; at += 1) cluster.put('Secret', `s${at}`, secret('dHdv'), 'shop');
    const second = await ask(true);
    expect(cluster.asked).toEqual(['list Secret shop']);
    expect(Object.keys(second.get('secrets')?.values ?? {})).toHaveLength(12);
  });

  it('lists namespace by namespace what it may not watch as a whole, and says what it may not list', async () => {
    cluster.denied.add('Secret ').add('Node ');
    const sections = await ask(true);
    expect(sections.get('secrets')?.values).toHaveProperty('shop/key');
    expect(sections.get('capacity')?.failure).toContain('permission_denied');
    expect(sections.get('version')?.values).toEqual({ kubernetes: 'v1.36.3', kubelets: [] });
  });

  it('looks at what is served again when a definition has changed', async () => {
    const first = await ask(true);
    cluster.put('CustomResourceDefinition', 'shops.example.com', { spec: { versions: [] } });
    await clock.advance(300);
    await ask(true, digestsOf(first));
    expect(cluster.asked).toContain('discover');
    await clock.advance(6_000);
    expect(notices).toBe(2);
  });

  it('lists pods anew half a minute after something else was desired, once for many', async () => {
    await ask(true);
    for (let at = 0; at < 20; at += 1) {
      desire();
      await clock.advance(1_000);
    }
    await ask(true);
    expect(cluster.asked).toEqual([]);
    await clock.advance(20_000);
    await ask(true);
    expect(cluster.asked).toEqual(['list Pod shop']);
    await clock.advance(minute);
    await ask(true);
    expect(cluster.asked).toEqual([]);
  });

  it('ends the watches of a group that nobody has asked for in a while, though another is asked for', async () => {
    const group = async (byte: number, kind: string) => {
      const question = { salt: new Uint8Array(32).fill(byte), known: {}, watch: true };
      const unowned = [{ kind, path: '/spec/replicas' }];
      await facts.collect({ ...question, unowned }, new AbortController().signal);
    };
    const opened = () => cluster.asked.filter((one) => one === 'watch ConfigMap').length;
    await group(1, 'ConfigMap');
    // That of its metadata, and that of the group's fields.
    expect([opened(), cluster.open('ConfigMap')]).toEqual([2, 2]);
    for (let at = 0; at < 4; at += 1) {
      await clock.advance(5 * minute);
      await group(2, 'Deployment');
    }
    expect([opened(), cluster.open('ConfigMap')]).toEqual([2, 1]);
  });

  it('ends its watches when nobody has asked for a while, and begins again when somebody does', async () => {
    await ask(true);
    await clock.advance(14 * minute);
    expect(facts.watches).toBeGreaterThan(5);
    await clock.advance(2 * minute);
    expect(cluster.watchers.size).toBe(0);
    await ask(true);
    expect(cluster.watchers.size).toBeGreaterThan(5);
    facts.stop();
    expect(cluster.watchers.size).toBe(0);
  });
});

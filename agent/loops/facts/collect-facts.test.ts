import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import {
  type FactSection,
  factsBytesMax,
  factsMax,
  gapsMax,
} from '../../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type {
  ApiResource,
  KubeClient,
  ListRequest,
  ResourceRef,
  WatchEvent,
  WatchRequest,
} from '../../kube/kube-client.ts';
import { createFactCollector, type FactCollector, type FactsPorts } from './collect-facts.ts';

const kinds: readonly (readonly [group: string, kind: string, namespaced: boolean])[] = [
  ['', 'Node', false],
  ['', 'Namespace', false],
  ['', 'Pod', true],
  ['', 'Secret', true],
  ['', 'ConfigMap', true],
  ['', 'ResourceQuota', true],
  ['apps', 'Deployment', true],
  ['apps', 'StatefulSet', true],
  ['storage.k8s.io', 'StorageClass', false],
  ['apiextensions.k8s.io', 'CustomResourceDefinition', false],
];
const resourcesOf = (more: readonly ApiResource[]) => [...more, ...resources];
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
  const stale = new Set<string>();
  /** Served before all others. */
  const more: ApiResource[] = [];
  /** Kinds of open watches. */
  const opened: string[] = [];
  let version = 0;
  let held: Promise<void> = Promise.resolve();
  /** Reads of one object do not end before the result is called. */
  const hold = () => {
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    return () => release();
  };
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
      return resourcesOf(more);
    },
    staleGroups: () => stale,
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
    async get({ resource: { kind }, namespace, name }: ResourceRef, signal?: AbortSignal) {
      asked.push(`get ${kind} ${namespace}/${name}`);
      await held;
      signal?.throwIfAborted();
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
  const remove = (kind: string, name: string, namespace: string) => {
    const id = `${kind} ${namespace}/${name}`;
    const object = objects.get(id);
    objects.delete(id);
    if (object) watchers.get(kind)?.({ type: 'DELETED', object });
  };
  return { kube, put, remove, hold, asked, denied, stale, more, watchers, open };
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
  /** Namespaces of the agent's application. */
  let namespaces: readonly string[];
  beforeEach(() => {
    namespaces = ['shop'];
    cluster = createCluster();
    clock = createFakeClock();
    notices = 0;
    const entriesOf = (names: readonly string[]) =>
      names.map((namespace) => ({
        key: { group: '', kind: 'ConfigMap', namespace, name: 'a' },
        originId: 'a',
      }));
    const targetOf = () => ({ sync: { namespace: 'default' }, set: { entries: entriesOf(namespaces) } });
    const desired = {
      applications: () => new Map([['web', { application: 'web', target: targetOf() }]]),
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
        .filter((kind) => kind !== 'Deployment' && kind !== 'StatefulSet')
        .sort(),
    );
    expect(sentOf(await ask(true, digestsOf(first)))).toEqual([]);
    expect(cluster.asked).toEqual([]);
    await clock.advance(5 * minute);
    await ask(true);
    expect(cluster.asked.sort()).toEqual([
      ...['discover', 'list Deployment shop', 'list StatefulSet shop', 'version'],
    ]);
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
    // One salt more is another fingerprint, and nothing is read for it.
    cluster.asked.length = 0;
    const other = { salt: new Uint8Array(32).fill(1), known: {}, watch: true };
    const sections = await facts.collect(other, new AbortController().signal);
    expect(cluster.asked).toEqual([]);
    const told = sections.find(({ section }) => section === 'secrets')?.values?.['shop/key'];
    expect(told).not.toBe(second.get('secrets')?.values?.['shop/key']);
  });

  it('goes on reading when a question has ended before it was done, and has it for the next one', async () => {
    const release = cluster.hold();
    const abort = new AbortController();
    const late = facts.collect({ salt, known: {}, watch: true }, abort.signal);
    await clock.advance(1);
    await clock.advance(1);
    abort.abort(new DOMException('too late', 'TimeoutError'));
    await expect(late).rejects.toThrow('too late');
    release();
    expect((await ask(true)).get('secrets')?.values).toHaveProperty('shop/key');
    expect(cluster.asked.filter((one) => one.startsWith('get'))).toEqual([]);
  });

  it('lists many changed ones of a namespace together', async () => {
    await ask(true);
    for (let at = 0; at < 11; at += 1) cluster.put('Secret', `s${at}`, secret('dHdv'), 'shop');
    const second = await ask(true);
    expect(cluster.asked).toEqual(['list Secret shop']);
    expect(Object.keys(second.get('secrets')?.values ?? {})).toHaveLength(12);
  });

  it('lists namespace by namespace what it may not watch as a whole, and says what it may not list', async () => {
    cluster.denied.add('Secret ').add('Node ').add('Pod ').add('ResourceQuota ').add('ResourceQuota shop');
    const sections = await ask(true);
    expect(sections.get('secrets')).toMatchObject({ failure: '', gaps: [] });
    expect(sections.get('secrets')?.values).toHaveProperty('shop/key');
    const denied = (kind: string, message: string) => ({ kind, reason: 'denied', message });
    const nodes = denied('Node', 'the agent may not list nodes');
    const elsewhere = denied('Pod', 'the agent may not list pods in all namespaces');
    expect(sections.get('version')).toMatchObject({ values: { kubernetes: 'v1.36.3' }, gaps: [nodes] });
    // What others take of the nodes is not known, and neither are the nodes: what pods ask for is.
    expect(sections.get('capacity')?.gaps).toEqual([nodes, elsewhere]);
    expect(Object.keys(sections.get('capacity')?.values ?? {})).toEqual([
      ...['podSizes', 'requested', 'requestedIn'],
    ]);
    expect(sections.get('images')).toMatchObject({ failure: '', gaps: [] });
    const quotas = denied('', 'the agent may not list resourcequotas in namespace shop');
    expect(sections.get('quotas')).toMatchObject({ digest: '', values: undefined, gaps: [quotas] });
  });

  it('leaves out of a section the one kind that it may not list, and asks for what it may not see no more often than for the rest', async () => {
    cluster.put('Deployment', 'debug', {}, 'shop');
    cluster.put('StatefulSet', 'db', {}, 'shop');
    cluster.denied.add('Deployment shop').add('Secret ').add('Secret shop');
    const sections = await ask(true);
    expect(sections.get('unmanaged')).toMatchObject({
      ...{ failure: '', values: { 'StatefulSet shop/db': true } },
      gaps: [
        {
          ...{ kind: 'Deployment', reason: 'denied' },
          message: 'the agent may not list deployments.apps in namespace shop',
        },
      ],
    });
    expect(sections.get('certificates')).toMatchObject({
      ...{ failure: '', values: {} },
      gaps: [{ kind: 'Secret', reason: 'denied' }],
    });
    await ask(true, digestsOf(sections));
    expect(cluster.asked.filter((one) => one.includes('StatefulSet'))).toEqual([]);
  });

  it.each([1, 16, 40])('reads a Secret that has changed once for %i groups', async (groups) => {
    const collect = (byte: number) =>
      facts.collect(
        { salt: new Uint8Array(32).fill(byte + 1), known: {}, watch: true },
        new AbortController().signal,
      );
    const all = () => Promise.all(Array.from({ length: groups }, (_, at) => collect(at)));
    cluster.asked.length = 0;
    await all();
    const reads = () => cluster.asked.filter((one) => /^(?:get|list) (?:Secret|ConfigMap)/.test(one));
    expect(reads().filter((one) => one.startsWith('get'))).toEqual(['get Secret shop/key']);
    cluster.asked.length = 0;
    cluster.put('Secret', 'key', secret('dHdv'), 'shop');
    const told = await all();
    expect(cluster.asked.filter((one) => one !== 'version')).toEqual(['get Secret shop/key']);
    const fingerprints = told.map(
      (sections) => sections.find(({ section }) => section === 'secrets')?.values?.['shop/key'],
    );
    expect(new Set(fingerprints).size).toBe(groups);
    cluster.asked.length = 0;
    await all();
    expect(cluster.asked).toEqual([]);
  });

  const digest = (digit: string) => `x/web@sha256:${digit.repeat(64)}`;
  const pod = (imageID: string, more: object = {}) => ({
    spec: { containers: [{ name: 'a', image: 'web:1', resources: { requests: { cpu: '100m' } } }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'a', image: 'web:1', imageID, ...more }] },
  });

  it('has another image of a pod told, and takes no notice of its restarts, without asking for anything', async () => {
    cluster.put('Pod', 'web-1', pod(digest('a')), 'shop');
    cluster.put('Pod', 'web-2', pod(digest('a')), 'shop');
    const first = await ask(true);
    cluster.put('Pod', 'web-1', pod(digest('a'), { restartCount: 3 }), 'shop');
    cluster.put('Pod', 'far', pod(digest('c')), 'elsewhere');
    await clock.advance(minute);
    expect(notices).toBe(0);
    cluster.put('Pod', 'web-1', pod(digest('b')), 'shop');
    await clock.advance(300);
    expect(notices).toBe(1);
    const second = await ask(true, digestsOf(first));
    expect(sentOf(second)).toEqual(['images']);
    expect(second.get('images')?.values).toEqual({
      'web:1': [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`],
    });
    expect(cluster.asked).toEqual([]);
    cluster.remove('Pod', 'web-2', 'shop');
    await clock.advance(300);
    expect(sentOf(await ask(true, digestsOf(second)))).toEqual(['capacity', 'images']);
    expect(cluster.asked).toEqual([]);
  });

  it('tells of other things at once while pods come and go all the time', async () => {
    await ask(true);
    for (let at = 0; at < 60; at += 1) {
      cluster.put('Pod', `web-${at}`, pod(digest('a')), 'shop');
      await clock.advance(1_000);
    }
    expect(notices).toBeLessThan(20);
    const busy = notices;
    while (notices === busy) await clock.advance(300);
    const before = notices;
    // It has to wait for its turn, the class has not.
    cluster.put('Pod', 'web-x', pod(digest('a')), 'shop');
    cluster.put('StorageClass', 'fast', { provisioner: 'y' });
    await clock.advance(300);
    expect(notices).toBe(before + 1);
  });

  it('looks at a namespace that an application has come to, and no more at one that it has left', async () => {
    const first = await ask(true);
    namespaces = ['elsewhere'];
    desire();
    await clock.advance(300);
    expect(notices).toBe(1);
    const second = await ask(true, digestsOf(first));
    expect(Object.keys(second.get('secrets')?.values ?? {})).toEqual(['elsewhere/far']);
    expect([cluster.open('Secret'), cluster.open('StorageClass')]).toEqual([1, 1]);
    cluster.put('Secret', 'far', secret('dHdv'), 'elsewhere');
    await clock.advance(300);
    expect(notices).toBe(2);
  });

  it('follows a kind from the version that is served to the one that is served then', async () => {
    const snapshots = (version: string): ApiResource => ({
      ...{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', namespaced: true, version },
      ...{ resource: 'volumesnapshots', verbs: ['list', 'watch'] },
    });
    const taken = (readyToUse: boolean) => ({ status: { readyToUse, creationTime: '2026-01-02T03:04:05Z' } });
    cluster.more.push(snapshots('v1beta1'));
    cluster.put('VolumeSnapshot', 's', taken(false), 'shop');
    expect((await ask(true)).get('backups')?.values).toEqual({});
    cluster.put('VolumeSnapshot', 's', taken(true), 'shop');
    await clock.advance(300);
    expect(notices).toBe(1);
    expect((await ask(true)).get('backups')?.values).toEqual({
      'VolumeSnapshot shop/s': '2026-01-02T03:04:05.000Z',
    });
    expect(cluster.asked).toEqual([]);
    cluster.more.splice(0, 1, snapshots('v1'));
    await ask(true);
    expect(cluster.asked).toEqual(['list VolumeSnapshot', 'watch VolumeSnapshot']);
    expect(cluster.open('VolumeSnapshot')).toBe(1);
    cluster.more.length = 0;
    expect((await ask(true)).get('backups')).toMatchObject({ values: {}, gaps: [] });
    expect([cluster.open('VolumeSnapshot'), cluster.asked]).toEqual([0, []]);
  });

  it('does not say of a group whose API server is away that it is not served', async () => {
    cluster.stale.add('metrics.k8s.io');
    expect((await ask(true)).get('apis')?.gaps).toMatchObject([{ kind: 'metrics.k8s.io', reason: 'failed' }]);
    cluster.stale.clear();
    expect((await ask(true)).get('apis')?.gaps).toEqual([]);
  });

  it('says that there is more than it can name', async () => {
    for (let at = 0; at < gapsMax + 3; at += 1) cluster.stale.add(`g${at}.example.com`);
    const gaps = (await ask(true)).get('apis')?.gaps;
    expect(gaps).toHaveLength(gapsMax);
    expect(gaps?.at(-1)).toMatchObject({
      kind: '',
      reason: 'failed',
      message: expect.stringContaining('and 4 more'),
    });
  });

  it('says how many values of a section it tells where there are too many', async () => {
    for (let at = 0; at <= factsMax; at += 1) cluster.put('StorageClass', `c${at}`, { provisioner: 'x' });
    const told = (await ask(true)).get('storageClasses');
    expect(Object.keys(told?.values ?? {})).toHaveLength(factsMax);
    expect(told?.gaps).toEqual([
      { kind: '', reason: 'bound', message: `of ${factsMax + 2} the first ${factsMax} are told, by name` },
    ]);
    const parameters = { text: 'x'.repeat(1_000) };
    for (let at = 0; at < 3_000; at += 1)
      cluster.put('StorageClass', `c${at}`, { provisioner: 'x', parameters });
    const large = (await ask(true)).get('storageClasses');
    expect(JSON.stringify(large?.values).length).toBeLessThan(factsBytesMax);
    expect(large?.gaps).toMatchObject([{ kind: '', reason: 'bound' }]);
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

  it('lists pods that it may not watch anew half a minute after something else was desired, once for many', async () => {
    cluster.denied.add('Pod ');
    const pods = () => cluster.asked.filter((one) => one === 'list Pod shop').length;
    await ask(true);
    expect(pods()).toBe(1);
    for (let at = 0; at < 20; at += 1) {
      desire();
      await clock.advance(1_000);
    }
    await ask(true);
    expect(pods()).toBe(0);
    await clock.advance(20_000);
    await ask(true);
    expect(pods()).toBe(1);
    await clock.advance(minute);
    await ask(true);
    expect(pods()).toBe(0);
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
    await expect(ask(true)).rejects.toMatchObject({ code: 'cancelled' });
    expect(cluster.watchers.size).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import type { JsonObject } from '../../shared/manifest/object.ts';
import {
  appliedFieldsAnnotation,
  mergeApplied,
  presentApplied,
  withApplyFallback,
} from './apply-fallback.ts';
import type { KubeClient, LiveObject } from './kube-client.ts';
import { toKubeError } from './status-error.ts';

const resource = {
  group: 'old.example.com',
  version: 'v1',
  kind: 'Gauge',
  resource: 'gauges',
  namespaced: true,
  verbs: ['get', 'list', 'create', 'update', 'delete'],
};
const ref = { resource, namespace: 'shop', name: 'a' };
const gauge = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'old.example.com/v1',
  kind: 'Gauge',
  metadata: { name: 'a', namespace: 'shop', ...metadata },
  spec,
});

/** A server without server-side apply, of one object. */
function createServer() {
  const state = { live: undefined as LiveObject | undefined, version: 0, calls: [] as string[] };
  const put = (body: JsonObject): LiveObject => {
    state.version += 1;
    const metadata = {
      ...(body['metadata'] as JsonObject),
      resourceVersion: String(state.version),
      uid: 'u',
    };
    state.live = { ...body, metadata } as unknown as LiveObject;
    return structuredClone(state.live);
  };
  const refuse = (status: number, reason: string) =>
    toKubeError(status, JSON.stringify({ kind: 'Status', reason, message: reason }), undefined, 'gauges/a');
  const client = {
    as: () => client,
    async apply() {
      state.calls.push('apply');
      throw refuse(415, 'UnsupportedMediaType');
    },
    async get() {
      state.calls.push('get');
      if (!state.live) throw refuse(404, 'NotFound');
      return structuredClone(state.live);
    },
    async create(_ref: unknown, body: JsonObject) {
      state.calls.push('create');
      if (state.live) throw refuse(409, 'AlreadyExists');
      return put(body);
    },
    async update(_ref: unknown, body: JsonObject) {
      state.calls.push('update');
      const { resourceVersion } = body['metadata'] as JsonObject;
      if (resourceVersion !== state.live?.metadata['resourceVersion']) throw refuse(409, 'Conflict');
      return put(body);
    },
  } as unknown as KubeClient;
  return { state, put, kube: withApplyFallback(client), client };
}

const specOf = (live: LiveObject | undefined) => (live as unknown as { spec?: JsonObject } | undefined)?.spec;

describe('withApplyFallback', () => {
  it('asks for server-side apply once, makes the object, and says so', async () => {
    const { state, kube } = createServer();
    const statuses: number[] = [];
    const onStatus = (status: number) => statuses.push(status);
    const made = await kube.apply(ref, gauge({ a: 1, list: [1, 2] }), { onStatus });
    await kube.apply(ref, gauge({ a: 2, list: [1, 2] }), { onStatus });
    expect(state.calls).toEqual(['apply', 'get', 'create', 'get', 'update']);
    expect(statuses).toEqual([201, 200]);
    expect(specOf(state.live)).toEqual({ a: 2, list: [1, 2] });
    expect(made.metadata['managedFields']).toEqual([
      expect.objectContaining({
        manager: 'fairway',
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:a': {}, 'f:list': {} }, 'f:metadata': {} },
      }),
    ]);
    expect(state.live?.metadata).not.toHaveProperty('managedFields');
  });

  it('keeps what others set, takes away what left the manifest, and puts back what was changed', async () => {
    const { state, put, kube } = createServer();
    await kube.apply(ref, gauge({ a: 1, b: { c: 1, d: 2 }, gone: { x: 1 } }, { labels: { l: '1', m: '2' } }));
    const seen = structuredClone(state.live) as unknown as JsonObject;
    put({
      ...seen,
      spec: { ...(seen['spec'] as JsonObject), a: 9, b: { c: 1, d: 2, theirs: 3 }, theirs: true },
      status: { ok: true },
    });
    await kube.apply(ref, gauge({ a: 1, b: { c: 1 } }, { labels: { l: '1' } }));
    expect(specOf(state.live)).toEqual({ a: 1, b: { c: 1, theirs: 3 }, theirs: true });
    expect(state.live).toMatchObject({ status: { ok: true }, metadata: { labels: { l: '1' } } });
    expect(state.live?.metadata.labels).not.toHaveProperty('m');
  });

  it('writes nothing where nothing differs', async () => {
    const { state, kube } = createServer();
    await kube.apply(ref, gauge({ a: 1 }));
    state.calls.length = 0;
    await kube.apply(ref, gauge({ a: 1 }));
    expect(state.calls).toEqual(['get']);
  });

  it('merges anew when another wrote in between, and does not go on for ever', async () => {
    const { state, put, client } = createServer();
    let races = 2;
    const racing = {
      ...client,
      async get(...args: Parameters<KubeClient['get']>) {
        const live = await client.get(...args);
        if (races > 0) {
          races -= 1;
          put({ ...(live as unknown as JsonObject), spec: { ...specOf(live), theirs: races } });
        }
        return live;
      },
    };
    const kube = withApplyFallback(racing, new Set(['old.example.com/gauges']));
    await kube.apply(ref, gauge({ a: 1 }));
    await kube.apply(ref, gauge({ a: 2 }));
    expect(specOf(state.live)).toEqual({ a: 2, theirs: 0 });
    races = 100;
    await expect(kube.apply(ref, gauge({ a: 3 }))).rejects.toMatchObject({ code: 'conflict', retry: true });
  });

  it('finds an object that another has made meanwhile', async () => {
    const { state, put, client } = createServer();
    let first = true;
    const late = {
      ...client,
      async get(...args: Parameters<KubeClient['get']>) {
        if (!first) return client.get(...args);
        first = false;
        put(gauge({ theirs: 1 }));
        throw new FairwayError('not_found', 'not yet');
      },
    };
    await withApplyFallback(late).apply(ref, gauge({ a: 1 }));
    expect(specOf(state.live)).toEqual({ theirs: 1, a: 1 });
  });

  it('sends nothing in a dry run, and tells what would come of it', async () => {
    const { state, kube } = createServer();
    expect(specOf(await kube.apply(ref, gauge({ a: 1 }), { dryRun: true }))).toEqual({ a: 1 });
    expect(state.live).toBeUndefined();
    await kube.apply(ref, gauge({ a: 1, b: 1 }));
    expect(specOf(await kube.apply(ref, gauge({ a: 2 }), { dryRun: true }))).toEqual({ a: 2 });
    expect(specOf(state.live)).toEqual({ a: 1, b: 1 });
  });

  it('leaves a field that was given to another manager as it is', async () => {
    const { state, kube } = createServer();
    await kube.apply(ref, gauge({ replicas: 5, a: 1 }));
    await kube.apply(ref, gauge({ replicas: 5 }), { fieldManager: 'fairway-handover', force: false });
    await kube.apply(ref, gauge({ a: 1 }));
    expect(specOf(state.live)).toEqual({ replicas: 5, a: 1 });
  });

  it('does nothing else for a server that applies, and passes on every other refusal', async () => {
    const refused = new FairwayError('invalid_manifest', 'no', { details: { httpStatus: 422 } });
    const { client } = createServer();
    const kube = withApplyFallback({ ...client, apply: async () => Promise.reject(refused) });
    await expect(kube.apply(ref, gauge({}))).rejects.toBe(refused);
    const plain = { ...gauge({}), metadata: { name: 'a', managedFields: [] } } as unknown as LiveObject;
    expect(presentApplied(plain)).toBe(plain);
  });

  it('takes a note that somebody has broken for none', () => {
    const live = gauge(
      { a: 1, b: 2 },
      { annotations: { [appliedFieldsAnnotation]: '{' } },
    ) as unknown as LiveObject;
    expect(mergeApplied(live, gauge({ a: 3 }))['spec']).toEqual({ a: 3, b: 2 });
    expect(presentApplied(live)).toBe(live);
  });

  it.each([
    ['no map at the end', '{"f:spec":null}'],
    ['a text', '{"f:spec":{"f:a":"x"}}'],
    ['an element that no manifest sets', '{"f:spec":{"k:{broken":{}}}'],
    ['no prefix', '{"spec":{}}'],
    ['more depth than an object has', `${'{"f:a":'.repeat(20_000)}{}${'}'.repeat(20_000)}`],
  ])('takes a note with %s for none, so that nobody stops what reads it', (_what, note) => {
    const live = gauge(
      { a: 1, b: 2 },
      { annotations: { [appliedFieldsAnnotation]: note } },
    ) as unknown as LiveObject;
    expect(presentApplied(live)).toBe(live);
    expect(mergeApplied(live, gauge({ a: 3 }))['spec']).toEqual({ a: 3, b: 2 });
  });

  it('believes a server that keeps our fields itself, whatever somebody notes on the object', () => {
    const own = { manager: 'fairway', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:a': {} } } };
    const live = gauge(
      { a: 1 },
      { annotations: { [appliedFieldsAnnotation]: '{}' }, managedFields: [own as unknown as JsonObject] },
    ) as unknown as LiveObject;
    expect(presentApplied(live)).toBe(live);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { Cluster } from '../../model/fleet.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { TreeReader } from '../../model/tree.ts';
import { createKeptRenders } from '../graph/kept-renders.test-support.ts';
import type { HelmRunner } from '../helm/helm-runner.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type RenderResult } from '../renderer.ts';
import { createWorkerRenderer, type WorkerRenderer, type WorkerRendererOptions } from './worker-renderer.ts';

const digestKey = new Uint8Array(32);
const clusterOf = (name: string): Cluster => ({
  ...{ name, labels: {}, region: 'eu', role: 'none', variables: {}, kubernetesVersion: '', paused: false },
  origin: { file: 'fleet/c.yaml', line: 1, commit: 'c' },
});
const source = { repository: '', ref: '', path: '', overlays: ['overlays/{{cluster.name}}', 'base'] };
const files: Record<string, string> = {
  'base/kustomization.yaml': 'resources: [map.yaml, secret.yaml]\n',
  'base/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: "1" }\n',
  'base/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: { name: key }\nstringData: { a: hidden }\n',
  'overlays/one/kustomization.yaml': 'resources: [../../base]\nnamePrefix: one-\n',
  'overlays/bad/kustomization.yaml': 'resources: [missing.yaml]\n',
};
const clusters = ['one', 'two', 'bad', 'three'].map(clusterOf);

let opened: WorkerRenderer | undefined;
const due = new Set<() => void>();
afterEach(async () => {
  due.clear();
  await opened?.close();
});

function open(options: Partial<WorkerRendererOptions> = {}): WorkerRenderer {
  opened = createWorkerRenderer({
    ...{ digestKey, random: createSeededRandom(1), log: silentLogger },
    // Short waits are over at once, long ones when a test says so.
    clock: {
      ...createFakeClock(),
      after(delayMs, callback) {
        if (delayMs < 20_000) queueMicrotask(callback);
        else due.add(callback);
        return () => due.delete(callback);
      },
    },
    ...options,
  });
  return opened;
}

/** A thread of another make. */
const threadUrl = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads';\n${code}`)}`,
  );

const plainObjects = ({ objects }: RenderedSet) =>
  new Map([...objects].map(([key, { digest, content, secret }]) => [key, { digest, content, secret }]));

describe('createWorkerRenderer', () => {
  it('gives what the renderer gives, one result for equal inputs, and the same one again', async () => {
    const tree = createMemoryTree(files);
    const there = await createRenderer({ digestKey }).renderAll({ source, clusters, tree });
    const renderer = open();
    const here = await renderer.renderAll({ source, clusters, tree });
    const tables = there.results.map((result) =>
      result.ok
        ? { ...result, rendered: { ...result.rendered, objects: plainObjects(result.rendered) } }
        : result,
    );
    expect(here).toEqual({ ...there, results: tables });
    expect(here.results[1]).toBe(here.results[3]);
    expect(here.results[2]).toMatchObject({
      ok: false,
      problems: [{ file: 'overlays/bad/kustomization.yaml' }],
    });
    const taken: RenderResult[] = [];
    const handed = await renderer.renderAll({
      ...{ source, clusters, tree },
      take: (_cluster, result) => void taken.push(result),
    });
    expect([handed.results, taken]).toEqual([[], here.results]);
    const again = await renderer.renderAll({ source, clusters, tree: createMemoryTree(files, 'next') });
    expect(again.work).toMatchObject({ filesRead: 0, bytesParsed: 0 });
    expect(again.results[1]).toBe(here.results[1]);
    expect(renderer.stats()).toMatchObject({ renders: 12, filesRead: there.work.filesRead });
  });

  it('traces an object', async () => {
    const renderer = open();
    const tree = createMemoryTree(files);
    const request = { source, cluster: clusterOf('one'), tree };
    const selector = { kind: 'ConfigMap', name: 'one-a' };
    const there = await createRenderer({ digestKey }).trace(request, selector);
    expect(there.ok).toBe(true);
    expect(await renderer.trace(request, selector)).toEqual(there);
  });

  it('takes sets from an earlier process without reading a file, and their entries not twice', async () => {
    const tree = createMemoryTree(files);
    const kept = createKeptRenders();
    const earlier = createRenderer({ digestKey, memory: { port: kept.memory, engine: 'e' } });
    const made = await earlier.renderAll({ source, clusters, tree, memory: 'keep' });
    kept.keep(made);
    const renderer = open({ memory: { port: kept.memory, engine: 'e' } });
    const first = await renderer.renderAll({ source, clusters, tree });
    // The faulty overlay alone is looked at again.
    expect(first.work).toMatchObject({ directoriesBuilt: 1, filesRead: 1 });
    expect(first.results[1]).toMatchObject({ ok: true, rendered: { stored: true } });
    const [one] = first.results;
    const [before] = made.results;
    expect(one?.ok && one.rendered.set).toEqual(before?.ok && before.rendered.set);
    const next = createMemoryTree(files, 'next');
    const second = await renderer.renderAll({ source, clusters, tree: next });
    expect(second.results[0]).toBe(one);
    // Gone from the store: rendered, with all its objects.
    kept.forget();
    const third = await renderer.renderAll({ source, clusters, tree: createMemoryTree(files, 'third') });
    const [anew] = third.results;
    expect(anew?.ok && [anew.rendered.stored, anew.rendered.objects.size]).toEqual([undefined, 2]);
  });

  it('does what a dead thread has left undone in a new one', async () => {
    const asked: string[] = [];
    const tree: TreeReader = {
      ...createMemoryTree(files),
      entry: async (path) => {
        asked.push(path);
        return asked.length === 1 ? undefined : { name: 'x', type: 'file', oid: 'o' };
      },
    };
    const renderer = open({
      threadUrl: threadUrl(`
        let order;
        parentPort.on('message', (message) => {
          if (message.type === 'order') {
            order = message;
            const ask = { port: 'tree', tree: order.order.tree.id, method: 'entry', args: ['x'] };
            parentPort.postMessage({ type: 'ask', call: 1, ask });
          }
          if (message.type !== 'answer') return;
          if (message.value === undefined) process.exit(3);
          const heads = [{ ok: false, problems: [] }];
          parentPort.postMessage({ type: 'done', id: order.id, value: { results: [0], heads }, stats: {} });
        });`),
    });
    const { results } = await renderer.renderAll({ source, clusters: [clusterOf('one')], tree });
    expect(results).toEqual([{ ok: false, problems: [] }]);
    expect(asked).toEqual(['x', 'x']);
  });

  it('gives up on what kills two threads, and says so', async () => {
    const renderer = open({ threadUrl: threadUrl(`parentPort.on('message', () => process.exit(3));`) });
    const request = { source, clusters, tree: createMemoryTree(files) };
    await expect(renderer.renderAll(request)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('stopped twice'),
    });
  });

  it('says that memory is short when that is what the thread died of', async () => {
    const code = `parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e5).fill({})); });`;
    const renderer = open({ threadUrl: threadUrl(code), heapMbMax: 16 });
    const request = { source, clusters, tree: createMemoryTree(files) };
    const { results } = await renderer.renderAll(request);
    expect(results).toHaveLength(clusters.length);
    for (const result of results)
      expect(result).toMatchObject({ ok: false, problems: [{ code: 'resource_exhausted', file: '' }] });
  });

  it('makes what kills two threads at work a Problem of that order, and of none beside it', async () => {
    const code = `
      parentPort.on('message', (message) => {
        if (message.type !== 'order') return;
        const { id, order } = message;
        parentPort.postMessage({ type: 'pong' });
        parentPort.postMessage({ type: 'drop', call: 0 });
        if (order.source.path === 'bad') setImmediate(() => process.exit(3));
        else setTimeout(() => {
          const heads = [{ ok: false, problems: [] }];
          parentPort.postMessage({ type: 'done', id, value: { results: [0], heads }, stats: {} });
        }, 20);
      });`;
    const renderer = open({ threadUrl: threadUrl(code) });
    const order = (path: string) =>
      renderer.renderAll({
        source: { ...source, path },
        clusters: [clusterOf('one')],
        tree: createMemoryTree({}),
      });
    const batches = await Promise.all(['bad', 'good', 'bad', 'good'].map(order));
    expect(batches.map(({ results: [result] }) => result?.ok === false && result.problems.length)).toEqual([
      ...[1, 0, 1, 0],
    ]);
  });

  it('ends a thread that is caught in its work, and says so', async () => {
    const code = `
      parentPort.on('message', (message) => {
        if (message.type !== 'order') return;
        parentPort.postMessage({ type: 'drop', call: 0 });
        for (;;);
      });`;
    const renderer = open({ threadUrl: threadUrl(code), silenceMsMax: 120_000 });
    const rendering = renderer.renderAll({ source, clusters, tree: createMemoryTree(files) });
    let over = false;
    const ended = rendering.finally(() => {
      over = true;
    });
    while (!over) {
      for (const callback of [...due]) {
        due.delete(callback);
        callback();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { results } = await ended;
    expect(results[0]).toMatchObject({
      ok: false,
      problems: [{ code: 'resource_exhausted', message: expect.stringContaining('120 s') }],
    });
  });

  it('lets a thread live that answers, however long its work takes', async () => {
    const { promise: reading, resolve: read } = Promise.withResolvers<void>();
    const { promise: go, resolve: goOn } = Promise.withResolvers<void>();
    const memory = createMemoryTree(files);
    const slow: TreeReader = {
      ...memory,
      async read(path) {
        read();
        await go;
        return memory.read(path);
      },
    };
    const renderer = open();
    const rendering = renderer.renderAll({ source, clusters, tree: slow });
    await reading;
    for (let look = 0; look < 10; look += 1) {
      for (const callback of [...due]) {
        due.delete(callback);
        callback();
      }
      // What is asked after a sign of life comes after it.
      await renderer.renderAll({ source, clusters, tree: createMemoryTree(files, `${look}`) });
    }
    goOn();
    const { results } = await rendering;
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false, true]);
    expect(renderer.stats().renders).toBe(11 * clusters.length);
  });

  it('gives up at once what waits for a new thread, when nobody wants it or it is closed', async () => {
    const waits: (() => void)[] = [];
    const code = `parentPort.on('message', () => process.exit(3));`;
    const renderer = createWorkerRenderer({
      ...{ digestKey, random: createSeededRandom(1), log: silentLogger, threadUrl: threadUrl(code) },
      clock: {
        ...createFakeClock(),
        after(delayMs, callback) {
          if (delayMs < 20_000) waits.push(callback);
          return () => undefined;
        },
      },
    });
    opened = renderer;
    const abort = new AbortController();
    const request = { source, clusters, tree: createMemoryTree(files) };
    const rendering = renderer.renderAll(request, abort.signal);
    while (waits.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error('a newer revision');
    const refused = expect(rendering).rejects.toBe(reason);
    abort.abort(reason);
    await refused;
    const other = expect(renderer.renderAll(request)).rejects.toMatchObject({ code: 'unavailable' });
    while (waits.length === 1) await new Promise((resolve) => setImmediate(resolve));
    await renderer.close();
    await other;
  });

  it('hands on what the tree throws', async () => {
    const tree = { ...createMemoryTree(files), entry: () => Promise.reject(new Error('disk')) };
    await expect(open().renderAll({ source, clusters, tree })).rejects.toMatchObject({ code: 'internal' });
  });

  it('lets go at once of what nobody wants any more, and goes on with the next', async () => {
    const renderer = open();
    const abort = new AbortController();
    const { promise: reading, resolve: read } = Promise.withResolvers<void>();
    const stuck: TreeReader = {
      ...createMemoryTree(files),
      read: () => {
        read();
        return new Promise(() => undefined);
      },
    };
    const rendering = renderer.renderAll({ source, clusters, tree: stuck }, abort.signal);
    await reading;
    const reason = new Error('a newer revision');
    abort.abort(reason);
    await expect(rendering).rejects.toBe(reason);
    const { results } = await renderer.renderAll({ source, clusters, tree: createMemoryTree(files) });
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false, true]);
  });

  it('ends the run of helm that nobody wants any more', async () => {
    const { promise: running, resolve: run } = Promise.withResolvers<AbortSignal | undefined>();
    const helm: HelmRunner = {
      version: async () => 'v4',
      template: (_request, signal) => {
        run(signal);
        return new Promise(() => undefined);
      },
    };
    const chart = {
      ...{ chart: 'chart', pin: undefined, releaseName: 'a', namespace: 'a', values: {} },
      ...{ valueFiles: [], includeCrds: false },
    };
    const tree = createMemoryTree({
      'chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
      'chart/templates/a.yaml': 'a: 1\n',
    });
    const abort = new AbortController();
    const request = { source: { ...source, overlays: [], helm: chart }, clusters, tree };
    const rendering = open({ helm }).renderAll(request, abort.signal);
    const signal = await running;
    const ended = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    const reason = new Error('a newer revision');
    abort.abort(reason);
    await expect(rendering).rejects.toBe(reason);
    await ended;
    expect(signal?.aborted).toBe(true);
  });

  it('refuses all work once it is closed, also what was under way', async () => {
    const renderer = open();
    const { promise: reading, resolve: read } = Promise.withResolvers<void>();
    const stuck: TreeReader = {
      ...createMemoryTree(files),
      read: () => {
        read();
        return new Promise(() => undefined);
      },
    };
    const rendering = renderer.renderAll({ source, clusters, tree: stuck });
    const refused = expect(rendering).rejects.toMatchObject({ code: 'unavailable' });
    await reading;
    await renderer.close();
    await refused;
    await expect(renderer.renderAll({ source, clusters, tree: stuck })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

/** The thread that renders. It has no file, network or clock of its own: what it needs it asks of the hub's thread. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { FairwayError } from '../../../shared/error/error.ts';
import { packError, unpackError } from '../../../shared/error/posted-error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RenderMemory } from '../../model/render-memory.ts';
import type { RenderedObject, RenderedSet } from '../../model/rendered.ts';
import type { TreeReader } from '../../model/tree.ts';
import type { ChartArchives, HelmRunner } from '../helm/helm-runner.ts';
import { Lru } from '../lru.ts';
import { createRenderer, type RenderResult } from '../renderer.ts';
import type {
  HubMessage,
  PortCall,
  RenderedHeads,
  RenderOrder,
  ResultHead,
  ThreadInput,
  ThreadMessage,
  ThreadOrder,
  TraceOrder,
  TreeHandle,
} from './messages.ts';

/** Trees whose sessions are remembered between orders. */
const treesMax = 32;
/** So long others wait for their turn at most: an order that is cancelled should end soon. */
const turnMs = 10;

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions to the hub's side. */
function createAsker(post: (message: ThreadMessage) => void) {
  const waiters = new Map<number, Waiter>();
  let lastCall = 0;
  const settle = (call: number, act: (waiter: Waiter) => void) => {
    const waiter = waiters.get(call);
    waiters.delete(call);
    if (waiter !== undefined) act(waiter);
  };
  return {
    /** @param signal ends the wait at once, and the work on the other side. */
    async ask<T>(ask: PortCall, signal?: AbortSignal): Promise<T> {
      signal?.throwIfAborted();
      lastCall += 1;
      const call = lastCall;
      const onAbort = () => {
        settle(call, ({ reject }) => reject(signal?.reason));
        post({ type: 'drop', call });
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await new Promise<T>((resolve, reject) => {
          waiters.set(call, { resolve: resolve as Waiter['resolve'], reject });
          post({ type: 'ask', call, ask });
        });
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    },
    answer: (call: number, value: unknown) => settle(call, ({ resolve }) => resolve(value)),
    refuse: (call: number, error: Error) => settle(call, ({ reject }) => reject(error)),
  };
}

type Ask = ReturnType<typeof createAsker>['ask'];

function createTree({ id, name, commit, mounts }: TreeHandle, ask: Ask): TreeReader {
  const of = (method: string, ...args: readonly unknown[]): PortCall => ({
    port: 'tree',
    tree: id,
    method,
    args,
  });
  return {
    ...{ name, commit },
    entry: (path) => ask(of('entry', path)),
    list: (path) => ask(of('list', path)),
    read: (path) => ask(of('read', path)),
    ...(mounts ? { mount: (remote, signal) => ask<void>(of('mount', remote), signal) } : {}),
  };
}

function createHelm(ask: Ask): HelmRunner {
  const of = (method: string, ...args: readonly unknown[]): PortCall => ({ port: 'helm', method, args });
  return {
    version: (signal) => ask(of('version'), signal),
    template: (request, signal) => ask(of('template', request), signal),
  };
}

function createCharts(ask: Ask): ChartArchives {
  return { open: (chart, signal) => ask({ port: 'charts', method: 'open', args: [chart] }, signal) };
}

function createMemory(ask: Ask): RenderMemory {
  const of = (method: string, keys: readonly unknown[]): PortCall => ({
    port: 'memory',
    method,
    args: [keys],
  });
  return {
    roots: (keys) => ask(of('roots', keys)),
    results: (keys) => ask(of('results', keys)),
    refresh: (sets) => ask(of('refresh', sets)),
  };
}

interface OpenOrder {
  readonly abort: AbortController;
  readonly sets: Map<Digest, RenderedSet>;
  /** Of all sets; made when first asked for. */
  objects: Map<Digest, RenderedObject> | undefined;
}

function serve(port: MessagePort, input: ThreadInput): void {
  const post = (message: ThreadMessage) => port.postMessage(message);
  const asker = createAsker(post);
  const trees = new Lru<TreeReader>(treesMax);
  const orders = new Map<number, OpenOrder>();
  let turnAtMs = performance.now();
  const renderer = createRenderer({
    ...{ digestKey: input.digestKey, limits: input.limits, kustomize: input.kustomize },
    helm: input.helm ? createHelm(asker.ask) : undefined,
    charts: input.charts ? createCharts(asker.ask) : undefined,
    memory: input.engine === undefined ? undefined : { port: createMemory(asker.ask), engine: input.engine },
    turn() {
      if (performance.now() - turnAtMs < turnMs) return undefined;
      return new Promise((resolve) => {
        setImmediate(() => {
          turnAtMs = performance.now();
          resolve();
        });
      });
    },
  });

  const treeOf = (handle: TreeHandle): TreeReader => {
    const tree = trees.get(String(handle.id)) ?? createTree(handle, asker.ask);
    trees.set(String(handle.id), tree);
    return tree;
  };

  const render = async (order: RenderOrder, open: OpenOrder): Promise<RenderedHeads> => {
    const { source, clusters, memory } = order;
    const request = { source, clusters, tree: treeOf(order.tree), memory };
    const { results, records, work } = await renderer.renderAll(request, open.abort.signal);
    const indices = new Map<RenderResult, number>();
    const heads: ResultHead[] = [];
    const places = results.map((result) => {
      const known = indices.get(result);
      if (known !== undefined) return known;
      indices.set(result, heads.length);
      heads.push(headOf(result));
      if (result.ok) open.sets.set(result.rendered.set.digest, result.rendered);
      return heads.length - 1;
    });
    return { results: places, heads, records, work: { ...work } };
  };

  const trace = ({ source, cluster, tree, selector }: TraceOrder, { abort }: OpenOrder) =>
    renderer.trace({ source, cluster, tree: treeOf(tree) }, selector, abort.signal);

  const take = async (id: number, order: ThreadOrder): Promise<void> => {
    const open: OpenOrder = { abort: new AbortController(), sets: new Map(), objects: undefined };
    orders.set(id, open);
    try {
      const value = order.kind === 'render' ? await render(order, open) : await trace(order, open);
      post({ type: 'done', id, value, stats: renderer.stats() });
    } catch (caught) {
      orders.delete(id);
      post({ type: 'failed', id, error: packError(caught), stats: renderer.stats() });
    }
  };

  port.on('message', (message: HubMessage) => {
    if (message.type === 'order') void take(message.id, message.order);
    else if (message.type === 'ping') post({ type: 'pong' });
    else if (message.type === 'answer') asker.answer(message.call, message.value);
    else if (message.type === 'refused') asker.refuse(message.call, unpackError(message.error));
    else if (message.type === 'release') {
      orders.get(message.id)?.abort.abort();
      orders.delete(message.id);
    } else {
      const { call, digests } = message;
      const open = orders.get(message.id);
      if (message.type === 'sets')
        post({ type: 'sets', call, sets: digests.flatMap((digest) => open?.sets.get(digest)?.set ?? []) });
      else post({ type: 'objects', call, objects: open === undefined ? [] : findObjects(digests, open) });
    }
  });
}

function headOf(result: RenderResult): ResultHead {
  if (!result.ok) return { ok: false, problems: result.problems };
  const { set, builtFrom, stored = false } = result.rendered;
  return { ok: true, set: set.digest, builtFrom, stored };
}

function findObjects(digests: readonly Digest[], open: OpenOrder): readonly RenderedObject[] {
  open.objects ??= new Map([...open.sets.values()].flatMap(({ objects }) => [...objects]));
  const known = open.objects;
  return digests.flatMap((digest) => {
    const found = known.get(digest);
    // What is posted is plain: a getter would not go along.
    return found === undefined ? [] : { digest, content: found.content, secret: found.secret };
  });
}

if (parentPort === null) throw new FairwayError('internal', 'this file runs as a worker thread only');
serve(parentPort, workerData as ThreadInput);

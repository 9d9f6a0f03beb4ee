import { FairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { RenderMemory, RenderResultKey } from '../../model/render-memory.ts';
import type { RenderedSet } from '../../model/rendered.ts';
import type { RemoteRef, TreeReader } from '../../model/tree.ts';
import type { ChartArchives, HelmRequest, HelmRunner } from '../helm/helm-runner.ts';
import type { PortCall, TreeHandle } from './messages.ts';

export interface PortsOptions {
  readonly helm: HelmRunner | undefined;
  readonly charts: ChartArchives | undefined;
  readonly memory: RenderMemory | undefined;
  /** A set that is remembered on this side. */
  readonly find: (digest: Digest) => RenderedSet | undefined;
}

interface Held {
  readonly tree: TreeReader;
  users: number;
}

type Method = (signal: AbortSignal, ...args: never[]) => Promise<unknown>;

/** The hub's side of what the thread asks for. Only the methods named here can be called. */
export function createPorts({ helm, charts, memory, find }: PortsOptions) {
  const ids = new WeakMap<TreeReader, number>();
  const held = new Map<number, Held>();
  /** Given out by the store while something is rendered. */
  const stored = new Map<Digest, RenderedSet>();
  let lastId = 0;

  const treeOf = ({ tree: id = 0 }: PortCall): Readonly<Record<string, Method>> => {
    const tree = held.get(id)?.tree;
    if (tree === undefined) throw new FairwayError('cancelled', 'the tree is no longer rendered');
    return {
      entry: (_signal, path: string) => tree.entry(path),
      list: (_signal, path: string) => tree.list(path),
      read: (_signal, path: string) => tree.read(path),
      ...(tree.mount === undefined
        ? {}
        : { mount: async (signal, remote: RemoteRef) => tree.mount?.(remote, signal) }),
    };
  };

  /** The sets stay on this side: the thread needs their digests alone. */
  const results = async (keys: readonly RenderResultKey[]) => {
    const found = (await memory?.results(keys)) ?? [];
    return found.map(({ set, builtFrom, ...key }) => {
      stored.set(set.digest, { set, objects: new Map(), builtFrom, stored: true });
      return { ...key, builtFrom, set: { digest: set.digest, entries: [] } };
    });
  };

  /** One that this side has let go is fetched from the store once more. */
  const refresh = async (digests: readonly Digest[]): Promise<readonly Digest[]> => {
    const atHand = new Map(
      digests.flatMap((digest) => {
        const set = find(digest);
        return set === undefined ? [] : [[digest, set] as const];
      }),
    );
    const fresh = (await memory?.refresh([...atHand.keys()])) ?? [];
    for (const digest of fresh) {
      const set = atHand.get(digest);
      if (set !== undefined) stored.set(digest, set);
    }
    return fresh;
  };

  const others: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
    helm: {
      version: async (signal) => helm?.version(signal),
      template: async (signal, request: HelmRequest) => helm?.template(request, signal),
    },
    charts: {
      open: async (signal, chart: Parameters<ChartArchives['open']>[0]) => charts?.open(chart, signal),
    },
    memory: {
      roots: async (_signal, keys: readonly Digest[]) => memory?.roots(keys),
      results: (_signal, keys: readonly RenderResultKey[]) => results(keys),
      refresh: (_signal, digests: readonly Digest[]) => refresh(digests),
    },
  };

  return {
    async answer(call: PortCall, signal: AbortSignal): Promise<unknown> {
      const methods = call.port === 'tree' ? treeOf(call) : others[call.port];
      const method = methods && Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
      if (method === undefined)
        throw new FairwayError('internal', 'the renderer asks for what there is not', {
          subject: `${call.port}.${call.method}`,
        });
      return method(signal, ...(call.args as never[]));
    },
    /** Keeps the tree readable for the thread, until it is let go as often. */
    hold(tree: TreeReader): TreeHandle {
      let id = ids.get(tree);
      if (id === undefined) {
        lastId += 1;
        id = lastId;
        ids.set(tree, id);
      }
      const before = held.get(id);
      if (before === undefined) held.set(id, { tree, users: 1 });
      else before.users += 1;
      return { id, name: tree.name, commit: tree.commit, mounts: tree.mount !== undefined };
    },
    letGo({ id }: TreeHandle): void {
      const entry = held.get(id);
      if (entry === undefined) return;
      entry.users -= 1;
      if (entry.users === 0) held.delete(id);
      if (held.size === 0) stored.clear();
    },
    stored,
  };
}

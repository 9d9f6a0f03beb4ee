import { isJsonObject, type Json, type JsonObject } from '../../shared/manifest/object.ts';
import { mayRun } from './may-run.ts';

/** cpuMillis, memoryBytes, pods, how many there are of that size, and what else an agent says of them: labels and taints, or selector, affinity and tolerations. */
export type Size = readonly [number, number, number, number, JsonObject?];

/** Nodes looked at, as many as a cluster may have: https://kubernetes.io/docs/setup/best-practices/cluster-large/. However many pods there are of a sort, they take one step a node. */
export const nodesMax = 5_000;
/** Sorts of either: each of the one is held against each of the other. Agents tell no more. */
export const sizesMax = 500;

/** Undefined: it is no list of sizes, as of an agent that does not tell them. */
export function parseSizes(value: Json | undefined): readonly Size[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const list = value as readonly Json[];
  return list.every(isSize) ? (list as unknown as readonly Size[]) : undefined;
}

function isSize(value: Json): boolean {
  if (!Array.isArray(value)) return false;
  const [cpu, memory, pods, count, traits] = value as readonly Json[];
  const sized = [cpu, memory, pods, count].every(
    (part) => typeof part === 'number' && part >= 0 && part <= Number.MAX_SAFE_INTEGER,
  );
  return sized && (traits === undefined || isJsonObject(traits));
}

export interface Unplaced {
  readonly pods: number;
  /** Of them, those that are let on no node at all. */
  readonly refused: number;
}

/**
 * How many pods find no node: those that few nodes let in first, then the largest, each on the first node that has room and takes it, by node selector, required node affinity and taints; about what
 * a scheduler that is not told to pack would do. Affinity between pods, spreading and volumes are not looked at. Undefined: more than is looked at. Pure.
 */
export function countUnplaced(nodes: readonly Size[], pods: readonly Size[]): Unplaced | undefined {
  const count = (sizes: readonly Size[]) => sizes.reduce((sum, [, , , many]) => sum + many, 0);
  if (nodes.length > sizesMax || pods.length > sizesMax) return undefined;
  if (count(nodes) > nodesMax) return undefined;
  const sorts = nodes.map(([, , , , traits = {}]) => traits);
  const rooms = nodes.flatMap(([cpu, memory, slots, many], sort) =>
    Array.from({ length: many }, () => ({ cpu, memory, slots, sort })),
  );
  const [cpuOfAll, memoryOfAll] = [sumOf(nodes, 0), sumOf(nodes, 1)];
  const share = ([cpu, memory]: Size) => Math.max(cpu / (cpuOfAll || 1), memory / (memoryOfAll || 1));
  const allowed = new Map(
    pods.map((pod) => [pod, new Set(sorts.flatMap((node, at) => (mayRun(pod[4] ?? {}, node) ? [at] : [])))]),
  );
  const choice = (pod: Size) => allowed.get(pod)?.size ?? 0;
  const result = { pods: 0, refused: 0 };
  for (const pod of [...pods].sort((a, b) => choice(a) - choice(b) || share(b) - share(a))) {
    const [cpu, memory, slots, many] = pod;
    let left = many;
    for (const room of rooms) {
      if (left === 0) break;
      if (!allowed.get(pod)?.has(room.sort)) continue;
      const fit = Math.min(left, times(room.cpu, cpu), times(room.memory, memory), times(room.slots, slots));
      room.cpu -= fit * cpu;
      room.memory -= fit * memory;
      room.slots -= fit * slots;
      left -= fit;
    }
    result.pods += left;
    if (choice(pod) === 0) result.refused += left;
  }
  return result;
}

function times(given: number, asked: number): number {
  return asked === 0 ? Number.POSITIVE_INFINITY : Math.floor(given / asked);
}

function sumOf(sizes: readonly Size[], part: 0 | 1): number {
  return sizes.reduce((sum, size) => sum + size[part] * size[3], 0);
}

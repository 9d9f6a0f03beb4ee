import type { Json } from '../../shared/manifest/object.ts';

/** cpuMillis, memoryBytes, pods, and how many there are of that size. */
export type Size = readonly [number, number, number, number];

/** Nodes and pods looked at; an agent may say anything. */
const nodesMax = 1_000;
const podsMax = 20_000;

/** Undefined: it is no list of sizes, as of an agent that does not tell them. */
export function parseSizes(value: Json | undefined): readonly Size[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const sizes = (value as readonly Json[]).filter(
    (one): one is Json & Size =>
      Array.isArray(one) && one.length === 4 && one.every((part) => typeof part === 'number' && part >= 0),
  );
  return sizes.length === value.length ? (sizes as readonly Size[]) : undefined;
}

/**
 * How many pods find no node, the largest first, each on the first node that has room: what a scheduler that is not told to pack would do about as well. Taints, selectors,
 * affinity and volumes are not looked at. Undefined: more than is looked at. Pure.
 */
export function countUnplaced(nodes: readonly Size[], pods: readonly Size[]): number | undefined {
  const count = (sizes: readonly Size[]) => sizes.reduce((sum, [, , , many]) => sum + many, 0);
  if (count(nodes) > nodesMax || count(pods) > podsMax) return undefined;
  const rooms = nodes.flatMap(([cpu, memory, slots, many]) =>
    Array.from({ length: many }, () => ({ cpu, memory, slots })),
  );
  const [cpuOfAll, memoryOfAll] = [sumOf(nodes, 0), sumOf(nodes, 1)];
  const share = ([cpu, memory]: Size) => Math.max(cpu / (cpuOfAll || 1), memory / (memoryOfAll || 1));
  let unplaced = 0;
  for (const pod of [...pods].sort((a, b) => share(b) - share(a))) {
    const [cpu, memory, slots, many] = pod;
    let left = many;
    for (const room of rooms) {
      if (left === 0) break;
      const fit = Math.min(left, times(room.cpu, cpu), times(room.memory, memory), times(room.slots, slots));
      room.cpu -= fit * cpu;
      room.memory -= fit * memory;
      room.slots -= fit * slots;
      left -= fit;
    }
    unplaced += left;
  }
  return unplaced;
}

function times(given: number, asked: number): number {
  return asked === 0 ? Number.POSITIVE_INFINITY : Math.floor(given / asked);
}

function sumOf(sizes: readonly Size[], part: 0 | 1): number {
  return sizes.reduce((sum, size) => sum + size[part] * size[3], 0);
}

import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import type { Room } from './node-room.ts';

/** So many of one size and sort. */
export interface Sized {
  readonly room: Room;
  readonly traits: JsonObject;
  readonly count: number;
}

/** Sizes told of nodes and of pods: hubs look at no more. */
export const sizesMax = 500;

/** Where there are too many sizes they are rounded, ever more coarsely: thousandths of a CPU, bytes and pods that a step is at first, and how often it is doubled at most. */
const firstStep = { cpuMillis: 10, memoryBytes: 16 * 2 ** 20, pods: 1 };
const doublingsMax = 12;

type Rounding = 'up' | 'down';

function roundRoom(room: Room, factor: number, rounding: Rounding): Room {
  const to = (amount: number, step: number) =>
    (rounding === 'up' ? Math.ceil(amount / step) : Math.floor(amount / step)) * step;
  return {
    ...room,
    cpuMillis: to(room.cpuMillis, firstStep.cpuMillis * factor),
    memoryBytes: to(room.memoryBytes, firstStep.memoryBytes * factor),
    // That of a pod is one.
    pods: rounding === 'up' ? room.pods : to(room.pods, firstStep.pods * factor),
  };
}

/** With its traits as text, which is made once however often it is rounded. */
type Named = readonly [traits: string, sized: Sized];

function group(all: readonly Named[]): readonly Named[] {
  const found = new Map<string, Named>();
  for (const [traits, one] of all) {
    const { cpuMillis, memoryBytes, pods } = one.room;
    const id = `${cpuMillis} ${memoryBytes} ${pods} ${traits}`;
    const before = found.get(id)?.[1];
    found.set(id, [traits, before ? { ...before, count: before.count + one.count } : one]);
  }
  return [...found.values()];
}

/**
 * `[cpuMillis, memoryBytes, pods, how many are of that size, what else there is to say of them]`, the largest first. More than 500 are rounded until they are fewer, what is asked for up and what is
 * there down, so that nothing is said to fit that does not; where their sorts alone are more, all are told, and it is for the hub to say that it does not look at so many.
 * @param rounding up: of pods; down: of nodes.
 */
export function sizesOf(all: readonly Sized[], rounding: Rounding): readonly Json[] {
  let sizes = group(all.map((one) => [canonicalJson(one.traits), one]));
  for (let doubled = 0; sizes.length > sizesMax && doubled < doublingsMax; doubled += 1)
    // Each step is twice the one before: what was rounded by that comes out as it would have otherwise.
    sizes = group(
      sizes.map(([traits, one]) => [traits, { ...one, room: roundRoom(one.room, 2 ** doubled, rounding) }]),
    );
  return [...sizes]
    .sort(
      ([left, { room: a }], [right, { room: b }]) =>
        b.cpuMillis - a.cpuMillis ||
        b.memoryBytes - a.memoryBytes ||
        b.pods - a.pods ||
        (left < right ? -1 : 1),
    )
    .slice(0, sizesMax + 1)
    .map(([, { room, traits, count }]) => {
      const size = [room.cpuMillis, room.memoryBytes, room.pods, count];
      return Object.keys(traits).length > 0 ? [...size, traits] : size;
    });
}

/** Fencing on the wire: what an agent is told, and what it says. Nothing in it is trusted: lists are cut, and texts. */
import {
  FenceRuleSchema,
  type FenceState,
  FenceStateSchema,
  type FenceContact as WireContact,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { FenceOrder, FencePromise } from '../../shared/manifest/fencing.ts';
import { encode, numberFromWire } from '../../shared/stream/wire-base.ts';

const promisesMax = 100;
const namesMax = 10_000;
const leftMax = 20;
const textMax = 512;

export function fenceOrderToWire({ rules, withheld }: FenceOrder): FenceState {
  return encode(FenceStateSchema, {
    rules: rules.map(({ group, afterMs, applications }) =>
      encode(FenceRuleSchema, {
        ...{ group, applications: [...applications] },
        afterMs: BigInt(Math.round(afterMs)),
      }),
    ),
    withheld: [...withheld],
  });
}

const names = (all: readonly string[]) => all.slice(0, namesMax).map((name) => name.slice(0, textMax));

/** Bounded: what an agent says is not trusted to be short. */
export function promisesFromWire({ promises }: WireContact): readonly FencePromise[] {
  return promises
    .slice(0, promisesMax)
    .map(({ group, afterMs, stopWithinMs, applications, fenced, left }) => ({
      group: group.slice(0, textMax),
      afterMs: numberFromWire(afterMs),
      applications: names(applications),
      fenced: names(fenced),
      left: names(left).slice(0, leftMax),
      stopWithinMs: numberFromWire(stopWithinMs),
    }));
}

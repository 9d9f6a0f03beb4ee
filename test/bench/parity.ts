/**
 * What comparing a standby with its primary costs the hub: everything once, where no two objects are equal as text; one changed object; many groups at once. Processor
 * time is of all threads, the store's among them. `first` is of a process that has compared nothing yet, as after a start of the hub; `full` of one that has. Agents
 * are away: what they say of their clusters besides, and live contents that are asked for, are in no figure.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { batchToWire } from '../../agent/stream/wire.ts';
import type { ParityDriver } from '../../hub/loops/parity/parity-loop.ts';
import type { ObjectObservation } from '../../hub/model/observation.ts';
import { AgentService } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { createParityBed, groupOf, type ParityBed, standbyOf } from './kit/parity-bed.ts';
import { type Bench, percentile, result } from './result.ts';

const bench_ = 'parity';
const changes = 21;

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly worstDelayMs: number;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
  await work();
  const [ms, { user, system }] = [performance.now() - startedMs, process.cpuUsage(cpu)];
  delay.disable();
  return { ms, cpuMs: (user + system) / 1_000, worstDelayMs: delay.max / 1e6 };
}

/** Compares everything, and sees that it did. */
async function compareAll(bed: ParityBed, groups: number, objects: number): Promise<[ParityDriver, Cost]> {
  const parity = bed.start();
  const cost = await costOf(async () => {
    while (parity.groups().length < groups) await bed.settle(parity);
  });
  const [pair] = parity.group(groupOf(groups - 1))?.state.report.pairs ?? [];
  if (pair?.objects !== objects || !pair.whole)
    throw new Error(`parity is not what it should be: ${JSON.stringify(pair)}`);
  return [parity, cost];
}

const driftOf = (at: number): Drift => ({
  fields: [{ path: '/spec/replicas', desired: '2', live: `${at + 3}` }],
  managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: 1 }],
  ...{ kind: 'changed', foundAtMs: 1 },
});

/** The agent's report of it; the question of the hub's own pass is nothing. */
function wireBytesOf(row: ObjectObservation): number {
  const { cluster: _cluster, ...object } = row;
  const batch = { applications: [], objects: [object], gone: [], events: [] };
  return toMethodDefinition(AgentService.method.report).requestSerialize(batchToWire(1, batch)).length;
}

/** One object after the other is changed by hand; the median of what the hub does for each. */
async function changeSome(bed: ParityBed, parity: ParityDriver): Promise<{ cpuMs: number; bytes: number }> {
  const [found, bytes]: [number[], number[]] = [[], []];
  for (let at = 0; at < changes; at += 1) {
    const { cpuMs } = await costOf(async () => {
      const part = { syncStatus: 'Drifted', drift: driftOf(at), liveDigest: 'f'.repeat(64) } as const;
      bytes.push(wireBytesOf(await bed.report(standbyOf(0), at, part)));
      await bed.settle(parity);
    });
    found.push(cpuMs);
    const seen = parity.differences(groupOf(0)).length;
    if (seen !== at + 1) throw new Error(`${at + 1} objects were changed, and ${seen} differences are told`);
  }
  return { cpuMs: percentile(found, 0.5), bytes: percentile(bytes, 1) };
}

export const bench: Bench = async ({ say, quick }) => {
  const objects = quick ? 500 : 5_000;
  const groups = quick ? 20 : 200;
  const one = await createParityBed(1, objects);
  const [cold, first] = await compareAll(one, 1, objects);
  await cold.stop();
  const [parity, full] = await compareAll(one, 1, objects);
  say(
    `${objects} objects: first ${first.ms.toFixed(0)} ms, then ${full.ms.toFixed(0)} ms, of it CPU ${full.cpuMs.toFixed(0)} ms`,
  );
  const change = await changeSome(one, parity);
  await parity.stop();
  await one.close();
  const many = await createParityBed(groups, 20);
  const [all, together] = await compareAll(many, groups, 20);
  await all.stop();
  await many.close();
  return [
    result(bench_, 'first_5000_ms', first.ms, 'ms', 'limit', 1_000),
    result(bench_, 'first_5000_cpu_ms', first.cpuMs, 'ms', 'limit', 1_000),
    result(bench_, 'full_5000_ms', full.ms, 'ms', 'limit', 1_000),
    result(bench_, 'full_5000_cpu_ms', full.cpuMs, 'ms', 'limit', 1_000),
    result(bench_, 'full_5000_loop_delay_worst', full.worstDelayMs, 'ms', 'limit', 50),
    result(bench_, 'one_change_cpu_ms', change.cpuMs, 'ms', 'limit', 5),
    result(bench_, 'one_change_wire_bytes', change.bytes, 'bytes', 'limit', 4_096),
    result(bench_, 'groups_200_ms', together.ms, 'ms', 'limit', 1_000),
    result(bench_, 'groups_200_cpu_ms', together.cpuMs, 'ms', 'limit', 1_000),
  ];
};

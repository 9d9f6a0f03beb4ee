import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import type { ParityView } from '../../api/ports.ts';
import type { Failover } from '../../model/failover.ts';
import type { ParityGroup, ParityState } from '../../model/parity.ts';
import { assessObjective } from '../../parity/assess-objective.ts';
import { registerFailoverMetrics, registerParityMetrics } from './parity-metrics.ts';

const nowMs = 90 * 86_400_000;
/** Broken for so long, until now. */
const view = (name: string, brokenMs: number | undefined): ParityView => ({
  group: { name } as ParityGroup,
  state: { report: { verdict: 'Degraded' } } as ParityState,
  objective:
    brokenMs === undefined
      ? undefined
      : assessObjective(
          [
            { atMs: 0, whole: true },
            { atMs: nowMs - brokenMs, whole: false },
          ],
          nowMs,
        ),
});

function metricsOf(views: readonly ParityView[]): Promise<readonly string[]> {
  const registry = new Registry();
  registerParityMetrics(registry, { groups: () => views });
  return linesOf(registry);
}

async function linesOf(registry: Registry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('registerParityMetrics', () => {
  it('has the figures of each group, and one for an alert over all', async () => {
    const metrics = await metricsOf([view('calm', 0), view('broken', 3_600_000), view('new', undefined)]);
    expect(metrics).toEqual([
      'fairway_parity_groups{verdict="Degraded"} 3',
      'fairway_parity_objectives_missed 1',
      expect.stringMatching(/^fairway_parity_burn_max (?:1000|999\.9\d+|1000\.0\d+)$/),
      expect.stringMatching(/^fairway_parity_objective_spent\{group="broken"\} 1\.38\d+$/),
      'fairway_parity_objective_spent{group="calm"} 0',
      expect.stringMatching(/^fairway_parity_burn\{group="broken",span="1h"\}/),
      expect.stringMatching(/^fairway_parity_burn\{group="broken",span="6h"\}/),
      expect.stringMatching(/^fairway_parity_burn\{group="broken",span="3d"\}/),
      ...['1h', '6h', '3d'].map((span) => `fairway_parity_burn{group="calm",span="${span}"} 0`),
    ]);
  });

  it('does not grow beyond the hundred groups that spent most', async () => {
    const views = Array.from({ length: 150 }, (_, at) => view(`g${at}`, at * 1_000));
    const spent = (await metricsOf(views)).filter((line) =>
      line.startsWith('fairway_parity_objective_spent'),
    );
    expect(spent).toHaveLength(100);
    expect(spent[0]).toContain('"g149"');
  });
});

describe('registerFailoverMetrics', () => {
  it('counts what is under way, and the time that overrides have left', async () => {
    const clock = createFakeClock();
    const override = { untilMs: clock.now() + 90_000, signature: 's', ended: undefined };
    const open = [
      { group: 'eu', kind: 'failover', override },
      { group: 'us', kind: 'drill', override: { ...override, ended: 'drilled' } },
    ] as unknown as readonly Failover[];
    const registry = new Registry();
    let failovers = open;
    registerFailoverMetrics(registry, { open: async () => failovers }, clock);
    expect(await linesOf(registry)).toEqual([
      'fairway_failovers_open{kind="failover"} 1',
      'fairway_failovers_open{kind="back"} 0',
      'fairway_failovers_open{kind="drill"} 1',
      'fairway_role_override_ends_seconds{group="eu"} 90',
    ]);
    failovers = [];
    expect((await linesOf(registry)).filter((line) => !line.endsWith(' 0'))).toEqual([]);
  });
});

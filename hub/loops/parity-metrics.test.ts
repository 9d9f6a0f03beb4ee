import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { ParityGroup, ParityState } from '../model/parity.ts';
import { assessObjective } from '../parity/assess-objective.ts';
import type { ParityView } from './parity-loop.ts';
import { registerParityMetrics } from './parity-metrics.ts';

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

async function metricsOf(views: readonly ParityView[]): Promise<readonly string[]> {
  const registry = new Registry();
  registerParityMetrics(registry, { groups: () => views });
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

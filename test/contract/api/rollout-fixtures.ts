/** The history of one rollout, as the hub would have kept it. */
import type { RolloutHistoryPort } from '../../../hub/api/ports.ts';
import type {
  ClusterRecord,
  KeptTimelineEntry,
  RolloutRecord,
  WaveRecord,
} from '../../../hub/model/rollout-history.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { startMs } from './fixtures.ts';

const wave = (name: string, part: Partial<WaveRecord>): WaveRecord => ({
  ...{ name, clusters: 1, healthy: 1, failed: 0, excluded: 0, rolledBack: 0, untouched: 0 },
  ...{ startedAtMs: startMs - 600_000, settledAtMs: startMs - 560_000, endedAtMs: startMs - 500_000 },
  ...{ approvedBefore: undefined, approvedAfter: undefined, promoted: undefined, analyses: [] },
  ...part,
});

const said = { actor: 'ann', reason: 'looks good', atMs: startMs - 500_000 };

const rolloutRecord: RolloutRecord = {
  ...{ id: 'release-0', application: 'shop', revisionId: '0aa1b2c3d4', strategy: 'careful' },
  ...{ result: 'Reverted', message: 'rolled back by revision 1bb2c3d' },
  ...{ startedAtMs: startMs - 600_000, endedAtMs: startMs - 60_000 },
  supersededBy: { id: 'release-1', revisionId: '1bb2c3d4e5' },
  waves: [
    wave('first', {
      approvedAfter: said,
      analyses: [{ name: 'errors', successes: 2, failures: 0, inconclusive: 1, last: '0.01' }],
    }),
    wave('rest', {
      ...{ clusters: 2, healthy: 0, failed: 1, untouched: 1 },
      ...{ startedAtMs: startMs - 500_000, settledAtMs: undefined, endedAtMs: undefined },
    }),
  ],
};

const cluster = (name: string, part: Partial<ClusterRecord>): ClusterRecord => ({
  ...{ cluster: name, wave: 'rest', result: 'Untouched', message: '', assignedAtMs: undefined },
  ...{ appliedAtMs: undefined, healthyAtMs: undefined, countedAtMs: undefined, rolledBackAtMs: undefined },
  ...part,
});

const clusters: readonly ClusterRecord[] = [
  cluster('eu-1', {
    ...{ wave: 'first', result: 'Healthy', assignedAtMs: startMs - 599_000 },
    ...{ appliedAtMs: startMs - 595_000, healthyAtMs: startMs - 570_000, countedAtMs: startMs - 560_000 },
  }),
  cluster('us-1', {
    ...{ result: 'Failed', message: 'Deployment shop/web: 0 of 2 ready' },
    ...{ assignedAtMs: startMs - 500_000, appliedAtMs: startMs - 499_600 },
  }),
  cluster('us-2', {}),
];

const entry = (
  sequence: number,
  agoMs: number,
  part: Partial<KeptTimelineEntry> & Pick<KeptTimelineEntry, 'kind' | 'message'>,
): KeptTimelineEntry => ({
  ...{ sequence, timeMs: startMs - agoMs, actor: 'hub', wave: '', clusters: { count: 0, names: [] } },
  ...part,
});

const timeline: readonly KeptTimelineEntry[] = [
  entry(1, 600_000, {
    kind: 'phase',
    actor: 'Ann Lee <ann@example.com>',
    message: 'revision 0aa1b2c: 3 clusters in 2 waves by strategy careful',
  }),
  entry(2, 600_000, { kind: 'gate', wave: 'first', message: 'begins: 1 cluster' }),
  entry(3, 599_000, {
    ...{ kind: 'decision', wave: 'first', message: 'assigned' },
    clusters: { count: 1, names: ['eu-1'] },
  }),
  entry(4, 500_000, { kind: 'action', actor: 'ann', wave: 'first', message: 'approve first: looks good' }),
  entry(5, 400_000, {
    ...{ kind: 'failure', wave: 'rest', clusters: { count: 1, names: ['us-1'] } },
    message: 'us-1 failed (Unhealthy): Deployment shop/web: 0 of 2 ready',
  }),
  entry(6, 60_000, {
    ...{ kind: 'phase', actor: 'Ann Lee <ann@example.com>' },
    message: 'rolled back by revision 1bb2c3d, after 9 min',
  }),
];

const only = <T>(id: string, value: T): T => {
  if (id !== rolloutRecord.id) throw new FairwayError('not_found', `There is no rollout "${id}".`);
  return value;
};

export const rolloutHistory: RolloutHistoryPort = {
  list: async (application) => ({
    items: application === rolloutRecord.application ? [rolloutRecord] : [],
    next: undefined,
  }),
  record: async (id) => only(id, rolloutRecord),
  clusters: async (id) => only(id, clusters),
  timeline: async (id, { limit }) => only(id, { items: timeline.slice(0, limit), next: undefined }),
};

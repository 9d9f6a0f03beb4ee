import { z } from '@hono/zod-openapi';
import {
  type ClusterRecord,
  type HistorySaid,
  type KeptTimelineEntry,
  type RolloutRecord,
  timelineKinds,
  type WaveRecord,
} from '../../model/rollout-history.ts';
import { orNull, pageOf, timeSchema, toTime } from './common.ts';

const seconds = (description: string) => z.number().nullable().openapi({ description });

const saidSchema = z.object({ actor: z.string(), reason: z.string(), at: timeSchema }).openapi('RolloutSaid');

export const countsShape = {
  clusters: z.int(),
  healthy: z.int(),
  failed: z.int(),
  excluded: z.int(),
  rolledBack: z.int(),
  untouched: z.int().openapi({ description: 'Never assigned: not their turn, or their agent was away' }),
};

const waveSchema = z
  .object({
    name: z.string(),
    ...countsShape,
    startedAt: timeSchema.nullable(),
    settledAt: timeSchema
      .nullable()
      .openapi({ description: 'Nobody was waited for any more: the soak began' }),
    endedAt: timeSchema.nullable(),
    tookSeconds: seconds('From its start to its end'),
    approvedBefore: orNull(saidSchema),
    approvedAfter: orNull(saidSchema),
    promoted: orNull(saidSchema).openapi({ description: 'The rest of its soak was skipped' }),
    analyses: z.array(
      z.object({
        name: z.string(),
        successes: z.int(),
        failures: z.int(),
        inconclusive: z.int(),
        last: z.string().openapi({ description: 'What was measured last, or why nothing was' }),
      }),
    ),
  })
  .openapi('RolloutWaveRecord');

export const rolloutRecordSchema = z
  .object({
    id: z.string().openapi({ description: 'That of its release' }),
    application: z.string(),
    revisionId: z.string(),
    strategy: z.string(),
    result: z.enum([
      'Waiting',
      'Progressing',
      'Paused',
      'RollingBack',
      'Complete',
      'RolledBack',
      'Aborted',
      'Superseded',
      'Reverted',
    ]),
    message: z.string().openapi({ example: 'rolled back by revision 3f2c1a0' }),
    startedAt: timeSchema,
    endedAt: timeSchema.nullable(),
    tookSeconds: seconds('From its start to its end'),
    supersededBy: z.object({ id: z.string(), revisionId: z.string() }).nullable(),
    waves: z.array(waveSchema),
  })
  .openapi('RolloutRecord');

export type ApiRolloutRecord = z.infer<typeof rolloutRecordSchema>;

export const rolloutRecordPageSchema = pageOf('RolloutRecordPage', rolloutRecordSchema);

const clusterSchema = z
  .object({
    cluster: z.string(),
    wave: z.string(),
    result: z.enum(['Healthy', 'Failed', 'Excluded', 'RolledBack', 'Assigned', 'Untouched']),
    message: z.string(),
    assignedAt: timeSchema.nullable(),
    appliedAt: timeSchema.nullable(),
    healthyAt: timeSchema.nullable(),
    countedAt: timeSchema.nullable().openapi({ description: 'Healthy for as long as its wave asks' }),
    rolledBackAt: timeSchema.nullable(),
    appliedAfterSeconds: seconds('From assigned to applied'),
    healthyAfterSeconds: seconds('From assigned to healthy'),
  })
  .openapi('RolloutClusterRecord');

export type ApiClusterRecord = z.infer<typeof clusterSchema>;

export const clusterRecordPageSchema = pageOf('RolloutClusterRecordPage', clusterSchema);

const entrySchema = z
  .object({
    sequence: z
      .int()
      .openapi({ description: 'From 1; where numbers are missing there was more than is kept' }),
    time: timeSchema,
    kind: z.enum(timelineKinds),
    actor: z.string(),
    wave: z.string().openapi({ description: 'Empty: of the whole rollout' }),
    clusters: z.object({ count: z.int(), names: z.array(z.string()) }),
    message: z.string(),
  })
  .openapi('RolloutTimelineEntry');

export type ApiTimelineEntry = z.infer<typeof entrySchema>;

export const timelinePageSchema = pageOf('RolloutTimelinePage', entrySchema);

function between(fromMs: number | undefined, toMs: number | undefined): number | null {
  return fromMs === undefined || toMs === undefined ? null : Math.max(0, toMs - fromMs) / 1_000;
}

function toSaid(said: HistorySaid | undefined) {
  return said === undefined ? null : { actor: said.actor, reason: said.reason, at: toTime(said.atMs) };
}

function toWave(wave: WaveRecord): z.infer<typeof waveSchema> {
  const { startedAtMs, settledAtMs, endedAtMs, approvedBefore, approvedAfter, promoted, ...rest } = wave;
  return {
    ...rest,
    startedAt: toTime(startedAtMs),
    settledAt: toTime(settledAtMs),
    endedAt: toTime(endedAtMs),
    tookSeconds: between(startedAtMs, endedAtMs),
    approvedBefore: toSaid(approvedBefore),
    approvedAfter: toSaid(approvedAfter),
    promoted: toSaid(promoted),
    analyses: [...wave.analyses],
  };
}

export function toRolloutRecord(record: RolloutRecord): ApiRolloutRecord {
  const { startedAtMs, endedAtMs, supersededBy, waves, ...rest } = record;
  return {
    ...rest,
    startedAt: toTime(startedAtMs),
    endedAt: toTime(endedAtMs),
    tookSeconds: between(startedAtMs, endedAtMs),
    supersededBy: supersededBy ?? null,
    waves: waves.map(toWave),
  };
}

export function toClusterRecord(record: ClusterRecord): ApiClusterRecord {
  const { cluster, wave, result, message, assignedAtMs, appliedAtMs, healthyAtMs } = record;
  return {
    ...{ cluster, wave, result, message },
    assignedAt: toTime(assignedAtMs),
    appliedAt: toTime(appliedAtMs),
    healthyAt: toTime(healthyAtMs),
    countedAt: toTime(record.countedAtMs),
    rolledBackAt: toTime(record.rolledBackAtMs),
    appliedAfterSeconds: between(assignedAtMs, appliedAtMs),
    healthyAfterSeconds: between(assignedAtMs, healthyAtMs),
  };
}

export function toTimelineEntry({ timeMs, clusters, ...rest }: KeptTimelineEntry): ApiTimelineEntry {
  return { ...rest, time: toTime(timeMs), clusters: { count: clusters.count, names: [...clusters.names] } };
}

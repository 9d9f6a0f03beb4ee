/** The tables that are read and written through drizzle; migrations/ make them, and a few more that SQL alone uses. Times are Unix milliseconds, digests 64 hex digits. */
import type { AssignmentReason, ManifestEntry, Target } from '../../../shared/manifest/target.ts';
import type { FleetEvent } from '../../model/event.ts';
import type { ApplicationObservation } from '../../model/observation.ts';
import type { Problem } from '../../model/problem.ts';
import type { Scope } from '../../model/registry.ts';
import type { Confirmation, Pause, Release } from '../../model/release.ts';
import type { Revision } from '../../model/revision.ts';
import type { SourceStatus } from '../../model/source-status.ts';
import type { FleetResource, Resolution } from '../repositories/fleet-repository.ts';
import { blob, integer, primaryKey, sqliteTable, text } from './drizzle.ts';

const flag = (name: string) => integer(name, { mode: 'boolean' });
const json = <T>(name: string) => text(name, { mode: 'json' }).$type<T>();
const bytes = (name: string) => blob(name, { mode: 'buffer' });

export const meta = sqliteTable('meta', { name: text('name').primaryKey(), value: text('value').notNull() });

export const secrets = sqliteTable('secrets', {
  name: text('name').primaryKey(),
  sealed: bytes('sealed').notNull(),
});

export const epoch = sqliteTable('epoch', {
  one: integer('one').primaryKey(),
  counter: integer('counter').notNull(),
  id: text('id').notNull(),
});

export const sources = sqliteTable('sources', {
  key: text('key').primaryKey(),
  value: json<SourceStatus>('value').notNull(),
});

export const revisions = sqliteTable('revisions', {
  position: integer('position').primaryKey({ autoIncrement: true }),
  id: text('id').notNull(),
  seenAtMs: integer('seen_at_ms').notNull(),
  value: json<Revision>('value').notNull(),
});

export const deliveries = sqliteTable('deliveries', {
  position: integer('position').primaryKey({ autoIncrement: true }),
  id: text('id').notNull(),
  seenAtMs: integer('seen_at_ms').notNull(),
});

export const fleetState = sqliteTable('fleet_state', {
  one: integer('one').primaryKey(),
  revisionId: text('revision_id').notNull(),
  problems: json<readonly Problem[]>('problems').notNull(),
});

export const fleetResources = sqliteTable(
  'fleet_resources',
  {
    kind: text('kind').$type<FleetResource['kind']>().notNull(),
    name: text('name').notNull(),
    value: json<unknown>('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.name] })],
);

export const resolutions = sqliteTable('resolutions', {
  application: text('application').primaryKey(),
  value: json<Resolution>('value').notNull(),
});

export const blobs = sqliteTable('blobs', {
  digest: text('digest').primaryKey(),
  encoding: integer('encoding').notNull(),
  sealed: flag('sealed').notNull(),
  content: bytes('content').notNull(),
  /** When it was last said to be needed: what is fresh is never garbage. */
  touchedAtMs: integer('touched_at_ms').notNull(),
});

export const sets = sqliteTable('sets', {
  digest: text('digest').primaryKey(),
  encoding: integer('encoding').notNull(),
  entries: bytes('entries').notNull(),
  touchedAtMs: integer('touched_at_ms').notNull(),
});

export type SetEntries = readonly ManifestEntry[];

export const targets = sqliteTable('targets', {
  digest: text('digest').primaryKey(),
  setDigest: text('set_digest').notNull(),
  value: json<Omit<Target, 'digest' | 'set'>>('value').notNull(),
  touchedAtMs: integer('touched_at_ms').notNull(),
});

export const releases = sqliteTable('releases', {
  position: integer('position').primaryKey({ autoIncrement: true }),
  id: text('id').notNull(),
  application: text('application').notNull(),
  revisionId: text('revision_id').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  targets: json<Release['targets']>('targets').notNull(),
});

export const rollouts = sqliteTable('rollouts', {
  application: text('application').primaryKey(),
  /** All but what is known of its clusters. */
  state: json<unknown>('state').notNull(),
  version: integer('version').notNull(),
});

/** Highest generation by cluster: outlives applications, assignments and enrolment. */
export const generations = sqliteTable('generations', {
  cluster: text('cluster').primaryKey(),
  generation: integer('generation').notNull(),
  acknowledged: integer('acknowledged').notNull().default(0),
});

export const assignments = sqliteTable(
  'assignments',
  {
    cluster: text('cluster').notNull(),
    application: text('application').notNull(),
    targetDigest: text('target_digest').notNull(),
    releaseId: text('release_id').notNull(),
    revisionId: text('revision_id').notNull(),
    reason: text('reason').$type<AssignmentReason>().notNull(),
    generation: integer('generation').notNull(),
    assignedAtMs: integer('assigned_at_ms').notNull(),
    removed: flag('removed').notNull(),
    receivedAtMs: integer('received_at_ms'),
    appliedAtMs: integer('applied_at_ms'),
    healthyAtMs: integer('healthy_at_ms'),
    refused: text('refused'),
    /** Pinned against garbage collection: where a rollback goes. */
    healthyTargetDigest: text('healthy_target_digest'),
  },
  (table) => [primaryKey({ columns: [table.cluster, table.application] })],
);

export const pauses = sqliteTable(
  'pauses',
  {
    cluster: text('cluster').notNull(),
    application: text('application').notNull(),
    untilMs: integer('until_ms'),
    value: json<Pause>('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.cluster, table.application] })],
);

export const confirmations = sqliteTable('confirmations', {
  id: text('id').primaryKey(),
  kind: text('kind').$type<Confirmation['kind']>().notNull(),
  subject: text('subject').notNull(),
  assignments: integer('assignments').notNull(),
  revisionId: text('revision_id').notNull(),
  message: text('message').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  confirmedAtMs: integer('confirmed_at_ms'),
  confirmedBy: text('confirmed_by'),
});

export const clusters = sqliteTable('clusters', {
  name: text('name').primaryKey(),
  enrolledAtMs: integer('enrolled_at_ms').notNull(),
  lastSeenAtMs: integer('last_seen_at_ms'),
  connected: flag('connected').notNull(),
  agentVersion: text('agent_version').notNull(),
  kubernetesVersion: text('kubernetes_version').notNull(),
  /** JSON of a FenceContact. */
  fence: text('fence'),
});

export const enrolmentTokens = sqliteTable('enrolment_tokens', {
  id: text('id').primaryKey(),
  secretHash: text('secret_hash').notNull(),
  cluster: text('cluster').notNull(),
  createdBy: text('created_by').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  usedAtMs: integer('used_at_ms'),
  usedKeyDigest: text('used_key_digest'),
  usedCount: integer('used_count').notNull().default(0),
  revokedAtMs: integer('revoked_at_ms'),
});

export const certificates = sqliteTable('certificates', {
  fingerprint: text('fingerprint').primaryKey(),
  serial: text('serial').notNull(),
  cluster: text('cluster').notNull(),
  notBeforeMs: integer('not_before_ms').notNull(),
  notAfterMs: integer('not_after_ms').notNull(),
  revokedAtMs: integer('revoked_at_ms'),
  revokedReason: text('revoked_reason'),
});

export const accessTokens = sqliteTable('access_tokens', {
  id: text('id').primaryKey(),
  secretHash: text('secret_hash').notNull(),
  name: text('name').notNull(),
  scope: text('scope').$type<Scope>().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  expiresAtMs: integer('expires_at_ms'),
  lastUsedAtMs: integer('last_used_at_ms'),
  revokedAtMs: integer('revoked_at_ms'),
});

export const applicationObservations = sqliteTable(
  'application_observations',
  {
    cluster: text('cluster').notNull(),
    application: text('application').notNull(),
    generation: integer('generation').notNull(),
    timeMs: integer('time_ms').notNull(),
    value: json<ApplicationObservation>('value').notNull(),
  },
  (table) => [primaryKey({ columns: [table.cluster, table.application] })],
);

export const events = sqliteTable('events', {
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  id: text('id').notNull(),
  type: text('type').$type<FleetEvent['type']>().notNull(),
  actor: text('actor').notNull(),
  timeMs: integer('time_ms').notNull(),
  cluster: text('cluster').notNull(),
  application: text('application').notNull(),
  revisionId: text('revision_id').notNull(),
  object: text('object').notNull(),
  message: text('message').notNull(),
  data: json<FleetEvent['data']>('data').notNull(),
});

export const outbox = sqliteTable('outbox', {
  sequence: integer('sequence').primaryKey(),
  attempts: integer('attempts').notNull(),
  nextAttemptAtMs: integer('next_attempt_at_ms').notNull(),
});

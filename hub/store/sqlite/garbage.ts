/**
 * Garbage collection. What is reachable from assignments, from the last healthy target of a place, from resolutions, from what rollouts would go back
 * to and from kept releases stays; so does what was saved a short while ago, since a plan that names it may be on its way. Tables of contents are walked a
 * stretch a call, so that a big store never holds up the worker.
 */
import type { GarbageReport, GarbageRequest } from '../store.ts';
import type { SqliteContext } from './context.ts';
import { createRenderSweeper } from './renders.ts';

/** Rows deleted of one table in one call. */
export const deletedMax = 1_000;
/** Rows looked at in one table in one call. */
const scannedMax = 5_000;
const eventsKeptDefault = 1_000_000;
const rolloutsKeptDefault = 100;
const rolloutsKeptMsDefault = 90 * 86_400_000;
/** Rollouts deleted in one call, each with its timeline. */
const rolloutsDeletedMax = 20;
/** Between saving contents and the plan that names them passes less than this. */
const contentGraceMs = 10 * 60_000;

type ContentTable = 'blobs' | 'sets' | 'targets';

const reachable: Readonly<Record<ContentTable, string>> = {
  targets: `EXISTS (SELECT 1 FROM release_targets WHERE target_digest = digest)
    OR EXISTS (SELECT 1 FROM resolution_targets WHERE target_digest = digest)
    OR EXISTS (SELECT 1 FROM assignments WHERE target_digest = digest)
    OR EXISTS (SELECT 1 FROM assignments WHERE healthy_target_digest = digest)
    OR EXISTS (SELECT 1 FROM rollout_targets WHERE target_digest = digest)`,
  sets: 'EXISTS (SELECT 1 FROM targets WHERE set_digest = sets.digest)',
  blobs: 'EXISTS (SELECT 1 FROM set_objects WHERE object_digest = blobs.digest)',
};

interface Scanned {
  readonly digest: string;
  readonly garbage: number;
}

/** @returns how many rows of the next stretch went; the place is kept in memory and wraps around. */
function createSweeper({ client }: SqliteContext, table: ContentTable) {
  const scan = client.prepare(
    `SELECT digest, touched_at_ms < ? AND NOT (${reachable[table]}) AS garbage
     FROM ${table} WHERE digest > ? ORDER BY digest LIMIT ${scannedMax}`,
  );
  const remove = client.prepare(`DELETE FROM ${table} WHERE digest = ?`);
  let place = '';
  return (beforeMs: number): number => {
    const rows = scan.all(beforeMs, place) as Scanned[];
    let removed = 0;
    for (const { digest, garbage } of rows) {
      place = digest;
      if (garbage === 0) continue;
      remove.run(digest);
      removed += 1;
      if (removed === deletedMax) return removed;
    }
    if (rows.length < scannedMax) place = '';
    return removed;
  };
}

function createReleaseSweeper({ client }: SqliteContext) {
  return client.prepare(
    `DELETE FROM releases WHERE position IN (
       SELECT position FROM releases AS old WHERE created_at_ms < :beforeMs
         AND NOT EXISTS (SELECT 1 FROM assignments WHERE release_id = old.id)
         AND NOT EXISTS (SELECT 1 FROM rollout_releases WHERE release_id = old.id)
         AND (SELECT count(*) FROM releases AS newer
              WHERE newer.application = old.application AND newer.position > old.position) >= :kept
       ORDER BY created_at_ms LIMIT ${deletedMax})`,
  );
}

/** Of rollouts that have ended; their timelines go with them. A bounded number a call, since a timeline may be long. */
function createRolloutSweeper({ client }: SqliteContext) {
  const old = client.prepare(
    `DELETE FROM rollout_history WHERE position IN (
       SELECT position FROM rollout_history WHERE ended_at_ms < ? ORDER BY ended_at_ms LIMIT ${rolloutsDeletedMax})`,
  );
  const many = client.prepare(
    `DELETE FROM rollout_history WHERE position IN (
       SELECT position FROM rollout_history AS old WHERE ended_at_ms IS NOT NULL
         AND (SELECT count(*) FROM rollout_history AS newer
              WHERE newer.application = old.application AND newer.position > old.position) >= ?
       ORDER BY position LIMIT ${rolloutsDeletedMax})`,
  );
  return (beforeMs: number, kept: number): number => old.run(beforeMs).changes + many.run(kept).changes;
}

/** Small rows that nobody counts, but that must not grow for ever. */
function createRestSweepers({ client }: SqliteContext) {
  const revisions = client.prepare(
    `DELETE FROM revisions WHERE position IN (
       SELECT position FROM revisions AS old WHERE seen_at_ms < ?
         AND position < (SELECT max(position) FROM revisions)
         AND NOT EXISTS (SELECT 1 FROM releases WHERE revision_id = old.id)
         -- What a release would be taken back to in Git is the revision before its own.
         AND NOT EXISTS (SELECT 1 FROM revisions AS next JOIN releases ON revision_id = next.id
                         WHERE next.position = old.position + 1)
         AND NOT EXISTS (SELECT 1 FROM assignments WHERE revision_id = old.id)
         AND NOT EXISTS (SELECT 1 FROM fleet_state WHERE revision_id = old.id)
       ORDER BY position LIMIT ${deletedMax})`,
  );
  const certificates = client.prepare('DELETE FROM certificates WHERE not_after_ms < ?');
  const enrolment = client.prepare('DELETE FROM enrolment_tokens WHERE expires_at_ms < ?');
  const access = client.prepare('DELETE FROM access_tokens WHERE expires_at_ms < ? OR revoked_at_ms < ?');
  const confirmed = client.prepare('DELETE FROM confirmations WHERE confirmed_at_ms < ?');
  return (beforeMs: number): void => {
    for (const statement of [revisions, certificates, enrolment, confirmed]) statement.run(beforeMs);
    access.run(beforeMs, beforeMs);
  };
}

export function createCollector(context: SqliteContext): (request: GarbageRequest) => GarbageReport {
  const events = context.client.prepare(
    `DELETE FROM events WHERE sequence IN (
       SELECT sequence FROM events WHERE time_ms < ? AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = events.sequence)
       ORDER BY time_ms LIMIT ${deletedMax})`,
  );
  // Numbers grow by one, so that they count: agents that say too much must not fill the disk within the retention.
  const excessEvents = context.client.prepare(
    `DELETE FROM events WHERE sequence IN (
       SELECT sequence FROM events WHERE sequence <= (SELECT max(sequence) FROM events) - ?
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = events.sequence)
       ORDER BY sequence LIMIT ${deletedMax})`,
  );
  const releases = createReleaseSweeper(context);
  const sweepRollouts = createRolloutSweeper(context);
  const rest = createRestSweepers(context);
  const sweepTargets = createSweeper(context, 'targets');
  const sweepSets = createSweeper(context, 'sets');
  const sweepBlobs = createSweeper(context, 'blobs');
  const sweepRenders = createRenderSweeper(context);
  return ({
    nowMs,
    eventsKeptMs,
    eventsKept = eventsKeptDefault,
    releasesKeptMs,
    releasesKept,
    ...request
  }) => {
    const { rolloutsKept = rolloutsKeptDefault, rolloutsKeptMs = rolloutsKeptMsDefault } = request;
    const beforeMs = nowMs - releasesKeptMs;
    const contentBeforeMs = nowMs - Math.max(releasesKeptMs, contentGraceMs);
    rest(beforeMs);
    // In this order each step sets free what the next one takes.
    return {
      events: events.run(nowMs - eventsKeptMs).changes + excessEvents.run(eventsKept).changes,
      rollouts: sweepRollouts(nowMs - rolloutsKeptMs, rolloutsKept),
      releases: releases.run({ beforeMs, kept: releasesKept }).changes,
      targets: sweepTargets(contentBeforeMs),
      sets: sweepSets(contentBeforeMs),
      blobs: sweepBlobs(contentBeforeMs),
      renders: sweepRenders(nowMs),
    };
  };
}

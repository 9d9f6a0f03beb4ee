/** Releases, plans, rollout state; the parts of assignments, pauses and confirmations put together as one repository. */

import { FairwayError } from '../../../shared/error/error.ts';
import type { Assignment, Release } from '../../model/release.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { Plan, ReleaseRepository, RolloutPassRow } from '../store.ts';
import { createSqliteAssignments, type SqliteAssignments } from './assignments.ts';
import { createSqliteConfirmations, type SqliteConfirmations } from './confirmations.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, desc, eq, lt } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import type { SqliteFleet } from './fleet.ts';
import { createSqlitePauses } from './pauses.ts';
import type { SqliteHistory } from './rollout-history.ts';
import { createSqlitePins, type SqlitePins } from './rollout-pins.ts';
import { releases, rollouts } from './schema.ts';

/** Every digest that a plan names must be there before. @throws failed_precondition */
function createTargetCheck({ client }: SqliteContext) {
  const known = client.prepare('SELECT 1 FROM targets WHERE digest = ?').pluck();
  return (plan: Plan): void => {
    const named = new Set<string>();
    for (const { targetDigest } of plan.decisions) named.add(targetDigest);
    for (const { targets } of [...plan.releases, ...plan.resolutions])
      for (const digest of Object.values(targets)) named.add(digest);
    for (const digest of named)
      if (known.get(digest) === undefined)
        throw new FairwayError('failed_precondition', 'a target of the plan is not in the store', {
          subject: digest,
        });
  };
}

function createReleaseSaver({ client, db }: SqliteContext) {
  const link = client.prepare('INSERT INTO release_targets (release_id, target_digest) VALUES (?, ?)');
  return (release: Release): void => {
    const { id } = release;
    if (db.insert(releases).values(release).onConflictDoNothing().run().changes === 0) return;
    for (const digest of new Set(Object.values(release.targets))) link.run(id, digest);
  };
}

function createRolloutSaver({ client }: SqliteContext, history: SqliteHistory, pins: SqlitePins) {
  const save = client.prepare(
    'INSERT INTO rollouts (application, state) VALUES (?, ?) ON CONFLICT (application) DO UPDATE SET state = excluded.state',
  );
  const known = client.prepare('SELECT application FROM rollouts').pluck();
  const assigned = client.prepare('SELECT 1 FROM assignments WHERE application = ? LIMIT 1').pluck();
  const remove = client.prepare('DELETE FROM rollouts WHERE application = ?');
  return (plan: Plan): void => {
    for (const [application, state] of Object.entries(plan.rollouts))
      save.run(application, JSON.stringify(state ?? null));
    const inFleet = new Set(plan.fleet.resources.map(({ kind, name }) => `${kind}/${name}`));
    for (const application of known.all() as string[]) {
      const gone = !(application in plan.rollouts) && !inFleet.has(`Application/${application}`);
      if (!gone || assigned.get(application) !== undefined) continue;
      remove.run(application);
      pins.remove(application);
      history.close(application, plan.nowMs);
    }
    history.write(plan.history ?? []);
  };
}

/** @throws conflict */
function createRolloutCheck({ client }: SqliteContext) {
  const known = client.prepare('SELECT 1 FROM rollouts WHERE application = ? AND state = ?').pluck();
  return ({ rolloutsBefore = {} }: Plan): void => {
    for (const [application, state] of Object.entries(rolloutsBefore))
      if (known.get(application, JSON.stringify(state)) === undefined)
        throw new FairwayError('conflict', 'a rollout has gone on since it was planned', {
          subject: application,
        });
  };
}

function createPlanSaver(
  context: SqliteContext,
  parts: {
    readonly events: SqliteEvents;
    readonly fleet: SqliteFleet;
    readonly assignments: SqliteAssignments;
    readonly confirmations: SqliteConfirmations;
    readonly history: SqliteHistory;
    readonly pins: SqlitePins;
  },
) {
  const checkTargets = createTargetCheck(context);
  const checkRollouts = createRolloutCheck(context);
  const saveRelease = createReleaseSaver(context);
  const saveRollouts = createRolloutSaver(context, parts.history, parts.pins);
  return (plan: Plan): readonly Assignment[] => {
    checkTargets(plan);
    checkRollouts(plan);
    parts.fleet.savePlan(plan);
    for (const release of plan.releases) saveRelease(release);
    const assigned = plan.decisions
      .map((decision) => parts.assignments.decide(decision, plan.nowMs))
      .filter((assignment) => assignment !== undefined);
    saveRollouts(plan);
    for (const [application, pins] of Object.entries(plan.pins ?? {})) parts.pins.save(application, pins);
    parts.confirmations.replaceOpen(plan.confirmations);
    parts.events.append(plan.events);
    return assigned;
  };
}

function createPassSaver(
  context: SqliteContext,
  {
    events,
    assignments,
    history,
    pins,
  }: {
    readonly events: SqliteEvents;
    readonly assignments: SqliteAssignments;
    readonly history: SqliteHistory;
    readonly pins: SqlitePins;
  },
) {
  const { client } = context;
  const known = client.prepare('SELECT 1 FROM targets WHERE digest = ?').pluck();
  const isAt = client.prepare('SELECT 1 FROM rollouts WHERE application = ? AND state = ?').pluck();
  const move = client.prepare('UPDATE rollouts SET state = ? WHERE application = ?');
  const save = (pass: RolloutPassRow): readonly Assignment[] => {
    const { application, decisions, nowMs } = pass;
    move.run(JSON.stringify(pass.state), application);
    for (const { targetDigest } of decisions)
      if (known.get(targetDigest) === undefined)
        throw new FairwayError('failed_precondition', 'a target of the rollout is not in the store', {
          subject: targetDigest,
        });
    const assigned = decisions
      .map((decision) => assignments.decide(decision, nowMs))
      .filter((assignment) => assignment !== undefined);
    if (pass.pins) pins.save(application, pass.pins);
    history.write(pass.history ?? []);
    events.append(pass.events);
    context.changed('rollouts', application);
    return assigned;
  };
  return (passes: readonly RolloutPassRow[]): readonly Assignment[] | undefined => {
    for (const { application, before } of passes)
      if (isAt.get(application, JSON.stringify(before)) === undefined) return undefined;
    return passes.flatMap(save);
  };
}

function releaseOf({ position: _, ...release }: typeof releases.$inferSelect): Release {
  return release;
}

export function createSqliteReleases(
  context: SqliteContext,
  events: SqliteEvents,
  fleet: SqliteFleet,
  history: SqliteHistory,
): Synchronous<ReleaseRepository> {
  const { db } = context;
  const assignments = createSqliteAssignments(context);
  const confirmations = createSqliteConfirmations(context, events);
  const pins = createSqlitePins(context);
  const savePasses = createPassSaver(context, { events, assignments, history, pins });
  return {
    savePlan: createPlanSaver(context, { events, fleet, assignments, confirmations, history, pins }),
    release(id) {
      const row = db.select().from(releases).where(eq(releases.id, id)).get();
      return row && releaseOf(row);
    },
    releases(application, page) {
      const limit = checkLimit(page.limit);
      const [before] = page.cursor === undefined ? [] : decodeCursor(page.cursor, ['number']);
      const older = before === undefined ? undefined : lt(releases.position, Number(before));
      const rows = db
        .select()
        .from(releases)
        .where(and(eq(releases.application, application), older))
        .orderBy(desc(releases.position))
        .limit(limit + 1)
        .all();
      return createPage(rows, page, (row) => [row.position], releaseOf);
    },
    rollout: (application) =>
      db.select().from(rollouts).where(eq(rollouts.application, application)).get()?.state,
    rollouts: () =>
      new Map(
        db
          .select()
          .from(rollouts)
          .all()
          .map(({ application, state }) => [application, state]),
      ),
    saveRollout: (pass) => savePasses([pass]),
    saveRollouts: savePasses,
    assignments: assignments.list,
    acknowledge: assignments.acknowledge,
    ...createSqlitePauses(context, events),
    confirmations: confirmations.list,
    confirm: confirmations.confirm,
  };
}

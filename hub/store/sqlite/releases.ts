/** Releases, plans, rollout state; the parts of assignments, pauses and confirmations put together as one repository. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { Assignment, Release } from '../../model/release.ts';
import { checkLimit, createPage, decodeCursor } from '../cursor.ts';
import type { Plan, ReleaseRepository, RolloutPassRow } from '../repositories/release-repository.ts';
import { createSqliteAssignments, type SqliteAssignments } from './assignments.ts';
import { createSqliteConfirmations, type SqliteConfirmations } from './confirmations.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, desc, eq, lt } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import type { SqliteFleet } from './fleet.ts';
import { createSqlitePauses } from './pauses.ts';
import type { SqliteHistory } from './rollout-history.ts';
import { createSqlitePins, type SqlitePins } from './rollout-pins.ts';
import { createSqliteRolloutStates, type SqliteRolloutStates } from './rollout-states.ts';
import { releases } from './schema.ts';

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

function createRolloutSaver(
  { client }: SqliteContext,
  states: SqliteRolloutStates,
  history: SqliteHistory,
  pins: SqlitePins,
) {
  const assigned = client.prepare('SELECT 1 FROM assignments WHERE application = ? LIMIT 1').pluck();
  return (plan: Plan): void => {
    for (const [application, state] of Object.entries(plan.rollouts)) states.replace(application, state);
    const inFleet = new Set(plan.fleet.resources.map(({ kind, name }) => `${kind}/${name}`));
    for (const application of states.applications()) {
      const gone = !(application in plan.rollouts) && !inFleet.has(`Application/${application}`);
      if (!gone || assigned.get(application) !== undefined) continue;
      states.remove(application);
      pins.remove(application);
      history.close(application, plan.nowMs);
    }
    history.write(plan.history ?? []);
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
    readonly states: SqliteRolloutStates;
  },
) {
  const checkTargets = createTargetCheck(context);
  const saveRelease = createReleaseSaver(context);
  const saveRollouts = createRolloutSaver(context, parts.states, parts.history, parts.pins);
  return (plan: Plan): readonly Assignment[] => {
    checkTargets(plan);
    parts.states.check(plan.rolloutsBefore ?? {});
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
    states,
  }: {
    readonly events: SqliteEvents;
    readonly assignments: SqliteAssignments;
    readonly history: SqliteHistory;
    readonly pins: SqlitePins;
    readonly states: SqliteRolloutStates;
  },
) {
  const { client } = context;
  const known = client.prepare('SELECT 1 FROM targets WHERE digest = ?').pluck();
  const save = (pass: RolloutPassRow): readonly Assignment[] => {
    const { application, decisions, nowMs } = pass;
    states.move(pass);
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
    for (const { application, version } of passes)
      if (states.version(application) !== version) return undefined;
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
  const states = createSqliteRolloutStates(context);
  const parts = { events, assignments, history, pins, states };
  const savePasses = createPassSaver(context, parts);
  return {
    savePlan: createPlanSaver(context, { ...parts, fleet, confirmations }),
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
    rollout: states.get,
    rolloutVersion: states.version,
    rollouts: states.list,
    saveRollout: (pass) => savePasses([pass]),
    saveRollouts: savePasses,
    assignments: assignments.list,
    acknowledge: assignments.acknowledge,
    ...createSqlitePauses(context, events),
    confirmations: confirmations.list,
    confirm: confirmations.confirm,
  };
}

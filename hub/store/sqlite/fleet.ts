/** Fleet resources as last read well, and where each application stands. Written by a plan only. */
import type { FleetRepository } from '../repositories/fleet-repository.ts';
import type { Plan } from '../repositories/release-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { asc, bound, eq } from './drizzle.ts';
import { fleetResources, fleetState, resolutions } from './schema.ts';

export interface SqliteFleet extends Synchronous<FleetRepository> {
  /** Within the transaction of the plan. */
  savePlan(plan: Plan): void;
}

function createPlanSaver({ client, changed }: SqliteContext) {
  const clearResources = client.prepare('DELETE FROM fleet_resources');
  const insertResource = client.prepare('INSERT INTO fleet_resources (kind, name, value) VALUES (?, ?, ?)');
  const saveState = client.prepare(
    `INSERT INTO fleet_state (one, revision_id, problems) VALUES (1, ?, ?)
     ON CONFLICT (one) DO UPDATE SET revision_id = excluded.revision_id, problems = excluded.problems`,
  );
  const saveResolution = client.prepare(
    'INSERT INTO resolutions (application, value) VALUES (?, ?) ON CONFLICT (application) DO UPDATE SET value = excluded.value',
  );
  const clearTargets = client.prepare('DELETE FROM resolution_targets WHERE application = ?');
  const insertTarget = client.prepare(
    'INSERT INTO resolution_targets (application, target_digest) VALUES (?, ?)',
  );
  const known = client.prepare('SELECT application FROM resolutions').pluck();
  const remove = client.prepare('DELETE FROM resolutions WHERE application = ?');

  return (plan: Plan): void => {
    clearResources.run();
    for (const { kind, name, value } of plan.fleet.resources)
      insertResource.run(kind, name, JSON.stringify(value ?? null));
    saveState.run(plan.revisionId, JSON.stringify(plan.fleet.problems));
    // A plan may tell of some applications only: the others stay while the fleet still has them.
    const kept = new Set(
      plan.fleet.resources.filter(({ kind }) => kind === 'Application').map(({ name }) => name),
    );
    for (const resolution of plan.resolutions) {
      const { application } = resolution;
      kept.add(application);
      saveResolution.run(application, JSON.stringify(resolution));
      clearTargets.run(application);
      for (const digest of new Set(Object.values(resolution.targets))) insertTarget.run(application, digest);
    }
    for (const application of known.all() as string[]) if (!kept.has(application)) remove.run(application);
    changed('fleet', '');
  };
}

export function createSqliteFleet(context: SqliteContext): SqliteFleet {
  const { db } = context;
  const findResolution = db
    .select()
    .from(resolutions)
    .where(eq(resolutions.application, bound('application')))
    .prepare();
  return {
    savePlan: createPlanSaver(context),
    load() {
      const state = db.select().from(fleetState).get();
      const resources = db
        .select()
        .from(fleetResources)
        .orderBy(asc(fleetResources.kind), asc(fleetResources.name))
        .all();
      return { revisionId: state?.revisionId, resources, problems: state?.problems ?? [] };
    },
    hasKind: (kind) =>
      db.select().from(fleetResources).where(eq(fleetResources.kind, kind)).limit(1).get() !== undefined,
    resolution: (application) => findResolution.get({ application })?.value,
    resolutions: () =>
      db
        .select()
        .from(resolutions)
        .orderBy(asc(resolutions.application))
        .all()
        .map((row) => row.value),
  };
}

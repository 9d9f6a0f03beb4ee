import { digestText } from '../../../shared/manifest/canonical.ts';
import {
  createManifestSet,
  type DeletionPolicy,
  defaultSyncOptions,
  type ManifestSet,
  type Target,
} from '../../../shared/manifest/target.ts';
import { type Application, type Cluster, emptyFleet, type Fleet } from '../../model/fleet.ts';
import type { Problem } from '../../model/problem.ts';
import type { Assignment, Confirmation, Release } from '../../model/release.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import { type PlanRevisionInput, planRevision, type RevisionPlan } from '../plan/plan-revision.ts';
import type { RenderOutcome } from '../plan/resolve-application.ts';
import { packState, type RolloutState, type StoredState, unpackState } from '../rollout-state.ts';

export function setOf(objects: readonly string[]): ManifestSet {
  return createManifestSet(
    objects.map((text) => {
      const [kind = '', name = ''] = text.split('/');
      const key = { group: '', kind, namespace: 'default', name };
      return {
        objectDigest: digestText(text),
        key,
        apiVersion: 'v1',
        originId: `/${kind}/default/${name}`,
        wave: 0,
      };
    }),
  );
}

/** A fleet that changes step by step, with a store of what plans have kept. */
export function createFixture(confirmAbove = 10) {
  const clusters = new Map<string, Cluster>();
  const applications = new Map<string, Application>();
  const outcomes = new Map<string, RenderOutcome>();
  let problems: readonly Problem[] = [];
  let previousFleet: Fleet = emptyFleet;
  let previousRevisionId: string | undefined;
  let resolutions: readonly Resolution[] = [];
  let confirmations: readonly Confirmation[] = [];
  const assignments = new Map<string, Assignment>();
  const targets = new Map<string, Target>();
  const generations = new Map<string, number>();
  const rollouts = new Map<string, { state: RolloutState; targets: Release['targets'] }>();
  let ids = 0;
  const origin = (file: string) => ({ file, line: 1, commit: 'c' });

  const inputFor = (revisionId: string): PlanRevisionInput => {
    const fleet: Fleet = {
      clusters: new Map(clusters),
      applications: new Map(applications),
      repositories: new Map(),
      strategies: new Map(),
      parityGroups: new Map(),
      projects: new Map(),
      problems,
    };
    const placed = (application: Application) =>
      application.placement.clusters.filter((name) => clusters.has(name));
    const person = { name: 'Ana', email: 'ana@example.com', timeMs: 1 };
    return {
      revision: {
        id: revisionId,
        commit: {
          sha: revisionId,
          author: person,
          committer: person,
          message: `Change ${revisionId}\n\nbecause`,
          parents: [],
        },
        ref: 'main',
        sources: {},
        seenAtMs: 1,
      },
      fleet,
      previousFleet,
      previousRevisionId,
      resolutions,
      placements: new Map(
        [...applications].map(([name, application]) => [
          name,
          { clusters: placed(application), problems: [] },
        ]),
      ),
      rendered: new Map(
        [...applications].map(([name, application]) => [
          name,
          new Map(
            placed(application).map((cluster) => [
              cluster,
              outcomes.get(`${name}/${cluster}`) ?? { set: setOf([`ConfigMap/${name}`]) },
            ]),
          ),
        ]),
      ),
      assignments: [...assignments.values()],
      targets: new Map(targets),
      confirmations,
      waves: { facts: new Map(), connected: new Set(), rollouts: new Map(rollouts), matches: () => true },
      thresholds: { confirmAbove },
      nowMs: 1_000,
      newId: () => `rel-${++ids}`,
    };
  };

  /** Keeps a plan as the store promises to. */
  const keep = (plan: RevisionPlan, fleet: Fleet, revisionId: string) => {
    previousFleet = fleet;
    previousRevisionId = revisionId;
    const byName = new Map(resolutions.map((one) => [one.application, one]));
    for (const resolution of plan.resolutions) byName.set(resolution.application, resolution);
    resolutions = [...byName.values()];
    for (const target of plan.targets) targets.set(target.digest, target);
    const released = new Map(plan.releases.map((release) => [release.application, release.targets]));
    for (const [application, state] of Object.entries(plan.rollouts)) {
      if (!('waves' in state)) continue;
      const targets = released.get(application) ?? rollouts.get(application)?.targets ?? {};
      // Through the store and back.
      rollouts.set(application, {
        state: unpackState(JSON.parse(JSON.stringify(packState(state))) as StoredState),
        targets,
      });
    }
    for (const decision of plan.decisions) {
      const generation = (generations.get(decision.cluster) ?? 0) + 1;
      generations.set(decision.cluster, generation);
      assignments.set(`${decision.cluster}/${decision.application}`, {
        ...decision,
        generation,
        assignedAtMs: 1_000,
      });
    }
    const closed = confirmations.filter(
      ({ kind, confirmedAtMs }) => kind === 'restored-hub' || confirmedAtMs !== undefined,
    );
    const open = plan.confirmations.map((one) => ({
      ...one,
      confirmedAtMs: undefined,
      confirmedBy: undefined,
    }));
    confirmations = [...closed, ...open];
  };

  const fixture = {
    cluster(name: string) {
      clusters.set(name, {
        name,
        labels: {},
        region: name.slice(0, 2),
        role: 'none',
        variables: {},
        kubernetesVersion: '',
        paused: false,
        origin: origin(`fleet/${name}.yaml`),
      });
      return fixture;
    },
    withoutCluster(name: string) {
      clusters.delete(name);
      return fixture;
    },
    application(name: string, placed: readonly string[], deletionPolicy: DeletionPolicy = 'prune') {
      applications.set(name, {
        name,
        source: { repository: '', ref: '', path: name, overlays: [] },
        placement: { clusters: placed, selector: undefined },
        sync: defaultSyncOptions,
        dependsOn: [],
        health: [],
        deletionPolicy,
        rollout: { strategy: 'all-at-once' },
        origin: origin(`fleet/${name}.yaml`),
      });
      return fixture;
    },
    withoutApplication(name: string) {
      applications.delete(name);
      return fixture;
    },
    /** Objects, or the message of a problem. */
    render(application: string, cluster: string, outcome: readonly string[] | string) {
      const problem = (message: string): Problem => ({
        code: 'invalid_manifest',
        file: 'f.yaml',
        line: 1,
        field: '',
        message,
      });
      outcomes.set(
        `${application}/${cluster}`,
        typeof outcome === 'string' ? { problems: [problem(outcome)] } : { set: setOf(outcome) },
      );
      return fixture;
    },
    broken(isBroken: boolean) {
      problems = isBroken
        ? [{ code: 'invalid_manifest', file: 'fleet/x.yaml', line: 1, field: '', message: 'broken' }]
        : [];
      return fixture;
    },
    confirmations: () => confirmations,
    confirm(id: string) {
      confirmations = confirmations.map((one) =>
        one.id === id ? { ...one, confirmedAtMs: 5, confirmedBy: 'ana' } : one,
      );
      return fixture;
    },
    openRestore() {
      const restore: Confirmation = {
        id: 'restored',
        kind: 'restored-hub',
        subject: 'fleet',
        assignments: 0,
        revisionId: '',
        message: '',
        createdAtMs: 1,
        confirmedAtMs: undefined,
        confirmedBy: undefined,
      };
      confirmations = [...confirmations, restore];
      return fixture;
    },
    /** The agent has applied a removal: the store forgets the assignment. */
    applied(cluster: string, application: string) {
      assignments.delete(`${cluster}/${application}`);
      return fixture;
    },
    assignments: () => assignments,
    inputFor,
    /** Plans and keeps. */
    revise(revisionId: string): RevisionPlan {
      const input = inputFor(revisionId);
      const plan = planRevision(input);
      keep(plan, input.fleet, revisionId);
      return plan;
    },
  };
  return fixture;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFixture } from '../testing/fixture.test-support.ts';
import { planRevision } from './plan-revision.ts';

const clusterName = fc.constantFrom('c1', 'c2', 'c3', 'c4');
const applicationName = fc.constantFrom('a', 'b', 'c');

/** One change to the fleet, or to what agents and operators did. */
const step = fc.oneof(
  fc.record({ do: fc.constant('cluster' as const), cluster: clusterName }),
  fc.record({ do: fc.constant('drop cluster' as const), cluster: clusterName }),
  fc.record({
    do: fc.constant('application' as const),
    application: applicationName,
    placed: fc.uniqueArray(clusterName),
  }),
  fc.record({ do: fc.constant('drop application' as const), application: applicationName }),
  fc.record({
    do: fc.constant('render' as const),
    application: applicationName,
    cluster: clusterName,
    objects: fc.uniqueArray(fc.constantFrom('ConfigMap/x', 'ConfigMap/y', 'ConfigMap/z')),
  }),
  fc.record({ do: fc.constant('fail' as const), application: applicationName, cluster: clusterName }),
  fc.record({ do: fc.constant('broken' as const), broken: fc.boolean() }),
  fc.record({ do: fc.constant('confirm' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(fleet: ReturnType<typeof createFixture>, change: Step): void {
  switch (change.do) {
    case 'cluster':
      return void fleet.cluster(change.cluster);
    case 'drop cluster':
      return void fleet.withoutCluster(change.cluster);
    case 'application':
      return void fleet.application(change.application, change.placed);
    case 'drop application':
      return void fleet.withoutApplication(change.application);
    case 'render':
      return void fleet.render(change.application, change.cluster, change.objects);
    case 'fail':
      return void fleet.render(change.application, change.cluster, 'no');
    case 'broken':
      return void fleet.broken(change.broken);
    case 'confirm':
      for (const { id } of fleet.confirmations()) fleet.confirm(id);
  }
}

/** Runs histories of changes, with a revision after each few, and checks each plan. */
function holds(check: (fleet: ReturnType<typeof createFixture>, revision: string) => void): void {
  const history = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(history, fc.integer({ min: 0, max: 4 }), (revisions, confirmAbove) => {
      const fleet = createFixture(confirmAbove);
      for (const [index, changes] of revisions.entries()) {
        for (const change of changes) take(fleet, change);
        check(fleet, `r${index}`);
        fleet.revise(`r${index}`);
      }
    }),
    { numRuns: 200 },
  );
}

describe('planRevision, for any history', () => {
  it('removes nothing while the fleet has problems', () => {
    holds((fleet, revision) => {
      const input = fleet.inputFor(revision);
      const { decisions } = planRevision(input);
      if (input.fleet.problems.length > 0) expect(decisions.filter(({ removed }) => removed)).toEqual([]);
    });
  });

  it('decides only where the Target differs, at most once a cluster and application', () => {
    holds((fleet, revision) => {
      const { decisions } = planRevision(fleet.inputFor(revision));
      const keys = decisions.map(({ cluster, application }) => `${cluster}/${application}`);
      expect(new Set(keys).size).toBe(keys.length);
      for (const { cluster, application, targetDigest } of decisions)
        expect(fleet.assignments().get(`${cluster}/${application}`)?.targetDigest).not.toBe(targetDigest);
    });
  });

  it('plans nothing new when it is asked again', () => {
    holds((fleet, revision) => {
      fleet.revise(revision);
      const again = planRevision(fleet.inputFor(revision));
      expect([again.releases, again.decisions, again.targets]).toEqual([[], [], []]);
      expect(again.events).toEqual([]);
    });
  });

  it('leaves every placed cluster at the Target it should have, or says why not', () => {
    holds((fleet, revision) => {
      const input = fleet.inputFor(revision);
      const { resolutions } = fleet.revise(revision);
      for (const [application, { clusters }] of input.placements) {
        const resolution = resolutions.find((one) => one.application === application);
        for (const cluster of clusters) {
          const assigned = fleet.assignments().get(`${cluster}/${application}`)?.targetDigest;
          const problem = resolution?.problems.some((one) => one.cluster === cluster);
          expect(problem || assigned === resolution?.targets[cluster], `${application} in ${cluster}`).toBe(
            true,
          );
        }
      }
    });
  });

  it('lets no assignment go that is still placed, and holds or takes out every other', () => {
    holds((fleet, revision) => {
      const input = fleet.inputFor(revision);
      const plan = fleet.revise(revision);
      for (const { cluster, application } of plan.decisions.filter(({ removed }) => removed))
        expect(input.placements.get(application)?.clusters ?? []).not.toContain(cluster);
      if (input.fleet.problems.length > 0) return;
      const held = plan.confirmations.reduce((sum, { assignments }) => sum + assignments, 0);
      const left = [...fleet.assignments().values()].filter(
        ({ removed, application, cluster }) =>
          !removed && !input.placements.get(application)?.clusters.includes(cluster),
      );
      expect(left).toHaveLength(held);
    });
  });

  it('keeps every Target that it names', () => {
    holds((fleet, revision) => {
      const input = fleet.inputFor(revision);
      const { targets, decisions, releases, resolutions } = planRevision(input);
      const known = new Set([...input.targets.keys(), ...targets.map(({ digest }) => digest)]);
      const named = [
        ...decisions.map(({ targetDigest }) => targetDigest),
        ...[...releases, ...resolutions].flatMap((one) => Object.values(one.targets)),
      ];
      expect(named.filter((digest) => !known.has(digest))).toEqual([]);
    });
  });
});

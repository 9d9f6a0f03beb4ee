import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SyncStatus } from '../../shared/manifest/health.ts';
import { defaultSyncOptions } from '../../shared/manifest/target.ts';
import type { Application, Cluster } from '../model/fleet.ts';
import type { ApplicationObservation } from '../model/observation.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Acknowledgements, Confirmation, Pause } from '../model/release.ts';
import type { Resolution } from '../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../store/repositories/release-repository.ts';
import type { FoldViewsInput } from './fold-input.ts';
import { foldViews } from './fold-views.ts';

const nowMs = 10_000_000;
const minute = 60_000;
const origin = (name: string) => ({ file: `fleet/${name}.yaml`, line: 1, commit: 'c1' });

function cluster(name: string, more: Partial<Cluster> = {}): Cluster {
  return {
    name,
    labels: {},
    region: name.split('-')[0] ?? '',
    role: 'none',
    variables: {},
    kubernetesVersion: '',
    paused: false,
    origin: origin(name),
    ...more,
  };
}

function application(name: string): Application {
  return {
    name,
    source: { repository: '', ref: '', path: `apps/${name}`, overlays: [] },
    placement: { clusters: [], selector: undefined },
    sync: defaultSyncOptions,
    dependsOn: [],
    health: [],
    deletionPolicy: 'prune',
    origin: origin(name),
  };
}

function registered(name: string, more: Partial<RegisteredCluster> = {}): RegisteredCluster {
  return {
    name,
    enrolledAtMs: 1_000,
    lastSeenAtMs: nowMs - 5_000,
    connected: true,
    agentVersion: '0.1.0',
    kubernetesVersion: '1.36.3',
    generation: 1,
    acknowledgedGeneration: 1,
    ...more,
  };
}

function assignment(
  cluster: string,
  application: string,
  acknowledgements: Partial<Acknowledgements> = {},
  more: Partial<AssignmentState> = {},
): AssignmentState {
  return {
    cluster,
    application,
    targetDigest: 't1',
    releaseId: 'rel-1',
    revisionId: 'r1',
    reason: 'release',
    generation: 1,
    assignedAtMs: 1_000,
    removed: false,
    healthyTargetDigest: undefined,
    acknowledgements: {
      receivedAtMs: undefined,
      appliedAtMs: undefined,
      healthyAtMs: undefined,
      refused: undefined,
      ...acknowledgements,
    },
    ...more,
  };
}

const healthy = { receivedAtMs: 1_100, appliedAtMs: 1_200, healthyAtMs: 1_300 };

function observation(
  cluster: string,
  application: string,
  syncStatus: SyncStatus = 'Synced',
  more: Partial<ApplicationObservation> = {},
): ApplicationObservation {
  return {
    cluster,
    application,
    generation: 1,
    targetDigest: 't1',
    syncStatus,
    healthStatus: 'Current',
    message: '',
    objects: 3,
    objectsSynced: 3,
    appliedAtMs: 1_200,
    timeMs: 1_300,
    waitsFor: '',
    changes: {},
    ...more,
  };
}

function resolution(name: string, clusters: readonly string[], more: Partial<Resolution> = {}): Resolution {
  return {
    application: name,
    revisionId: 'r1',
    resolvedAtMs: 1_000,
    problems: [],
    targets: Object.fromEntries(clusters.map((one) => [one, 't1'])),
    ...more,
  };
}

function input(
  more: Partial<FoldViewsInput> & {
    readonly clusters?: readonly Cluster[];
    readonly applications?: readonly Application[];
  },
): FoldViewsInput {
  const { clusters = [], applications = [], ...rest } = more;
  return {
    fleet: {
      clusters: new Map(clusters.map((one) => [one.name, one])),
      applications: new Map(applications.map((one) => [one.name, one])),
      repositories: new Map(),
      strategies: new Map(),
      parityGroups: new Map(),
      projects: new Map(),
      problems: [],
    },
    resolutions: [],
    assignments: [],
    observations: [],
    registered: [],
    pauses: [],
    nowMs,
    offlineAfterMs: minute,
    ...rest,
  };
}

const problem = (message: string, file = 'apps/web/base/kustomization.yaml') => ({
  code: 'invalid_manifest' as const,
  file,
  line: 3,
  field: 'resources[0]',
  message,
});
const eu = ['eu-1', 'eu-2', 'us-1', 'ap-1'];
const pause: Pause = {
  cluster: 'ap-1',
  application: '',
  reason: 'looking into the leak',
  actor: 'ana',
  createdAtMs: nowMs - 5 * minute,
  untilMs: nowMs + 55 * minute,
};
const open: Confirmation = {
  id: 'placement-web-1',
  kind: 'placement',
  subject: 'web',
  assignments: 12,
  revisionId: 'r2',
  message: '',
  createdAtMs: 1,
  confirmedAtMs: undefined,
  confirmedBy: undefined,
};

/** Each becomes a file in golden/; rewritten with UPDATE_GOLDEN=1. */
const scenarios: Readonly<Record<string, FoldViewsInput>> = {
  'all-healthy': input({
    clusters: [cluster('eu-1', { role: 'primary', labels: { tier: 'gold' } }), cluster('us-1')],
    applications: [application('web')],
    resolutions: [resolution('web', ['eu-1', 'us-1'])],
    assignments: [assignment('eu-1', 'web', healthy), assignment('us-1', 'web', healthy)],
    observations: [observation('eu-1', 'web'), observation('us-1', 'web')],
    registered: [registered('eu-1'), registered('us-1')],
  }),
  'one-away-one-failed': input({
    clusters: eu.map((name) => cluster(name)),
    applications: [application('web')],
    resolutions: [
      resolution('web', eu, {
        revisionId: 'r2',
        targets: { 'eu-1': 't1', 'eu-2': 't2', 'us-1': 't1', 'ap-1': 't1' },
      }),
    ],
    assignments: [
      assignment('eu-1', 'web', healthy),
      assignment('eu-2', 'web', {}, { targetDigest: 't2', generation: 2 }),
      assignment('us-1', 'web', { receivedAtMs: 1_100 }),
      assignment('ap-1', 'web', healthy),
    ],
    observations: [
      observation('eu-1', 'web'),
      observation('eu-2', 'web'),
      observation('us-1', 'web', 'Failed', {
        healthStatus: 'InProgress',
        message: 'Deployment shop/web: spec.replicas: must not be negative',
        objectsSynced: 2,
      }),
      observation('ap-1', 'web'),
    ],
    registered: [
      registered('eu-1'),
      registered('eu-2', { connected: false, lastSeenAtMs: nowMs - 5 * minute }),
      registered('us-1'),
      registered('ap-1', { connected: false, lastSeenAtMs: nowMs - 2 * minute }),
    ],
  }),
  'problems-and-pauses': input({
    clusters: [cluster('eu-1'), cluster('us-1', { paused: true }), cluster('ap-1')],
    applications: [application('web'), application('db')],
    resolutions: [
      resolution('web', ['us-1', 'ap-1'], {
        revisionId: 'r2',
        problems: [
          { cluster: 'eu-1', problem: problem('there is no deployment.yaml') },
          { cluster: 'gone', problem: problem('there is no Cluster gone') },
        ],
      }),
      resolution('db', ['eu-1']),
    ],
    assignments: [
      assignment('eu-1', 'web', healthy),
      assignment('us-1', 'web', healthy),
      assignment('ap-1', 'web', healthy),
      assignment('eu-1', 'db', { receivedAtMs: 1_100 }),
    ],
    observations: [
      observation('eu-1', 'web'),
      observation('us-1', 'web'),
      observation('ap-1', 'web', 'Drifted', {
        message: 'HorizontalPodAutoscaler shop/web was changed by kubectl-edit',
      }),
      observation('eu-1', 'db', 'Pending', { waitsFor: 'web: 1 of 2 objects ready' }),
    ],
    registered: [registered('eu-1'), registered('us-1'), registered('ap-1')],
    pauses: [pause, { ...pause, cluster: 'eu-1', reason: 'over', untilMs: nowMs - 1 }],
  }),
  'coming-and-going': input({
    clusters: [cluster('eu-1'), cluster('new-1')],
    applications: [application('web')],
    resolutions: [resolution('web', ['eu-1', 'new-1'])],
    assignments: [
      assignment('eu-1', 'web', healthy, { removed: false }),
      assignment('old-1', 'web', healthy),
      assignment('eu-1', 'gone', { receivedAtMs: 2_000 }, { removed: true }),
      assignment('new-1', 'web'),
    ],
    observations: [observation('eu-1', 'web'), observation('old-1', 'web')],
    registered: [registered('eu-1'), registered('old-1'), registered('stray-1')],
    confirmations: [open],
  }),
};

describe('foldViews', () => {
  it.each(Object.keys(scenarios))('folds %s as in its golden file', (name) => {
    const scenario = scenarios[name];
    if (!scenario) throw new Error(name);
    const text = `${JSON.stringify(foldViews(scenario), null, 2)}\n`;
    const file = new URL(`golden/${name}.json`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(existsSync(file), 'run with UPDATE_GOLDEN=1 to write it').toBe(true);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('says of a cluster that is well with what came before where to look for the newest', () => {
    const newest = resolution('web', ['eu-1']);
    const { placements } = foldViews(
      input({
        clusters: [cluster('eu-1')],
        applications: [application('web')],
        resolutions: [{ ...newest, targets: { 'eu-1': 'another' } }],
        assignments: [assignment('eu-1', 'web', healthy)],
        observations: [observation('eu-1', 'web')],
        registered: [registered('eu-1')],
      }),
    );
    expect(placements[0]).toMatchObject({
      upToDate: false,
      message: 'has what came before, the newest is not assigned: fairway rollout status web',
    });
  });

  it('explains in one sentence what an application waits for', () => {
    const { applications } = foldViews(scenarios['one-away-one-failed']!);
    expect(applications[0]?.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'SyncFailed',
      message:
        '2 of 4 clusters ready: us-1 cannot be applied: Deployment shop/web: spec.replicas: must not be negative; eu-2 waits for its agent (last seen 5 min ago)',
    });
  });

  it('says of a cluster that has nothing yet whether it waits for its turn or for an agent', () => {
    const { placements } = foldViews(
      input({
        clusters: [cluster('eu-1'), cluster('eu-2')],
        applications: [application('web')],
        resolutions: [resolution('web', ['eu-1', 'eu-2'])],
        registered: [registered('eu-1')],
      }),
    );
    expect(placements.map(({ message }) => message)).toEqual([
      'waits for its turn: fairway rollout status web',
      'waits for an agent, which has not enrolled yet: fairway agent install --cluster eu-2',
    ]);
  });

  it('does not call an application unhealthy for an agent that is away', () => {
    const { applications, clusters } = foldViews(
      input({
        clusters: [cluster('eu-1'), cluster('eu-2')],
        applications: [application('web')],
        resolutions: [resolution('web', ['eu-1', 'eu-2'])],
        assignments: [assignment('eu-1', 'web', healthy), assignment('eu-2', 'web')],
        observations: [observation('eu-1', 'web')],
        registered: [
          registered('eu-1'),
          registered('eu-2', { connected: false, lastSeenAtMs: nowMs - 5 * minute }),
        ],
      }),
    );
    expect(applications[0]?.conditions).toMatchObject([
      { type: 'Ready', status: 'Unknown', reason: 'AgentAway' },
    ]);
    expect(clusters[1]?.conditions).toMatchObject([
      { type: 'Ready', status: 'Unknown', reason: 'AgentAway' },
    ]);
  });

  it('does not let a warning about a cluster that is gone hide that its application leaves', () => {
    const { placements, applications } = foldViews(
      input({
        clusters: [cluster('eu-1')],
        applications: [application('web')],
        resolutions: [
          resolution('web', ['eu-1'], {
            problems: [{ cluster: 'old-1', problem: problem('there is no Cluster old-1') }],
          }),
        ],
        assignments: [
          assignment('eu-1', 'web', healthy),
          assignment('old-1', 'web', { receivedAtMs: 2_000 }, { removed: true, targetDigest: 'gone' }),
        ],
        observations: [observation('eu-1', 'web')],
        registered: [registered('eu-1'), registered('old-1')],
      }),
    );
    expect(placements.map(({ cluster: name, message, removing }) => [name, message, removing])).toEqual([
      ['eu-1', '', false],
      ['old-1', 'is being removed', true],
    ]);
    expect(applications[0]).toMatchObject({
      clusters: 1,
      clustersHealthy: 1,
      problems: [{ cluster: 'old-1' }],
    });
  });

  it('says of a broken file that an earlier text counts', () => {
    const base = scenarios['all-healthy']!;
    const broken = {
      ...base,
      fleet: { ...base.fleet, problems: [problem('unknown field', 'fleet/web.yaml')] },
    };
    const { applications } = foldViews(broken);
    expect(applications[0]?.problems).toMatchObject([
      { cluster: '', file: 'fleet/web.yaml', message: 'unknown field' },
    ]);
    expect(applications[0]?.conditions.find(({ type }) => type === 'Stalled')).toMatchObject({
      reason: 'InvalidManifest',
    });
    expect(foldViews({ ...broken, readCommit: 'c2' }).applications[0]?.problems).toHaveLength(1);
  });

  it('does not say it of what was read well in the same file', () => {
    const base = scenarios['all-healthy']!;
    const problems = [
      problem('unknown field', 'fleet/web.yaml'),
      problem('unknown field', 'fleet/eu-1.yaml'),
    ];
    const fleet = { ...base.fleet, problems };
    const { applications, clusters } = foldViews({ ...base, fleet, readCommit: 'c1' });
    expect(applications[0]?.problems).toEqual([]);
    for (const { conditions } of [...applications, ...clusters])
      expect(conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  });

  it('warns of a cluster that runs another minor release than it is rendered for', () => {
    const { clusters } = foldViews(
      input({
        clusters: [
          cluster('eu-1', { kubernetesVersion: '1.34' }),
          cluster('eu-2', { kubernetesVersion: '1.36' }),
        ],
        registered: [registered('eu-1'), registered('eu-2')],
      }),
    );
    expect(clusters.map(({ warnings }) => warnings)).toEqual([
      [expect.stringContaining('runs Kubernetes 1.36, but charts and checks take it for 1.34')],
      [],
    ]);
  });

  it('counts each placement once for 1,000 clusters and 20 applications', () => {
    const clusters = Array.from({ length: 1_000 }, (_, index) => cluster(`c-${index}`));
    const applications = Array.from({ length: 20 }, (_, index) => application(`a-${index}`));
    const names = clusters.map(({ name }) => name);
    const pairs = clusters.flatMap((one) => applications.map((other) => [one.name, other.name] as const));
    const views = foldViews(
      input({
        clusters,
        applications,
        resolutions: applications.map(({ name }) => resolution(name, names)),
        assignments: pairs.map(([one, other]) => assignment(one, other, healthy)),
        observations: pairs.map(([one, other]) => observation(one, other)),
        registered: names.map((name) => registered(name)),
      }),
    );
    expect(views.placements).toHaveLength(20_000);
    expect(
      views.applications.every(
        ({ clustersHealthy, clustersUpToDate }) => clustersHealthy === 1_000 && clustersUpToDate === 1_000,
      ),
    ).toBe(true);
    expect(views.clusters.every(({ applicationsHealthy }) => applicationsHealthy === 20)).toBe(true);
  });
});

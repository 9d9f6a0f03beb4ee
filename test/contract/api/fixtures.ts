import type { ApplicationView, ClusterView, PlacementView } from '../../../hub/model/view.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import { type KubeObject, keyOf, keyText } from '../../../shared/manifest/object.ts';
import { createManifestSet, createTarget, defaultSyncOptions } from '../../../shared/manifest/target.ts';
import type { FakeState } from './fake-store.ts';

export const startMs = Date.UTC(2026, 0, 1);
const commitSha = '3f2c1a0b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a';
const minute = 60_000;

export function clusterView(name: string, overrides: Partial<ClusterView> = {}): ClusterView {
  return {
    name,
    region: name.split('-')[0] ?? '',
    role: 'primary',
    labels: { tier: 'prod' },
    declared: true,
    enrolled: true,
    connected: true,
    lastSeenAtMs: startMs - minute,
    agentVersion: '0.1.0',
    kubernetesVersion: 'v1.36.3',
    warnings: [],
    paused: false,
    pauseReason: '',
    pausedUntilMs: undefined,
    applications: 1,
    applicationsHealthy: 1,
    applicationsDrifted: 0,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Healthy',
        message: '',
        lastTransitionTimeMs: startMs - minute,
      },
    ],
    ...overrides,
  };
}

export function placementView(
  cluster: string,
  application: string,
  overrides: Partial<PlacementView> = {},
): PlacementView {
  return {
    cluster,
    application,
    region: cluster.split('-')[0] ?? '',
    revisionId: commitSha,
    targetDigest: digestText(cluster + application),
    generation: 3,
    assignedAtMs: startMs - 5 * minute,
    upToDate: true,
    stage: 'Healthy',
    sync: 'Synced',
    health: 'Current',
    message: '',
    objects: 4,
    objectsSynced: 4,
    drifted: false,
    paused: false,
    connected: true,
    removing: false,
    ...overrides,
  };
}

export function applicationView(name: string, placements: readonly PlacementView[]): ApplicationView {
  const count = (test: (view: PlacementView) => boolean) => placements.filter(test).length;
  return {
    name,
    path: `apps/${name}`,
    repository: '',
    revisionId: commitSha,
    clusters: placements.length,
    clustersHealthy: count(({ health }) => health === 'Current'),
    clustersUpToDate: count(({ upToDate }) => upToDate),
    clustersDrifted: count(({ drifted }) => drifted),
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Healthy',
        message: '',
        lastTransitionTimeMs: startMs - minute,
      },
    ],
    problems: [],
    placements,
  };
}

const person = { name: 'Ada', email: 'ada@example.org', timeMs: startMs - 10 * minute };

const manifests: readonly KubeObject[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { replicas: 2 },
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: 'shop' },
    data: { key: 'c2VjcmV0' },
  },
];

/** Puts one revision, one application in one cluster, with its objects, into a fake store's state. */
export function fillState(state: FakeState): void {
  state.revisions = [
    {
      id: commitSha,
      commit: {
        sha: commitSha,
        author: person,
        committer: { ...person, name: 'Grace' },
        message: 'Raise the limits\n\nThe shop was slow.',
        parents: ['0'.repeat(40)],
      },
      ref: 'main',
      sources: {},
      seenAtMs: startMs - 9 * minute,
      rendering: {
        directoriesBuilt: 2,
        filesRead: 7,
        filesParsed: 5,
        bytesParsed: 3_480,
        placements: 412,
        sets: 14,
      },
    },
  ];
  state.readRevisionId = commitSha;
  state.sources = [
    {
      key: '@main',
      url: 'https://git.example/fleet.git',
      ref: 'main',
      head: commitSha,
      headSeenAtMs: startMs - 9 * minute,
      lastAttemptAtMs: startMs - minute,
      conditions: [],
    },
  ];
  const objects = manifests.map((object) => {
    const content = JSON.stringify(object);
    return { digest: digestText(content), content, secret: object.kind === 'Secret', object };
  });
  for (const { object: _object, ...rendered } of objects) state.objects.set(rendered.digest, rendered);
  const target = createTarget({
    set: createManifestSet(
      objects.map(({ digest, object }) => ({
        objectDigest: digest,
        key: keyOf(object),
        apiVersion: object.apiVersion,
        originId: keyText(keyOf(object)),
        wave: 0,
      })),
    ),
    sync: defaultSyncOptions,
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune',
    removed: false,
  });
  state.targets.set(target.digest, target);
  state.assignments = [
    {
      cluster: 'eu-1',
      application: 'shop',
      targetDigest: target.digest,
      releaseId: 'release-1',
      revisionId: commitSha,
      reason: 'release',
      generation: 3,
      assignedAtMs: startMs - 5 * minute,
      removed: false,
      healthyTargetDigest: undefined,
      acknowledgements: {
        receivedAtMs: startMs - 5 * minute + 40,
        appliedAtMs: startMs - 5 * minute + 900,
        healthyAtMs: undefined,
        refused: undefined,
      },
    },
  ];
  state.resolutions = [
    {
      application: 'shop',
      revisionId: commitSha,
      resolvedAtMs: startMs - 6 * minute,
      problems: [],
      targets: { 'eu-1': target.digest },
    },
  ];
  state.observations = manifests.map((object) => ({
    cluster: 'eu-1',
    application: 'shop',
    key: keyOf(object),
    objectDigest: digestText(JSON.stringify(object)),
    liveDigest: '',
    syncStatus: 'Drifted',
    healthStatus: 'Current',
    reason: '',
    message: '',
    drift: {
      kind: 'changed',
      fields: [{ path: '/spec/replicas', desired: '2', live: '5' }],
      managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: startMs - minute }],
      foundAtMs: startMs - minute,
    },
    lastAction: 'unchanged',
    generation: 3,
    timeMs: startMs - minute,
  }));
  state.clusters = [
    {
      name: 'eu-1',
      enrolledAtMs: startMs - 60 * minute,
      lastSeenAtMs: startMs - minute,
      connected: true,
      agentVersion: '0.1.0',
      kubernetesVersion: 'v1.36.3',
      generation: 3,
      acknowledgedGeneration: 3,
    },
  ];
  state.certificates = [
    {
      serial: '0a',
      cluster: 'eu-1',
      fingerprint: 'f'.repeat(64),
      notBeforeMs: startMs - 60 * minute,
      notAfterMs: startMs + 60 * minute,
      revokedAtMs: undefined,
      revokedReason: undefined,
    },
  ];
  state.enrolmentTokens = [
    {
      id: 'enrol-1',
      secretHash: 'x',
      cluster: 'us-1',
      createdBy: 'ops',
      createdAtMs: startMs,
      expiresAtMs: startMs + 60 * minute,
      usedAtMs: undefined,
      usedKeyDigest: undefined,
      revokedAtMs: undefined,
    },
  ];
  state.confirmations = [
    {
      id: 'hold-1',
      kind: 'application',
      subject: 'shop',
      assignments: 12,
      revisionId: commitSha,
      message: 'Removing application shop takes it out of 12 clusters.',
      createdAtMs: startMs,
      confirmedAtMs: undefined,
      confirmedBy: undefined,
    },
  ];
}

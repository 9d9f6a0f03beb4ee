import type { Condition } from '../../shared/condition/condition.ts';
import type { Cluster } from '../model/fleet.ts';
import { versionWarning } from '../model/kubernetes-version.ts';
import { describeProblem } from '../model/problem.ts';
import type { RegisteredCluster } from '../model/registry.ts';
import type { Pause } from '../model/release.ts';
import type { ClusterView } from '../model/view.ts';
import { fenceWarning } from './fence-warning.ts';
import { type FileProblems, ownProblems } from './file-problems.ts';
import type { FoldViewsInput } from './fold-input.ts';
import { type Folded, isHealthy, partsOf } from './fold-placements.ts';
import { pauseText } from './placement-view.ts';
import { summariseParts } from './summarise.ts';
import { agoText } from './time-text.ts';

interface ClusterFacts {
  readonly declared: Cluster | undefined;
  readonly registered: RegisteredCluster | undefined;
  readonly pause: Pause | undefined;
  readonly fileProblems: FileProblems;
}

/** What is known of one cluster, with what its placements come to. */
export function foldCluster(
  name: string,
  facts: ClusterFacts,
  placements: readonly Folded[],
  input: FoldViewsInput,
): ClusterView {
  const { declared, registered, pause } = facts;
  const staying = placements.filter(({ view }) => !view.removing);
  return {
    name,
    region: declared?.region ?? '',
    role: declared?.role ?? 'none',
    roleOverride: declared?.override,
    labels: declared?.labels ?? {},
    declared: declared !== undefined,
    enrolled: registered !== undefined,
    connected: registered?.connected ?? false,
    lastSeenAtMs: registered?.lastSeenAtMs,
    agentVersion: registered?.agentVersion ?? '',
    kubernetesVersion: registered?.kubernetesVersion || (declared?.kubernetesVersion ?? ''),
    warnings: warningsOf(name, facts),
    paused: pause !== undefined,
    pauseReason: pause?.reason ?? '',
    pausedUntilMs: pause?.untilMs,
    applications: staying.length,
    applicationsHealthy: staying.filter(isHealthy).length,
    applicationsDrifted: staying.filter(({ view }) => view.drifted).length,
    conditions: clusterConditions(name, facts, placements, input),
  };
}

function warningsOf(name: string, { declared, registered }: ClusterFacts): readonly string[] {
  const version = versionWarning(
    name,
    declared?.kubernetesVersion ?? '',
    registered?.kubernetesVersion ?? '',
  );
  const { override, role } = declared ?? {};
  const word =
    override &&
    `its role is ${role} by the hub's own word until ${new Date(override.untilMs).toISOString()} (failover ${override.failover}); Git says ${override.roleInGit}`;
  return [version, word ?? '', fenceWarning(registered?.fence)].filter((text) => text !== '');
}

function clusterConditions(
  name: string,
  facts: ClusterFacts,
  placements: readonly Folded[],
  { nowMs, offlineAfterMs }: FoldViewsInput,
): readonly Condition[] {
  const { declared, registered, pause } = facts;
  const unknown = (reason: string, message: string, lastTransitionTimeMs: number): readonly Condition[] => [
    { type: 'Ready', status: 'Unknown', reason, message, lastTransitionTimeMs },
  ];
  const [problem] = ownProblems(declared?.origin, facts.fileProblems);
  if (problem) {
    const message = `an earlier text of it counts: ${describeProblem(problem)}`;
    return summariseParts(
      [
        { name, state: 'stalled', reason: 'InvalidManifest', message, sinceMs: 0 },
        ...partsOf(placements, 'application'),
      ],
      'part',
      nowMs,
    );
  }
  if (!registered)
    return unknown(
      'NotEnrolled',
      `no agent has enrolled yet: fairway agent install --cluster ${name}`,
      nowMs,
    );
  const { connected, lastSeenAtMs } = registered;
  if (!connected && (lastSeenAtMs === undefined || nowMs - lastSeenAtMs >= offlineAfterMs)) {
    const seen =
      lastSeenAtMs === undefined ? 'has not connected yet' : `was last seen ${agoText(nowMs - lastSeenAtMs)}`;
    return unknown(
      'AgentAway',
      `its agent ${seen}; it heals by itself meanwhile and catches up later`,
      lastSeenAtMs ?? registered.enrolledAtMs,
    );
  }
  if (!declared && placements.length === 0)
    return unknown(
      'NotDeclared',
      'is not in the fleet repository: it gets nothing until a Cluster resource describes it',
      registered.enrolledAtMs,
    );
  if (pause)
    return [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Paused',
        message: pauseText(pause, nowMs),
        lastTransitionTimeMs: pause.createdAtMs || nowMs,
      },
    ];
  return summariseParts(partsOf(placements, 'application'), 'application', nowMs);
}

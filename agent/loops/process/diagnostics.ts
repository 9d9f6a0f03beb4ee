/** What an agent knows of itself, for the person who has to find out what is wrong. Names, counts, states and errors; no object's content and no key. */

import type { KubeClient } from '../../kube/kube-client.ts';
import type { DesiredState } from '../../model/desired.ts';
import type { FencedApplication } from '../../model/fencing.ts';
import type { AgentLoops } from '../agent-loops.ts';

/** What is asked; each gives plain data. */
export interface DiagnosticSources {
  readonly cluster: string;
  readonly namespace: string;
  readonly instanceId: string;
  readonly versions: { readonly agent: string; readonly kubernetes: string };
  readonly startedAtMs: number;
  readonly kube: Pick<KubeClient, 'requestCounts' | 'pressure' | 'staleGroups' | 'server'>;
  readonly loops: Pick<AgentLoops, 'state' | 'metrics'>;
  readonly connection: { state(): object };
  /** Undefined: it has none. */
  readonly facts?: { readonly watches: number } | undefined;
  readonly desired: Pick<DesiredState, 'applications' | 'pauses' | 'deletionsHeld' | 'batchOpen'>;
  /** What is fenced. Default: nothing. */
  readonly fenced?: () => readonly FencedApplication[];
  /** Undefined: no election. */
  readonly leader: boolean | undefined;
  readonly logLines: () => readonly string[];
}

const applicationsMax = 1_000;
/** An answer over the wire holds as much. */
export const diagnosticsBytesMax = 3 * 1024 * 1024;

function desiredSummary({ desired }: DiagnosticSources) {
  const all = [...desired.applications().values()];
  return {
    applications: all
      .slice(0, applicationsMax)
      .map(({ application, target, generation, reason, revisionId }) => ({
        application,
        generation,
        reason,
        revisionId,
        targetDigest: target.digest,
        objects: target.set.entries.length,
        removed: target.removed,
        selfHeal: target.sync.selfHeal,
        namespace: target.sync.namespace,
        serviceAccount: target.sync.serviceAccount,
        dependsOn: target.dependsOn,
      })),
    applicationsLeftOut: Math.max(0, all.length - applicationsMax),
    pauses: desired.pauses(),
    deletionsHeld: desired.deletionsHeld(),
    batchOpen: desired.batchOpen(),
  };
}

function describeFence({ application, group, sinceMs, resuming }: FencedApplication) {
  return { application, group, since: new Date(sinceMs).toISOString(), resuming };
}

/** How the agent is now, in short. */
export function describeAgent(sources: DiagnosticSources, nowMs: number) {
  const { cluster, namespace, instanceId, versions, kube, loops, connection, leader } = sources;
  const { loop, ...state } = loops.state();
  const memory = process.memoryUsage();
  return {
    cluster,
    namespace,
    instanceId,
    versions,
    leader,
    startedAt: new Date(sources.startedAtMs).toISOString(),
    uptimeSeconds: Math.round((nowMs - sources.startedAtMs) / 1_000),
    hub: connection.state(),
    api: {
      server: kube.server,
      requests: kube.requestCounts(),
      ...kube.pressure(),
      staleGroups: [...kube.staleGroups()],
    },
    ...state,
    factWatches: sources.facts?.watches ?? 0,
    fenced: (sources.fenced?.() ?? []).slice(0, applicationsMax).map(describeFence),
    failing: loop.filter(({ failures }) => failures > 0).slice(0, applicationsMax),
    events: loops.metrics,
    process: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      residentBytes: memory.rss,
      heapBytes: memory.heapUsed,
      heapReservedBytes: memory.heapTotal,
      externalBytes: memory.external,
      cpuMicroseconds: process.cpuUsage(),
    },
  };
}

/** The bundle: JSON text, cut to what the wire holds by leaving out the older lines of the log. */
export function collectDiagnostics(sources: DiagnosticSources, nowMs: number): string {
  const bundle = {
    at: new Date(nowMs).toISOString(),
    agent: describeAgent(sources, nowMs),
    desired: desiredSummary(sources),
  };
  const lines = sources.logLines();
  for (let kept = lines.length; ; kept = Math.floor(kept / 2)) {
    const log = lines.slice(lines.length - kept);
    const text = JSON.stringify({ ...bundle, log, logLinesLeftOut: lines.length - kept }, undefined, 2);
    if (kept === 0 || Buffer.byteLength(text) <= diagnosticsBytesMax) return text;
  }
}

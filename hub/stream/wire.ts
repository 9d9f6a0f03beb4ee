/** From what agents say on the wire to the hub's types. Nothing in it is trusted: texts are cut, unknown words fall back, Secrets' values are dropped. */
import {
  type ReportRequest,
  type Acknowledgement as WireAcknowledgement,
  type ApplicationReport as WireApplication,
  type ApplicationDigest as WireApplicationDigest,
  type AgentEvent as WireEvent,
  type ObjectGone as WireGone,
  type HookFailure as WireHookFailure,
  type ObjectReport as WireObject,
  type PruneHeld as WirePruneHeld,
  Acknowledgement_Stage as WireStage,
  type DigestSummary as WireSummary,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { ChangeAction, Drift, HealthStatus, SyncStatus } from '../../shared/manifest/health.ts';
import { isSecret, type ObjectKey } from '../../shared/manifest/object.ts';
import type { Epoch } from '../../shared/manifest/target.ts';
import { epochFromWire, keyFromWire } from '../../shared/stream/wire.ts';
import {
  digestFromWire,
  numberFromWire,
  reads,
  required,
  timeFromWire,
  wordOr,
} from '../../shared/stream/wire-base.ts';
import { driftFromWire } from '../../shared/stream/wire-drift.ts';
import type {
  AgentEvent,
  ApplicationObservation,
  ObjectObservation,
  ReportBatch,
} from '../model/observation.ts';
import type { AcknowledgementStage } from '../model/release.ts';

const syncStatuses = ['Synced', 'Pending', 'Failed', 'Drifted', 'Contested', 'Skipped', 'Retained'] as const;
const healthStatuses = ['Current', 'InProgress', 'Failed', 'Terminating', 'NotFound', 'Unknown'] as const;
const actions = ['created', 'configured', 'recreated', 'unchanged', 'deleted', 'skipped', 'failed'] as const;

const textMax = 4_096;
const cut = (text: string): string => (text.length > textMax ? text.slice(0, textMax) : text);

const syncOf = (text: string): SyncStatus => wordOr(syncStatuses, text, 'Pending');
const healthOf = (text: string): HealthStatus => wordOr(healthStatuses, text, 'Unknown');

/** What the agent holds of one application. */
export interface Held {
  readonly targetDigest: Digest;
  readonly generation: number;
  readonly releaseId: string;
}

export interface Summary {
  readonly epoch: Epoch;
  /** Highest generation that the agent has ever seen. */
  readonly generation: number;
  readonly applications: ReadonlyMap<string, Held>;
}

reads<WireSummary>({ epoch: true, generation: true, applications: true });
reads<WireApplicationDigest>({ application: true, targetDigest: true, generation: true, releaseId: true });
/** What an agent says it holds; nothing said: nothing held. */
export function summaryFromWire(wire: WireSummary | undefined): Summary {
  const applications = new Map<string, Held>();
  for (const { application, targetDigest, generation, releaseId } of wire?.applications ?? [])
    applications.set(application, {
      targetDigest: digestFromWire(targetDigest),
      generation: numberFromWire(generation),
      releaseId,
    });
  return {
    epoch: epochFromWire(wire?.epoch),
    generation: numberFromWire(wire?.generation ?? 0n),
    applications,
  };
}

const stages: Readonly<Partial<Record<WireStage, AcknowledgementStage>>> = {
  [WireStage.RECEIVED]: 'received',
  [WireStage.APPLIED]: 'applied',
  [WireStage.HEALTHY]: 'healthy',
  [WireStage.REFUSED]: 'refused',
  [WireStage.FAILED]: 'failed',
};

export interface ReceivedAcknowledgement {
  readonly application: string;
  readonly generation: number;
  readonly stage: AcknowledgementStage;
  readonly message: string;
  readonly timeMs: number;
}

reads<WireAcknowledgement>({
  application: true,
  generation: true,
  stage: true,
  targetDigest: true,
  message: true,
  timeUnixMs: true,
});
/** Undefined for a stage that this version does not know: it changes nothing. */
export function acknowledgementFromWire(wire: WireAcknowledgement): ReceivedAcknowledgement | undefined {
  const stage = stages[wire.stage];
  if (stage === undefined) return undefined;
  return {
    application: wire.application,
    generation: numberFromWire(wire.generation),
    stage,
    message: cut(wire.message),
    timeMs: timeFromWire(wire.timeUnixMs) ?? 0,
  };
}

reads<WireApplication>({
  application: true,
  generation: true,
  targetDigest: true,
  syncStatus: true,
  healthStatus: true,
  message: true,
  objects: true,
  objectsSynced: true,
  appliedAtUnixMs: true,
  timeUnixMs: true,
  waitsFor: true,
  changes: true,
  pruneHeld: true,
  hookUntilUnixMs: true,
});
reads<WirePruneHeld>({ objects: true, total: true, sinceUnixMs: true });
function applicationFromWire(cluster: string, wire: WireApplication): ApplicationObservation {
  const changes: Partial<Record<ChangeAction, number>> = {};
  for (const action of actions) {
    const count = wire.changes[action];
    if (count !== undefined) changes[action] = count;
  }
  return {
    cluster,
    application: wire.application,
    generation: numberFromWire(wire.generation),
    targetDigest: digestFromWire(wire.targetDigest),
    syncStatus: syncOf(wire.syncStatus),
    healthStatus: healthOf(wire.healthStatus),
    message: cut(wire.message),
    objects: wire.objects,
    objectsSynced: wire.objectsSynced,
    appliedAtMs: timeFromWire(wire.appliedAtUnixMs),
    timeMs: timeFromWire(wire.timeUnixMs) ?? 0,
    waitsFor: cut(wire.waitsFor),
    changes,
    ...(wire.pruneHeld && {
      pruneHeld: {
        objects: wire.pruneHeld.objects,
        total: wire.pruneHeld.total,
        sinceMs: timeFromWire(wire.pruneHeld.sinceUnixMs) ?? 0,
      },
    }),
    ...(wire.hookUntilUnixMs > 0n && { hookUntilMs: numberFromWire(wire.hookUntilUnixMs) }),
  };
}

/** Agents mask the values of Secrets themselves; one that does not is not believed. */
function maskedDrift(drift: Drift, key: ObjectKey | undefined): Drift {
  if (key === undefined || !isSecret(key)) return drift;
  return { ...drift, fields: drift.fields.map(({ path }) => ({ path })) };
}

reads<WireObject>({
  application: true,
  key: true,
  objectDigest: true,
  liveDigest: true,
  syncStatus: true,
  healthStatus: true,
  reason: true,
  message: true,
  drift: true,
  timeUnixMs: true,
  lastAction: true,
  generation: true,
});
function objectFromWire(cluster: string, wire: WireObject): ObjectObservation {
  const key = keyFromWire(required(wire.key, 'key'));
  return {
    cluster,
    application: wire.application,
    key,
    objectDigest: digestFromWire(wire.objectDigest, true),
    liveDigest: digestFromWire(wire.liveDigest, true),
    syncStatus: syncOf(wire.syncStatus),
    healthStatus: healthOf(wire.healthStatus),
    reason: cut(wire.reason),
    message: cut(wire.message),
    drift: wire.drift && maskedDrift(driftFromWire(wire.drift), key),
    lastAction: wordOr(actions, wire.lastAction, 'skipped'),
    generation: numberFromWire(wire.generation),
    timeMs: timeFromWire(wire.timeUnixMs) ?? 0,
  };
}

reads<WireEvent>({
  id: true,
  type: true,
  application: true,
  key: true,
  message: true,
  timeUnixMs: true,
  drift: true,
  hook: true,
});
reads<WireHookFailure>({ phase: true, attempt: true, reason: true });
function hookFromWire({ phase, attempt, reason }: WireHookFailure): NonNullable<AgentEvent['hook']> {
  return { phase: phase.slice(0, 64), attempt, reason: reason.slice(0, 64) };
}

function eventFromWire(wire: WireEvent): AgentEvent {
  const key = wire.key && keyFromWire(wire.key);
  return {
    id: wire.id.slice(0, 128),
    type: wire.type,
    application: wire.application,
    key,
    message: cut(wire.message),
    timeMs: timeFromWire(wire.timeUnixMs) ?? 0,
    drift: wire.drift && maskedDrift(driftFromWire(wire.drift), key),
    ...(wire.hook && { hook: hookFromWire(wire.hook) }),
  };
}

reads<WireGone>({ application: true, key: true });
reads<ReportRequest>({ sequence: true, applications: true, objects: true, gone: true, events: true });
/** @throws invalid_argument for a batch that cannot be read at all. */
export function batchFromWire(cluster: string, wire: ReportRequest): ReportBatch {
  return {
    cluster,
    applications: wire.applications.map((application) => applicationFromWire(cluster, application)),
    objects: wire.objects.map((object) => objectFromWire(cluster, object)),
    gone: wire.gone.map(({ application, key }) => ({ application, key: keyFromWire(required(key, 'key')) })),
    events: wire.events.map(eventFromWire),
  };
}

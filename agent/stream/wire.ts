/** Between the agent's types and the wire. An assignment that this version cannot read whole is refused, never acted on by half. */
import { create } from '@bufbuild/protobuf';
import {
  AcknowledgementSchema,
  AgentEventSchema,
  ApplicationDigestSchema,
  ApplicationReportSchema,
  type DigestSummary,
  DigestSummarySchema,
  FenceContactSchema,
  FencePromiseSchema,
  HookFailureSchema,
  ObjectGoneSchema,
  ObjectReportSchema,
  type PauseState,
  PruneHeldSchema,
  type ReportRequest,
  ReportRequestSchema,
  type Acknowledgement as WireAcknowledgement,
  type Assignment as WireAssignment,
  type ConfirmedPrune as WireConfirmedPrune,
  type FenceContact as WireFenceContact,
  type FenceState as WireFenceState,
  type Pause as WirePause,
  Acknowledgement_Stage as WireStage,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Blob as WireBlob } from '../../shared/gen/fairway/v1/common_pb.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import type { FenceOrder } from '../../shared/manifest/fencing.ts';
import type { ApplicationReport, ObjectReport } from '../../shared/manifest/report.ts';
import {
  epochFromWire,
  epochToWire,
  keyToWire,
  reasonFromWire,
  targetFromWire,
} from '../../shared/stream/wire.ts';
import {
  digestFromWire,
  digestToWire,
  encode,
  numberFromWire,
  reads,
  required,
  timeToWire,
} from '../../shared/stream/wire-base.ts';
import { driftToWire } from '../../shared/stream/wire-drift.ts';
import type { AcknowledgementSink, PauseEntry } from '../model/desired.ts';
import type { FenceContact } from '../model/fencing.ts';
import type { AgentEvent, ReportBatch } from '../model/report.ts';
import type { DesiredSummary } from './desired-store.ts';
import type { Assigned, Blob } from './held-state.ts';

const fenceAfterMinMs = 10_000;

export type Acknowledgement = Parameters<AcknowledgementSink['acknowledge']>[0];

export function summaryToWire({ epoch, generation, applications }: DesiredSummary): DigestSummary {
  return encode(DigestSummarySchema, {
    epoch: epochToWire(epoch),
    generation: BigInt(generation),
    applications: applications.map((held) =>
      encode(ApplicationDigestSchema, {
        application: held.application,
        targetDigest: digestToWire(held.target.digest),
        generation: BigInt(held.generation),
        releaseId: held.releaseId,
      }),
    ),
  });
}

reads<WireBlob>({ digest: true, content: true });
reads<WireAssignment>({
  application: true,
  generation: true,
  epoch: true,
  releaseId: true,
  reason: true,
  revisionId: true,
  target: true,
  blobs: true,
  more: true,
});
/** @throws unsupported, data_loss or invalid_argument for what this version cannot read whole. */
export function assignmentFromWire(wire: WireAssignment): { assigned: Assigned; blobs: readonly Blob[] } {
  const assigned: Assigned = {
    application: wire.application,
    generation: numberFromWire(wire.generation),
    epoch: epochFromWire(required(wire.epoch, 'epoch')),
    releaseId: wire.releaseId,
    reason: reasonFromWire(wire.reason),
    revisionId: wire.revisionId,
    target: targetFromWire(required(wire.target, 'target')),
    more: wire.more,
  };
  const blobs = wire.blobs.map(({ digest, content }) => ({
    digest: digestFromWire(digest),
    content: Buffer.from(content).toString(),
  }));
  return { assigned, blobs };
}

const stages = {
  received: WireStage.RECEIVED,
  applied: WireStage.APPLIED,
  healthy: WireStage.HEALTHY,
  refused: WireStage.REFUSED,
  failed: WireStage.FAILED,
} as const satisfies Record<Acknowledgement['stage'], WireStage>;

export function acknowledgementToWire(ack: Acknowledgement): WireAcknowledgement {
  return encode(AcknowledgementSchema, {
    application: ack.application,
    generation: BigInt(ack.generation),
    stage: stages[ack.stage],
    targetDigest: digestToWire(ack.targetDigest),
    message: ack.message,
    timeUnixMs: timeToWire(ack.timeMs),
  });
}

reads<WirePause>({ application: true, remainingMs: true, reason: true });
reads<PauseState>({ pauses: true, deletionsHeld: true, prunes: true });
reads<WireConfirmedPrune>({ application: true, targetDigest: true });
/** Which deletions have been confirmed: application to the digest of the Target that makes them. */
export function confirmedPrunesFromWire({ prunes }: PauseState): ReadonlyMap<string, Digest> {
  return new Map(prunes.map(({ application, targetDigest }) => [application, digestFromWire(targetDigest)]));
}

/** The wire says how long a pause still lasts, since clocks differ. @param nowMs the agent's own. */
export function pausesFromWire(wire: PauseState, nowMs: number): readonly PauseEntry[] {
  return wire.pauses.map(({ application, remainingMs, reason }) => ({
    application,
    reason,
    untilMs: remainingMs === 0n ? undefined : nowMs + numberFromWire(remainingMs),
  }));
}

function applicationToWire(report: ApplicationReport) {
  const { targetDigest, generation, appliedAtMs, timeMs, changes, pruneHeld, hookUntilMs, ...same } = report;
  return encode(ApplicationReportSchema, {
    ...same,
    targetDigest: digestToWire(targetDigest),
    generation: BigInt(generation),
    appliedAtUnixMs: timeToWire(appliedAtMs),
    timeUnixMs: timeToWire(timeMs),
    changes: Object.fromEntries(Object.entries(changes).filter(([, count]) => count !== undefined)),
    pruneHeld:
      pruneHeld &&
      encode(PruneHeldSchema, {
        objects: pruneHeld.objects,
        total: pruneHeld.total,
        sinceUnixMs: timeToWire(pruneHeld.sinceMs),
      }),
    hookUntilUnixMs: timeToWire(hookUntilMs),
  });
}

function objectToWire(report: ObjectReport) {
  const { key, objectDigest, liveDigest, drift, timeMs, generation, ...same } = report;
  return encode(ObjectReportSchema, {
    ...same,
    key: keyToWire(key),
    objectDigest: digestToWire(objectDigest),
    liveDigest: digestToWire(liveDigest),
    drift: drift && driftToWire(drift),
    timeUnixMs: timeToWire(timeMs),
    generation: BigInt(generation),
  });
}

function eventToWire(event: AgentEvent) {
  const { id, type, application, message } = event;
  return encode(AgentEventSchema, {
    id,
    type,
    application,
    message,
    key: event.key && keyToWire(event.key),
    timeUnixMs: timeToWire(event.timeMs),
    drift: event.drift && driftToWire(event.drift),
    hook: event.hook && encode(HookFailureSchema, { ...event.hook }),
  });
}

/** @param sequence by which the hub's answer names the batch. */
export function batchToWire(sequence: number, batch: ReportBatch): ReportRequest {
  return encode(ReportRequestSchema, {
    sequence: BigInt(sequence),
    applications: batch.applications.map(applicationToWire),
    objects: batch.objects.map(objectToWire),
    gone: batch.gone.map(({ application, key }) =>
      create(ObjectGoneSchema, { application, key: keyToWire(key) }),
    ),
    events: batch.events.map(eventToWire),
  });
}

export function fenceOrderFromWire({ rules, withheld }: WireFenceState): FenceOrder {
  return {
    rules: rules.map(({ group, afterMs, applications }) => ({
      ...{ group, applications },
      // The least that a ParityGroup may state: what nobody could answer in time would stop what is well.
      afterMs: Math.max(fenceAfterMinMs, numberFromWire(afterMs)),
    })),
    withheld,
  };
}

export function fenceContactToWire({ sequence, promises }: FenceContact): WireFenceContact {
  return encode(FenceContactSchema, {
    sequence: BigInt(sequence),
    promises: promises.map(({ afterMs, stopWithinMs, applications, fenced, left, group }) =>
      encode(FencePromiseSchema, {
        group,
        afterMs: BigInt(Math.round(afterMs)),
        applications: [...applications],
        fenced: [...fenced],
        left: [...left],
        stopWithinMs: BigInt(Math.round(stopWithinMs)),
      }),
    ),
  });
}

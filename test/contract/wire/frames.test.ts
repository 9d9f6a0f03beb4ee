/**
 * Recorded frames: what a peer of an older version sent must be read the same for ever. Binary frames lie in `frames/`; a frame that is
 * missing is recorded with RECORD_FRAMES=1, an existing one is never rewritten.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  acknowledgementToWire,
  assignmentFromWire,
  batchToWire,
  confirmedPrunesFromWire,
  pausesFromWire,
  summaryToWire,
} from '../../../agent/stream/wire.ts';
import { acknowledgementFromWire, batchFromWire, summaryFromWire } from '../../../hub/stream/wire.ts';
import {
  AcknowledgementSchema,
  AssignmentSchema,
  ConfirmedPruneSchema,
  DigestSummarySchema,
  PauseSchema,
  PauseStateSchema,
  ReportRequestSchema,
} from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { BlobSchema } from '../../../shared/gen/fairway/v1/common_pb.ts';
import { defaultSyncOptions } from '../../../shared/manifest/target.ts';
import { epochToWire, targetToWire } from '../../../shared/stream/wire.ts';
import { digestToWire, encode } from '../../../shared/stream/wire-base.ts';
import { configMap, render } from './harness.ts';

const folder = new URL('frames/', import.meta.url);

/** The recorded bytes of a message, read as that message. */
function recorded<D extends DescMessage>(
  name: string,
  schema: D,
  make: () => MessageShape<D>,
): MessageShape<D> {
  const file = new URL(`${name}.bin`, folder);
  if (!existsSync(file)) {
    if (process.env['RECORD_FRAMES'] !== '1')
      throw new Error(`no frame ${name}: record it with RECORD_FRAMES=1`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, toBinary(schema, make()));
  }
  return fromBinary(schema, readFileSync(file));
}

const epoch = { counter: 3, id: 'epoch-3' };
const { target, objects } = render([configMap('settings', 'one')], {
  health: [{ apiVersion: 'v1', kind: 'Widget', current: 'true', inProgress: 'false', failed: 'false' }],
  dependsOn: ['database'],
  deletionPolicy: 'orphan',
  sync: {
    selfHeal: 'report',
    prune: false,
    adoption: 'ifNoDiff',
    conflicts: 'report',
    foreignFields: 'undo',
    ignore: [{ group: 'apps', kind: 'Deployment', paths: ['/spec/replicas'], managers: ['hpa'] }],
    namespace: 'shop',
  },
});
const assigned = {
  application: 'web',
  generation: 7,
  epoch,
  releaseId: 'release-1',
  reason: 'rollback',
  revisionId: 'revision-1',
  target,
  more: true,
} as const;
const ack = {
  application: 'web',
  generation: 7,
  targetDigest: target.digest,
  stage: 'applied',
  message: 'done',
  timeMs: 1_767_225_600_000,
} as const;
const { key } = target.set.entries[0]!;
const drift = {
  kind: 'foreign',
  fields: [{ path: '/data/value', desired: '"one"' }],
  managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: 5_000 }],
  foundAtMs: 6_000,
  healedAtMs: 7_000,
} as const;
const application = {
  application: 'web',
  generation: 7,
  targetDigest: target.digest,
  syncStatus: 'Contested',
  healthStatus: 'InProgress',
  message: 'rolling out',
  objects: 3,
  objectsSynced: 2,
  appliedAtMs: 4_000,
  timeMs: 5_000,
  waitsFor: 'database',
  changes: { created: 1, configured: 2 },
} as const;
const object = {
  application: 'web',
  key,
  objectDigest: target.digest,
  liveDigest: '',
  syncStatus: 'Drifted',
  healthStatus: 'Current',
  reason: 'Drift',
  message: 'differs',
  drift,
  lastAction: 'configured',
  generation: 7,
  timeMs: 8_000,
} as const;
const event = {
  id: 'i:1',
  type: 'drift.found',
  application: 'web',
  key,
  message: 'differs',
  timeMs: 9_000,
  drift,
} as const;

describe('recorded frames', () => {
  it('reads an assignment', () => {
    const frame = recorded('assignment', AssignmentSchema, () =>
      encode(AssignmentSchema, {
        ...assigned,
        generation: 7n,
        epoch: epochToWire(epoch),
        target: targetToWire(target),
        blobs: objects.map(({ digest, content }) =>
          encode(BlobSchema, { digest: digestToWire(digest), content: Buffer.from(content) }),
        ),
      }),
    );
    const blobs = objects.map(({ digest, content }) => ({ digest, content }));
    expect(assignmentFromWire(frame)).toEqual({ assigned, blobs });
  });

  it('reads an acknowledgement', () => {
    const { targetDigest: _, ...kept } = ack;
    const frame = recorded('acknowledgement', AcknowledgementSchema, () => acknowledgementToWire(ack));
    expect(acknowledgementFromWire(frame)).toEqual(kept);
  });

  it('reads a summary', () => {
    const summary = { epoch, generation: 9, applications: [assigned] };
    const frame = recorded('summary', DigestSummarySchema, () => summaryToWire(summary));
    const held = { targetDigest: target.digest, generation: 7, releaseId: 'release-1' };
    expect(summaryFromWire(frame)).toEqual({ epoch, generation: 9, applications: new Map([['web', held]]) });
  });

  it('reads pauses', () => {
    const frame = recorded('pauses', PauseStateSchema, () =>
      encode(PauseStateSchema, {
        deletionsHeld: true,
        prunes: [],
        pauses: [
          encode(PauseSchema, { application: 'web', remainingMs: 1_000n, reason: 'maintenance' }),
          encode(PauseSchema, { application: '', remainingMs: 0n, reason: 'in Git' }),
        ],
      }),
    );
    expect(frame.deletionsHeld).toBe(true);
    expect(pausesFromWire(frame, 5_000)).toEqual([
      { application: 'web', untilMs: 6_000, reason: 'maintenance' },
      { application: '', untilMs: undefined, reason: 'in Git' },
    ]);
  });

  it('reads deletions that were confirmed', () => {
    const frame = recorded('confirmed-prunes', PauseStateSchema, () =>
      encode(PauseStateSchema, {
        deletionsHeld: false,
        pauses: [],
        prunes: [
          encode(ConfirmedPruneSchema, { application: 'web', targetDigest: digestToWire(target.digest) }),
        ],
      }),
    );
    expect(confirmedPrunesFromWire(frame)).toEqual(new Map([['web', target.digest]]));
  });

  it('reads a failed hook, and deletions that are held back', () => {
    const held = { ...application, pruneHeld: { objects: 11, total: 15, sinceMs: 4_500 } };
    const failed = {
      id: 'hook-web-1',
      type: 'hook.failed',
      application: 'web',
      key,
      message: 'failed',
      timeMs: 9_000,
      drift: undefined,
      hook: { phase: 'pre-sync', attempt: 2, reason: 'HookFailed' },
    } as const;
    const batch = { applications: [held], objects: [], gone: [], events: [failed] };
    const frame = recorded('report-held', ReportRequestSchema, () => batchToWire(5, batch));
    const read = batchFromWire('eu-1', frame);
    expect(read.applications).toEqual([{ cluster: 'eu-1', ...held }]);
    expect(read.events).toEqual([failed]);
  });

  it('reads until when a hook is at work', () => {
    const busy = { ...application, hookUntilMs: 605_000 };
    const batch = { applications: [busy], objects: [], gone: [], events: [] };
    const frame = recorded('report-hook', ReportRequestSchema, () => batchToWire(6, batch));
    expect(batchFromWire('eu-1', frame).applications).toEqual([{ cluster: 'eu-1', ...busy }]);
  });

  it('reads an assignment of a Project', () => {
    const bounded = render([configMap('settings', 'one')], {
      sync: {
        ...defaultSyncOptions,
        serviceAccount: 'red:deployer',
        clusterObjects: [{ group: '', kind: 'Namespace', names: ['red-*'] }],
      },
    }).target;
    const frame = recorded('assignment-project', AssignmentSchema, () =>
      encode(AssignmentSchema, {
        ...assigned,
        generation: 7n,
        epoch: epochToWire(epoch),
        target: targetToWire(bounded),
        blobs: [],
      }),
    );
    expect(assignmentFromWire(frame).assigned.target).toEqual(bounded);
  });

  it('reads a report', () => {
    const batch = {
      applications: [application],
      objects: [object],
      gone: [{ application: 'web', key }],
      events: [event],
    };
    const frame = recorded('report', ReportRequestSchema, () => batchToWire(4, batch));
    expect(frame.sequence).toBe(4n);
    expect(batchFromWire('eu-1', frame)).toEqual({
      cluster: 'eu-1',
      applications: [{ cluster: 'eu-1', ...application }],
      objects: [{ cluster: 'eu-1', ...object }],
      gone: batch.gone,
      events: [event],
    });
  });
});

describe('values of a newer peer', () => {
  it('fall back in reports', () => {
    const wire = batchToWire(1, { applications: [application], objects: [object], gone: [], events: [] });
    wire.objects[0]!.syncStatus = 'Entangled';
    wire.objects[0]!.healthStatus = 'Dreaming';
    wire.objects[0]!.lastAction = 'teleported';
    wire.objects[0]!.drift!.kind = 'sideways';
    expect(batchFromWire('eu-1', wire).objects[0]).toMatchObject({
      syncStatus: 'Pending',
      healthStatus: 'Unknown',
      lastAction: 'skipped',
      drift: { kind: 'changed' },
    });
    const later = acknowledgementToWire(ack);
    later.stage = 99 as never;
    expect(acknowledgementFromWire(later)).toBeUndefined();
  });

  it('are refused in a target, as is one that does not match its digest', () => {
    const make = () =>
      encode(AssignmentSchema, {
        ...assigned,
        generation: 7n,
        epoch: epochToWire(epoch),
        target: targetToWire(target),
        blobs: [],
      });
    const unknownWord = make();
    unknownWord.target!.sync!.selfHeal = 'sometimes';
    expect(() => assignmentFromWire(unknownWord)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    const changed = make();
    changed.target!.dependsOn.push('other');
    expect(() => assignmentFromWire(changed)).toThrow(expect.objectContaining({ code: 'data_loss' }));
    const hollow = make();
    delete hollow.target!.set;
    expect(() => assignmentFromWire(hollow)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

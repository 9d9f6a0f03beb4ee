import { describe, expect, it } from 'vitest';
import { createManifestSet, createTarget, defaultSyncOptions } from '../../../shared/manifest/target.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { collectDiagnostics, type DiagnosticSources, diagnosticsBytesMax } from './diagnostics.ts';
import { createLogRing } from './log-ring.ts';

function sources(lines: readonly string[], applications = 1): DiagnosticSources {
  const target = createTarget({
    set: createManifestSet([]),
    sync: defaultSyncOptions,
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune',
    removed: false,
  });
  const all = Array.from(
    { length: applications },
    (_, index): DesiredApplication => ({
      application: `app-${index}`,
      target,
      generation: 1,
      epoch: { counter: 1, id: 'one' },
      releaseId: 'r',
      reason: 'release',
      revisionId: 'v',
    }),
  );
  return {
    cluster: 'eu-1',
    namespace: 'fairway-agent',
    instanceId: 'i',
    versions: { agent: '0.1.0', kubernetes: 'v1.36.3' },
    startedAtMs: 0,
    fenced: () => [{ application: 'web', group: 'eu', sinceMs: 0, targetDigest: 'd', resuming: false }],
    kube: {
      server: 'https://10.0.0.1',
      requestCounts: () => ({}),
      pressure: () => ({ window: 16, underway: 0, waiting: 0 }),
      staleGroups: () => new Set(),
    },
    loops: {
      state: () => ({
        loop: [],
        applications: [],
        watches: 0,
        observed: 0,
        refused: 0,
        unreachable: undefined,
      }),
      metrics: { syncs: 0, driftFound: 0, driftHealed: 0, driftMissedByWatch: 0, suspicions: 0, pruned: 0 },
    } as unknown as DiagnosticSources['loops'],
    connection: { state: () => ({ connected: true }) },
    desired: {
      applications: () => new Map(all.map((application) => [application.application, application])),
      pauses: () => [],
      deletionsHeld: () => false,
      batchOpen: () => false,
    },
    leader: undefined,
    logLines: () => lines,
  };
}

describe('collectDiagnostics', () => {
  it('tells what there is', () => {
    const bundle = JSON.parse(collectDiagnostics(sources(['one', 'two']), 60_000));
    expect(bundle).toMatchObject({
      at: '1970-01-01T00:01:00.000Z',
      agent: {
        ...{ cluster: 'eu-1', uptimeSeconds: 60, hub: { connected: true } },
        fenced: [{ application: 'web', group: 'eu', since: '1970-01-01T00:00:00.000Z' }],
      },
      desired: {
        applications: [{ application: 'app-0', objects: 0, selfHeal: 'enforce' }],
        applicationsLeftOut: 0,
      },
      log: ['one', 'two'],
      logLinesLeftOut: 0,
    });
  });

  it('keeps within its bounds: the older lines of the log go, then applications', () => {
    const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${'x'.repeat(2_000)}`);
    const text = collectDiagnostics(sources(lines, 1_500), 0);
    const bundle = JSON.parse(text);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(diagnosticsBytesMax);
    expect([bundle.desired.applications.length, bundle.desired.applicationsLeftOut]).toEqual([1_000, 500]);
    expect(bundle.log.at(-1)).toBe(lines.at(-1));
    expect(bundle.log.length + bundle.logLinesLeftOut).toBe(3_000);
  });
});

describe('createLogRing', () => {
  it('passes every line on and keeps the last ones, cut', () => {
    const written: string[] = [];
    const ring = createLogRing((line) => written.push(line));
    for (let index = 0; index < 600; index += 1) ring.write(`${index} ${'x'.repeat(3_000)}`);
    expect([written.length, written[0]?.length]).toEqual([600, 3_002]);
    expect([ring.lines().length, ring.lines()[0]?.slice(0, 4), ring.lines()[0]?.length]).toEqual([
      500,
      '100 ',
      2_000,
    ]);
  });
});

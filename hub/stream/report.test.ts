import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { AgentEventSchema, ReportRequestSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { NewEvent } from '../model/event.ts';
import { assign } from '../store/contract/fixtures.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { saveReport } from './report.ts';

describe('saveReport', () => {
  it('lets an agent write drift and sync events only, under ids of its own cluster', async () => {
    const kept: NewEvent[] = [];
    const store = {
      observations: {
        saveBatch: async (_batch: unknown, events: readonly NewEvent[]) => void kept.push(...events),
      },
      releases: { assignments: async () => [{ application: 'web', revisionId: 'v1' }] },
    } as unknown as Pick<Store, 'observations' | 'releases'>;
    const events = ['audit.confirm', 'agent.enrolled', 'toString', 'drift.found'].map((type) =>
      create(AgentEventSchema, { id: 'i:1', type, application: 'web', message: 'm', timeUnixMs: 5n }),
    );
    await saveReport(store, 'eu-1', create(ReportRequestSchema, { sequence: 1n, events }), 10);
    expect(kept).toMatchObject([
      {
        type: 'drift.found',
        actor: 'agent:eu-1',
        cluster: 'eu-1',
        id: 'eu-1:i:1',
        revisionId: 'v1',
        timeMs: 5,
      },
    ]);
  });

  it('keeps what a failed hook tells, once however often an agent says it', async () => {
    const store = await openStore({
      path: ':memory:',
      dataKey: new Uint8Array(32),
      clock: createFakeClock(),
      random: createSeededRandom(1),
      log: silentLogger,
    });
    await assign(store, 'eu-1', 'web');
    const key = { group: 'batch', kind: 'Job', namespace: 'shop', name: 'migrate' };
    const hook = { phase: 'pre-sync', attempt: 2, reason: 'HookFailed' };
    const message =
      'pre-sync hook Job shop/migrate failed: BackoffLimitExceeded; container db: no such table';
    const event = { id: 'hook-web-1', type: 'hook.failed', application: 'web', key, message, hook };
    const report = create(ReportRequestSchema, { sequence: 1n, events: [{ ...event, timeUnixMs: 5n }] });
    await saveReport(store, 'eu-1', report, 10);
    await saveReport(store, 'eu-1', report, 20);
    const { items } = await store.events.list({ types: ['hook'] }, { limit: 10 });
    expect(items).toMatchObject([
      { type: 'hook.failed', object: 'batch/Job/shop/migrate', message, data: { hook }, cluster: 'eu-1' },
    ]);
    await store.close();
  });

  it('dates nothing ahead of the hub, so that an agent whose clock is set right is heard again', async () => {
    const store = await openStore({
      path: ':memory:',
      dataKey: new Uint8Array(32),
      clock: createFakeClock(),
      random: createSeededRandom(1),
      log: silentLogger,
    });
    const target = await assign(store, 'eu-1', 'web');
    const report = (timeMs: number, syncStatus: string) =>
      create(ReportRequestSchema, {
        sequence: 1n,
        applications: [
          {
            application: 'web',
            generation: 1n,
            targetDigest: Buffer.from(target.digest, 'hex'),
            syncStatus,
            timeUnixMs: BigInt(timeMs),
          },
        ],
        events: [{ id: `i:${timeMs}`, type: 'sync.failed', application: 'web', timeUnixMs: BigInt(timeMs) }],
      });
    const [fast, right] = [9_000_000, 2_000];
    await saveReport(store, 'eu-1', report(fast, 'Failed'), 1_000);
    await saveReport(store, 'eu-1', report(right, 'Synced'), 2_000);
    expect(await store.observations.applications({})).toMatchObject([
      { syncStatus: 'Synced', timeMs: 2_000 },
    ]);
    const { items } = await store.events.list({ types: ['sync'] }, { limit: 10 });
    expect(items.map(({ timeMs }) => timeMs)).toEqual([2_000, 1_000]);
    await store.close();
  });
});

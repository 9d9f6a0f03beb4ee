import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { AgentEventSchema, ReportRequestSchema } from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { NewEvent } from '../model/event.ts';
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
    await saveReport(store, 'eu-1', create(ReportRequestSchema, { sequence: 1n, events }));
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
});

import { PassThrough } from 'node:stream';
import type { Client } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import type { ReportRequest } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { createReportQueue } from '../report/queue.ts';
import { sendReports } from './reporter.ts';

/** The hub's side of one call: what was written to it, and whether it was ended by the agent. */
class Call extends PassThrough {
  readonly written: ReportRequest[] = [];
  ended = false;

  constructor() {
    super({ objectMode: true });
  }

  override write(message: unknown): boolean {
    this.written.push(message as ReportRequest);
    return true;
  }

  override end(): this {
    this.ended = true;
    return this;
  }

  cancel(): void {
    this.destroy();
  }

  /** Says that the last batch is stored. */
  store(): void {
    this.emit('data', { sequence: this.written.at(-1)?.sequence });
  }
}

const event = (id: string) => ({
  id,
  type: 'sync.succeeded' as const,
  application: 'shop',
  key: undefined,
  message: 'done',
  timeMs: 1,
  drift: undefined,
});

describe('sendReports', () => {
  let calls: Call[];
  let ends: FairwayError[];
  const clock = createFakeClock();
  const abort = new AbortController();
  let reports: ReturnType<typeof createReportQueue>;

  beforeEach(() => {
    calls = [];
    ends = [];
    reports = createReportQueue();
    const client = {
      makeBidiStreamRequest: () => {
        const call = new Call();
        calls.push(call);
        return call;
      },
    } as unknown as Client;
    reports.onReady(sendReports({ client, reports, clock, abort, finish: (error) => ends.push(error) }));
  });

  it('opens no call while there is nothing to tell', () => {
    expect(calls).toHaveLength(0);
    reports.event(event('1'));
    expect(calls).toHaveLength(1);
  });

  it('ends a call that has had nothing to tell for a while, and opens another for what comes next', async () => {
    reports.event(event('1'));
    calls[0]?.store();
    await clock.advance(29_000);
    expect(calls[0]?.ended).toBe(false);
    await clock.advance(2_000);
    expect(calls[0]?.ended).toBe(true);
    calls[0]?.emit('end');
    expect(ends).toEqual([]);
    reports.event(event('2'));
    expect(calls).toHaveLength(2);
    expect(calls[1]?.written.map(({ sequence }) => sequence)).toEqual([2n]);
  });

  it('never ends a call whose last batch is not stored', async () => {
    reports.event(event('1'));
    await clock.advance(120_000);
    expect(calls[0]?.ended).toBe(false);
  });

  it('starts the wait anew with each batch', async () => {
    reports.event(event('1'));
    calls[0]?.store();
    await clock.advance(20_000);
    reports.event(event('2'));
    calls[0]?.store();
    await clock.advance(20_000);
    expect(calls[0]?.ended).toBe(false);
    expect(calls).toHaveLength(1);
  });

  it('takes the end of an open call for the end of the connection', () => {
    reports.event(event('1'));
    calls[0]?.emit('end');
    expect(ends.map(({ code }) => code)).toEqual(['unavailable']);
  });
});

import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import {
  FactsChangedSchema,
  LogsAnswerSchema,
  QueryReadySchema,
  type QueryRequest,
  QueryRequestSchema,
  type QueryResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { createQueryHub } from './query-hub.ts';

const question = {
  type: 'logs',
  namespace: 'a',
  pod: 'b',
  container: '',
  tailLines: 10,
  previous: false,
} as const;

function setUp() {
  const clock = createFakeClock();
  const changed: string[] = [];
  const hub = createQueryHub(clock, (cluster) => changed.push(cluster));
  const asked: QueryResponse[] = [];
  const line = hub.attach('eu-1', (message) => void asked.push(message));
  const answer = (index: number, value: QueryRequest['answer']) =>
    line.receive(create(QueryRequestSchema, { queryId: asked[index]!.queryId, answer: value }));
  return { clock, hub, asked, line, answer, changed };
}

const logs = (text: string): QueryRequest['answer'] => ({
  case: 'logs',
  value: create(LogsAnswerSchema, { content: Buffer.from(text) }),
});

describe('query hub', () => {
  it('tells of an agent that can be asked, and of facts that have changed', () => {
    const { line, changed } = setUp();
    const say = (answer: QueryRequest['answer']) => line.receive(create(QueryRequestSchema, { answer }));
    say({ case: 'ready', value: create(QueryReadySchema) });
    say({ case: 'factsChanged', value: create(FactsChangedSchema) });
    say(logs('too late'));
    expect(changed).toEqual(['eu-1', 'eu-1']);
  });

  it('gives each answer to its own question, in any order, and ignores one too many', async () => {
    const { hub, answer, clock } = setUp();
    const first = hub.ask('eu-1', question);
    const second = hub.ask('eu-1', question);
    answer(1, logs('second'));
    answer(0, logs('first'));
    answer(0, logs('again'));
    expect(await first).toMatchObject({ content: 'first' });
    expect(await second).toMatchObject({ content: 'second' });
    expect(clock.pending).toBe(0);
  });

  it('bounds what waits, and lets go of it when time is over or the line is gone', async () => {
    const { hub, clock, line } = setUp();
    const waiting = Array.from({ length: 32 }, () =>
      hub.ask('eu-1', question, { timeoutMs: 1_000 }).catch((e) => e.code),
    );
    await expect(hub.ask('eu-1', question)).rejects.toMatchObject({ code: 'resource_exhausted' });
    await clock.advance(1_000);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['deadline_exceeded']));
    const late = hub.ask('eu-1', question);
    line.detach();
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
    await expect(hub.ask('eu-1', question)).rejects.toMatchObject({ code: 'unavailable' });
    expect(clock.pending).toBe(0);
  });

  it('takes an unknown code for an internal error, and another kind of answer for none', async () => {
    const { hub, answer } = setUp();
    const failed = hub.ask('eu-1', question);
    answer(0, { case: 'failure', value: { code: 'on_fire', message: 'help' } as never });
    await expect(failed).rejects.toMatchObject({ code: 'internal', message: 'help' });
    const other = hub.ask('eu-1', question);
    answer(1, { case: 'object', value: { found: true, content: new Uint8Array() } as never });
    await expect(other).rejects.toMatchObject({ code: 'internal' });
  });
});

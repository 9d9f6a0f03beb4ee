import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import type { Transport } from './transport.ts';
import { runWatch } from './watch-stream.ts';

function open() {
  const clock = createFakeClock();
  const body = new PassThrough();
  const events: string[] = [];
  const transport = {
    open: async ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => body.destroy(signal.reason as Error), { once: true });
      return body;
    },
  } as unknown as Transport;
  const ended = runWatch(transport, clock, {
    path: '/api/v1/configmaps',
    accept: 'application/json',
    timeoutSeconds: 600,
    onEvent: ({ type }) => events.push(type),
    signal: new AbortController().signal,
  }).then(
    () => 'ended',
    ({ code }: { code: string }) => code,
  );
  let over: string | undefined;
  void ended.then((how) => {
    over = how;
  });
  const say = async (type: string) => {
    body.write(`${JSON.stringify({ type, object: { metadata: {} } })}\n`);
    await clock.advance(0);
  };
  return { clock, say, events, ended, over: () => over, body };
}

describe('runWatch', () => {
  it('lets go of a connection of which the other end has gone: bookmarks stop coming', async () => {
    const { clock, say, events, over, ended } = open();
    await clock.advance(0);
    await say('ADDED');
    await say('BOOKMARK');
    for (let minute = 0; minute < 4; minute += 1) {
      await clock.advance(60_000);
      await say('BOOKMARK');
    }
    expect(over()).toBeUndefined();
    await clock.advance(241_000);
    expect(await ended).toBe('deadline_exceeded');
    expect(events.length).toBe(6);
    expect(clock.pending).toBe(0);
  });

  it('waits for the end that it asked for where no bookmarks come, and no longer', async () => {
    const { clock, say, over, ended } = open();
    await clock.advance(0);
    await say('ADDED');
    await clock.advance(600_000);
    expect(over()).toBeUndefined();
    await clock.advance(30_000);
    expect(await ended).toBe('deadline_exceeded');
  });

  it('ends well when the server ends it', async () => {
    const { clock, body, ended } = open();
    await clock.advance(0);
    body.end();
    expect(await ended).toBe('ended');
    expect(clock.pending).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { startWorkerClient } from './worker-client.ts';

function startDying(worker: string) {
  const code = `import { parentPort } from 'node:worker_threads';\n${worker}`;
  return startWorkerClient({
    input: { path: ':memory:', dataKey: new Uint8Array(32), seed: '00', nowMs: 0 },
    clock: createFakeClock(),
    log: silentLogger,
    workerUrl: new URL(`data:text/javascript,${encodeURIComponent(code)}`),
  });
}

describe('startWorkerClient', () => {
  it('rejects what waits, and all later calls, when the worker dies', async () => {
    const client = await startDying(`
      parentPort.on('message', (request) => { if (request.method === 'die') process.exit(3); });
      parentPort.postMessage({ type: 'ready' });`);
    const dead = { code: 'unavailable', retry: false };
    const calls = await Promise.allSettled([client.call('wait', []), client.call('die', [])]);
    expect(calls.map((call) => call.status === 'rejected' && call.reason)).toMatchObject([dead, dead]);
    await expect(client.call('later', [])).rejects.toMatchObject(dead);
    await client.close();
  });

  it('rejects when the worker dies before it is ready', async () => {
    await expect(startDying('process.exit(3);')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { startWorkerClient } from './worker-client.ts';

function startDying(worker: string, onStopped?: (error: FairwayError) => void) {
  const code = `import { parentPort } from 'node:worker_threads';\n${worker}`;
  return startWorkerClient({
    input: { path: ':memory:', dataKey: new Uint8Array(32), seed: '00', nowMs: 0 },
    clock: createFakeClock(),
    log: silentLogger,
    onStopped,
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

  it('says once that the worker died, and nothing when it was closed', async () => {
    const told: FairwayError[] = [];
    const dying = `parentPort.on('message', () => process.exit(3)); parentPort.postMessage({ type: 'ready' });`;
    const client = await startDying(dying, (error) => told.push(error));
    await Promise.allSettled([client.call('die', []), client.call('die', [])]);
    expect(told).toMatchObject([{ code: 'unavailable', retry: false }]);
    const closed = await startDying(dying, (error) => told.push(error));
    await closed.close();
    expect(told).toHaveLength(1);
  });

  it('rejects when the worker dies before it is ready', async () => {
    await expect(startDying('process.exit(3);')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

/** An API server in trouble, and what becomes of the agent's work in the end: everything as desired, nothing twice. */
import { afterAll, describe, expect, it } from 'vitest';
import { toKubeError } from '../../../agent/kube/status-error.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-life');
const at = bed as Bed;

const configMap = (name: string, value: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
});
const dataOf = async (name: string) =>
  ((await at.get('v1', 'ConfigMap', 'default', name))?.['data'] as { value: string } | undefined)?.value;
const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const statusOf = (code: number, reason: string) =>
  toKubeError(
    code,
    JSON.stringify({ kind: 'Status', code, reason, message: `the server says ${reason}` }),
    undefined,
    'x',
  );

describe.skipIf(!bed)('an API server in trouble', () => {
  afterAll(() => at.stop());

  it('that answers the first write of each object with 500, and others late: all is applied in the end', async () => {
    const tried = new Map<string, number>();
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        async apply(ref, body, options) {
          const turn = (tried.get(ref.name) ?? 0) + 1;
          tried.set(ref.name, turn);
          if (turn === 1) throw statusOf(500, 'InternalError');
          const live = await client.apply(ref, body, options);
          // It has done it, and the answer is late: others go on meanwhile.
          if (ref.name.endsWith('3')) await new Promise<void>((resolve) => setTimeout(resolve, 300));
          return live;
        },
      }),
    });
    const wanted = names('slow', 20);
    agent.desire(
      'slow',
      wanted.map((name) => configMap(name, '1')),
    );
    await waitFor('all to be applied', async () => {
      agent.loops.syncNow();
      await agent.loops.idle();
      return agent.applications.get('slow')?.syncStatus === 'Synced';
    });
    expect(await Promise.all(wanted.map(dataOf))).toEqual(wanted.map(() => '1'));
    const versions = async () =>
      Promise.all(
        wanted.map(
          async (name) => (await at.get('v1', 'ConfigMap', 'default', name))?.metadata['resourceVersion'],
        ),
      );
    const before = await versions();
    agent.loops.syncNow();
    await agent.loops.idle();
    expect(await versions()).toEqual(before);
    await agent.stop();
  }, 60_000);

  it('that tells of a watch that it is too old: what happened meanwhile is found by listing anew', async () => {
    let deaf = false;
    const ends: (() => void)[] = [];
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        watch(request, onEvent, signal) {
          const heard: typeof onEvent = (event) => {
            if (!deaf) onEvent(event);
          };
          const expired = new Promise<void>((_resolve, reject) => {
            ends.push(() => reject(statusOf(410, 'Expired')));
          });
          return Promise.race([client.watch(request, heard, signal), expired]);
        },
      }),
    });
    agent.desire('expired', [configMap('changed', '1'), configMap('deleted', '1')]);
    await agent.synced('expired');
    deaf = true;
    await at.kubectl('patch', 'configmap', 'changed', '-p', '{"data":{"value":"9"}}');
    await at.kubectl('delete', 'configmap', 'deleted');
    expect(await dataOf('changed')).toBe('9');
    deaf = false;
    for (const end of ends.splice(0)) end();
    await waitFor(
      'both to be put right',
      async () => (await dataOf('changed')) === '1' && (await dataOf('deleted')) === '1',
    );
    expect(agent.loops.metrics.driftMissedByWatch).toBe(0);
    await agent.stop();
  }, 60_000);

  it('that dies with a write on its way: the write is done once, and told', async () => {
    let cut = false;
    const agent = await at.agent({
      wrap: (client) => ({
        ...client,
        async apply(ref, body, options) {
          const live = await client.apply(ref, body, options);
          if (cut || ref.name !== 'unanswered') return live;
          cut = true;
          throw new FairwayError('unavailable', 'the API server closed the connection', {
            details: { unreachable: true },
          });
        },
      }),
    });
    agent.desire('unanswered', [configMap('unanswered', '1')]);
    await agent.synced('unanswered');
    expect([cut, await dataOf('unanswered')]).toEqual([true, '1']);
    expect(agent.events.filter(({ type }) => type === 'drift.found')).toEqual([]);
    await agent.stop();
  });

  it('that is killed and comes back: nothing is written anew, drift made meanwhile is undone', async () => {
    const agent = await at.agent();
    agent.desire(
      'restart',
      names('restart', 5).map((name) => configMap(name, '1')),
    );
    await agent.synced('restart');
    const before = await at.get('v1', 'ConfigMap', 'default', 'restart-1');
    await at.restart();
    await at.kubectl('patch', 'configmap', 'restart-0', '-p', '{"data":{"value":"9"}}');
    await waitFor('the drift to be undone', async () => (await dataOf('restart-0')) === '1');
    expect((await at.get('v1', 'ConfigMap', 'default', 'restart-1'))?.metadata['resourceVersion']).toBe(
      before?.metadata['resourceVersion'],
    );
    await agent.stop();
  });
});

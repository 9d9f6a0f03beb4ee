/**
 * An agent that dies at any request of a release with hooks, before the API server has it or after: whoever comes next finishes the release, and each hook
 * has been run once. Jobs are ended by a stand-in for the Job controller, which also counts what was ever made.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../agent/kube/kube-client.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';
import { configMap, endJob, jobHook } from './hook-bed.ts';

const bed = await startBed('agent-hook-faults');
const at = bed as Bed;

/** Uids of all Jobs that were ever made, by the name of their hook. */
const made = new Map<string, Set<string>>();
const stop = new AbortController();
let controller: Promise<void> | undefined;

async function runController(): Promise<void> {
  const resource = await at.resource('batch/v1', 'Job');
  const ended = new Set<string>();
  while (!stop.signal.aborted) {
    const { resourceVersion } = await at.admin.list({ resource, namespace: '' });
    await at.admin
      .watch(
        { resource, namespace: '', resourceVersion },
        ({ type, object }) => {
          const { name } = object.metadata;
          const uid = String(object.metadata['uid']);
          const base = name.slice(0, name.lastIndexOf('-'));
          if (type !== 'ADDED' || ended.has(uid)) return;
          ended.add(uid);
          made.set(base, (made.get(base) ?? new Set()).add(uid));
          void endJob(at, name, base.includes('doomed') ? 'Failed' : 'Complete').catch(() => {
            // The run was ended, and is gone.
          });
        },
        stop.signal,
      )
      .catch(() => {
        // Ended by the test, or by the API server's own limit.
      });
  }
}

beforeAll(() => {
  if (bed) controller = runController();
});
afterAll(async () => {
  stop.abort();
  await controller;
  await bed?.stop();
});

type Moment = 'before' | 'after';

/** Dies at the n-th request: nothing more gets through. */
function mortal(
  client: KubeClient,
  n: number,
  moment: Moment,
): { client: KubeClient; isDead: () => boolean } {
  let sent = 0;
  const dead = () => new FairwayError('unavailable', 'the agent is dead');
  const verbs = ['get', 'list', 'apply', 'create', 'patch', 'delete', 'logs'] as const;
  const wrapped = Object.fromEntries(
    verbs.map((verb) => [
      verb,
      async (...args: readonly unknown[]) => {
        sent += 1;
        if (sent > n || (sent === n && moment === 'before')) throw dead();
        const call = client[verb] as (...args: readonly unknown[]) => Promise<unknown>;
        const answer = await call(...args);
        if (sent >= n) throw dead();
        return answer;
      },
    ]),
  );
  return { client: { ...client, ...wrapped }, isDead: () => sent >= n };
}

const isOver = ({ applications, desired }: Agent, name: string, status: string) => {
  const report = applications.get(name);
  const generation = desired.applications().get(name)?.generation;
  return report?.syncStatus === status && report.generation === generation;
};

/** Whether the agent lived to the end of it. */
async function runMortal(name: string, set: readonly Manifest[], n: number, moment: Moment, status: string) {
  let isDead = () => false;
  const wrap = (client: KubeClient) => {
    const wrapped = mortal(client, n, moment);
    isDead = wrapped.isDead;
    return wrapped.client;
  };
  const first = await at.agent({ wrap });
  first.desire(name, set);
  await waitFor(
    `${name}: the end of it, or of the agent`,
    () => isDead() || isOver(first, name, status),
    20_000,
  );
  const lived = !isDead();
  await first.stop();
  return { lived, desired: first.desired };
}

const finalState = async (name: string) => {
  const runs = await at.kubectl(
    'get',
    'jobs',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.finalizers}{"\\n"}{end}',
  );
  return runs.split('\n').filter((line) => line.includes(name));
};

describe.skipIf(!bed)('an agent that dies at any request of a release', () => {
  it.each(['before', 'after'] as const)(
    '%s it was served, runs no hook twice',
    async (moment) => {
      for (let n = 1; ; n += 1) {
        const name = `kill-${moment}-${n}`;
        const deleted = { 'fairway.dev/hook-delete-policy': 'hook-succeeded' };
        const set = [
          jobHook(`pre-${name}`, 'pre-sync', deleted),
          configMap(`object-${name}`, { v: '1' }),
          jobHook(`post-${name}`, 'post-sync'),
          jobHook(`fail-${name}`, 'sync-fail'),
        ];
        const { lived, desired } = await runMortal(name, set, n, moment, 'Synced');
        const second = await at.agent({ desired });
        await second.synced(name);
        await waitFor(`${name}: the first hook to be gone`, async () =>
          (await finalState(name)).every((line) => line.startsWith('post-') && !line.includes('fairway.dev')),
        );
        expect([n, made.get(`pre-${name}`)?.size, made.get(`post-${name}`)?.size]).toEqual([n, 1, 1]);
        expect(made.has(`fail-${name}`)).toBe(false);
        expect(await at.get('v1', 'ConfigMap', 'default', `object-${name}`)).toBeDefined();
        await second.stop();
        if (!lived) continue;
        expect(n).toBeGreaterThan(8);
        return;
      }
    },
    300_000,
  );

  it('that fails, runs what failed once and what tells of it once', async () => {
    for (let n = 1; ; n += 1) {
      const name = `doomed-${n}`;
      const set = [
        jobHook(`pre-${name}`, 'pre-sync'),
        configMap(`object-${name}`, { v: '1' }),
        jobHook(`tell-${n}-of`, 'sync-fail'),
      ];
      const { lived, desired } = await runMortal(name, set, n, 'after', 'Failed');
      const second = await at.agent({ desired });
      await second.synced(name, 'Failed');
      await waitFor(
        `${name}: the failure to be told of`,
        () => second.objects.get(`${name} batch/Job/default/tell-${n}-of`)?.reason === 'HookSucceeded',
        15_000,
      );
      expect([n, made.get(`pre-${name}`)?.size, made.get(`tell-${n}-of`)?.size]).toEqual([n, 1, 1]);
      expect(await at.get('v1', 'ConfigMap', 'default', `object-${name}`)).toBeUndefined();
      await second.stop();
      if (lived && n > 8) return;
    }
  }, 300_000);
});

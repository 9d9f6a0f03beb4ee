/** What a branch would do, and what it then did: a hub as a process, the command line, and agents on the stream. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import type {
  ApiClusterRecord,
  ApiRolloutRecord,
  ApiTimelineEntry,
} from '../../hub/api/schemas/rollout-history.ts';
import type { ApiRolloutPlan } from '../../hub/api/schemas/rollout-plan.ts';
import { runFairway } from '../contract/run-fairway.ts';
import { type Agent, enrolWith, startAgent } from '../contract/wire/harness.ts';
import { configMap, createHubBed, type HubBed } from './hub-bed.ts';

const regions: Readonly<Record<string, string>> = { 'ap-1': 'ap', 'eu-1': 'eu', 'eu-2': 'eu', 'us-1': 'us' };
const names = Object.keys(regions);
const kind = (type: string, name: string, spec: unknown) =>
  JSON.stringify({ apiVersion: 'fairway.dev/v1alpha1', kind: type, metadata: { name }, spec });

const strategy = {
  waves: [
    { name: 'canary', take: 1, approval: { when: 'after' } },
    { name: 'regions', groupBy: 'fairway.dev/region' },
  ],
};
const files = (value: string) => ({
  ...Object.fromEntries(
    names.map((name) => [`fleet/${name}.yaml`, kind('Cluster', name, { region: regions[name] })]),
  ),
  'fleet/web.yaml': kind('Application', 'web', {
    ...{ source: { path: 'apps/web' }, placement: { clusters: names }, rollout: { inline: strategy } },
  }),
  'apps/web/map.yaml': configMap('web', value),
});

let bed: HubBed;
const agents: Agent[] = [];
/** Clusters as they were told to run something else. */
const assigned: string[] = [];

/** Applies at once and is well. */
async function connect(name: string): Promise<void> {
  const token = await bed.api().enrolmentToken(name);
  const agent = await startAgent(
    await enrolWith({ enrolmentAddress: `127.0.0.1:${bed.addresses().enrolmentPort}` }, token),
  );
  agents.push(agent);
  let seen = 0;
  agent.desired.subscribe(() => {
    const desired = agent.desired.applications().get('web');
    if (!desired || desired.generation === seen) return;
    seen = desired.generation;
    assigned.push(name);
    const common = { application: 'web', generation: seen, targetDigest: desired.target.digest };
    for (const stage of ['applied', 'healthy'] as const)
      agent.connection.acknowledge({ ...common, stage, message: '', timeMs: Date.now() });
  });
}

async function fairway(...args: readonly string[]): Promise<string> {
  const { api, token } = bed.addresses();
  const env = { FAIRWAY_SERVER: api, FAIRWAY_TOKEN: token };
  const given = { home: bed.folder, cwd: bed.folder, env, now: Date.now, fetch: globalThis.fetch };
  const { code, out, err } = await runFairway(args, given);
  expect(`${code} ${err}`).toBe('0 ');
  return out;
}

const json = async <T>(...args: readonly string[]) => JSON.parse(await fairway(...args, '-o', 'json')) as T;
const settled = () =>
  bed.wait('the rollout to be complete', async () => {
    const now = await json<ApiRollout>('rollout', 'status', 'web').catch(() => undefined);
    if (now?.waves[0]?.waitsOn === 'an approval')
      await fairway('rollout', 'approve', 'web', '--reason', 'it looks good');
    return now?.phase === 'Complete' ? now : undefined;
  });

beforeAll(async () => {
  bed = await createHubBed();
  await bed.start();
  for (const name of names) await connect(name);
  await bed.merge(files('v1'), 'web arrives');
  await settled();
}, 120_000);

afterAll(async () => {
  for (const agent of agents) await agent.connection.stop();
  await bed?.close();
});

describe('fairway rollout plan', { timeout: 90_000 }, () => {
  let plan: ApiRolloutPlan;

  it('tells of a branch what it would begin, and changes nothing', async () => {
    await bed.repository.git('checkout', '-q', '-b', 'feature');
    const commit = await bed.repository.commit(files('v2'), { message: 'a new value' });
    await bed.repository.push('feature');
    await bed.repository.git('checkout', '-q', 'main');
    const before = assigned.length;
    plan = await json<ApiRolloutPlan>('rollout', 'plan', 'feature');
    expect(plan.revision).toEqual({ name: 'feature', commit });
    const [web] = plan.applications;
    expect(web?.waves.map((wave) => `${wave.name}: ${wave.clusters}`)).toEqual([
      'canary: ap-1',
      'regions/eu: eu-1,eu-2',
      'regions/us: us-1',
    ]);
    const text = await fairway('rollout', 'plan', 'feature', '--application', 'web');
    expect(text).toContain('approval after it, by anybody who may act on rollouts');
    expect(text).toContain('/data/value: "v1" -> "v2"');
    expect(text).toContain('the same changes as in canary');
    expect(await fairway('rollout', 'plan', 'main')).toContain('begins no rollout');
    expect(assigned.slice(before)).toEqual([]);
    expect(await json<readonly ApiRolloutRecord[]>('rollout', 'history', 'web')).toHaveLength(1);
  });

  it('is what then happens, and the history says so', async () => {
    const before = assigned.length;
    await bed.merge(files('v2'), 'a new value');
    await bed.wait('the rollout to begin', () => (assigned.length > before ? true : undefined));
    await settled();
    const waves = plan.applications[0]?.waves.map(({ clusters }) => clusters) ?? [];
    const order = assigned.slice(before);
    for (const clusters of waves)
      expect(order.splice(0, clusters.length).sort()).toEqual([...clusters].sort());
    const [last] = await json<readonly ApiRolloutRecord[]>('rollout', 'history', 'web');
    expect(last).toMatchObject({ result: 'Complete', waves: [{ name: 'canary' }, {}, {}] });
    const { entries, clusters } = await json<{
      readonly entries: readonly ApiTimelineEntry[];
      readonly clusters: readonly ApiClusterRecord[];
    }>('rollout', 'timeline', last?.id ?? '', '--clusters');
    expect(clusters.map(({ cluster, result }) => `${cluster} ${result}`)).toEqual(
      waves.flat().map((cluster) => `${cluster} Healthy`),
    );
    for (const { appliedAfterSeconds, healthyAfterSeconds } of clusters)
      expect([typeof appliedAfterSeconds, typeof healthyAfterSeconds]).toEqual(['number', 'number']);
    const told = entries.map(({ kind: what, wave, message }) => `${what} ${wave} ${message}`);
    expect(told).toContain('action canary approve canary: it looks good');
    expect(told.at(-1)).toBe('phase  complete: every wave has ended');
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
  });

  it('keeps the history of what was under way when the hub was killed', async () => {
    await bed.merge(files('v3'), 'one more');
    await bed.wait('an approval to be waited for', async () => {
      const { waves } = await json<ApiRollout>('rollout', 'status', 'web');
      return waves[0]?.waitsOn === 'an approval' ? true : undefined;
    });
    const ids = async () =>
      (await json<readonly ApiRolloutRecord[]>('rollout', 'history', 'web')).map(({ id }) => id);
    const [id = ''] = await ids();
    const read = () => json<{ readonly entries: readonly ApiTimelineEntry[] }>('rollout', 'timeline', id);
    const before = await read();
    await bed.stop('SIGKILL');
    await bed.start();
    expect((await read()).entries.slice(0, before.entries.length)).toEqual(before.entries);
    await settled();
    const after = await read();
    expect(after.entries.slice(0, before.entries.length)).toEqual(before.entries);
    expect(new Set(after.entries.map(({ sequence }) => sequence)).size).toBe(after.entries.length);
    const assignments = after.entries.filter(({ message }) => message === 'assigned');
    const all = assignments.flatMap(({ clusters }) => clusters.names);
    expect([...all].sort()).toEqual(names);
    expect(await fairway('rollout', 'timeline', id)).toContain('web: Complete');
  });
});

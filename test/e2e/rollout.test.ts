/** A rollout end to end: a hub as a process, Git over HTTP, and agents on the stream that say what a cluster would. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import type { ApiRolloutRecord } from '../../hub/api/schemas/rollout-history.ts';
import { keyText } from '../../shared/manifest/object.ts';
import { type Agent, enrolWith, startAgent } from '../contract/wire/harness.ts';
import { configMap, createHubBed, type HubBed } from './hub-bed.ts';

const regions: Readonly<Record<string, string>> = { 'eu-1': 'eu', 'eu-2': 'eu', 'us-1': 'us', 'ap-1': 'ap' };
const names = Object.keys(regions);

const clusters = names
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${regions[name]} }\n`,
  )
  .join('---\n');
const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: steps }
spec:
  waves:
    - { name: canary, take: 1, approval: { when: after } }
    - { name: regions, groupBy: fairway.dev/region }
  onFailure: rollback
`;
const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web }
  placement: { clusters: [${names.join(', ')}] }
  rollout: { strategy: steps }
`;

let bed: HubBed;
const agents = new Map<string, Agent>();
/** What each agent was told to run, in order. */
const history: string[] = [];

/** Applies at once, as the stream's other end sees it; what says `bad` fails, and what says `slow in REGION` does not get healthy there. */
function obey(name: string, agent: Agent): void {
  agent.desired.subscribe(() => {
    const desired = agent.desired.applications().get('web');
    if (!desired || desired.target.removed) return;
    const { generation, target } = desired;
    const text = target.set.entries
      .map(({ objectDigest }) => agent.desired.object(objectDigest) ?? '')
      .join('');
    const value = /"value":"([^"]*)"/.exec(text)?.[1] ?? '?';
    const line = `${name}=${value}`;
    if (history.at(-1) === line || history.includes(`${line}#${generation}`)) return;
    history.push(`${line}#${generation}`);
    const bad = value.startsWith('bad');
    const slow = value === `slow in ${regions[name]}`;
    const common = { application: 'web', generation, targetDigest: target.digest };
    const key = target.set.entries[0]?.key;
    agent.reports.application({
      ...common,
      ...{ syncStatus: 'Synced', objects: 1, objectsSynced: 1, appliedAtMs: Date.now(), timeMs: Date.now() },
      ...{ waitsFor: '', changes: {}, healthStatus: bad ? 'Failed' : slow ? 'InProgress' : 'Current' },
      message: bad && key ? `${keyText(key)}: the image cannot be pulled` : '',
    });
    for (const stage of bad || slow ? (['applied'] as const) : (['applied', 'healthy'] as const))
      agent.connection.acknowledge({ ...common, stage, message: '', timeMs: Date.now() });
  });
}

async function connect(name: string): Promise<void> {
  const token = await bed.api().enrolmentToken(name);
  const identity = await enrolWith({ enrolmentAddress: `127.0.0.1:${bed.addresses().enrolmentPort}` }, token);
  const agent = await startAgent(identity);
  agents.set(name, agent);
  obey(name, agent);
}

const rollout = () => bed.api().get<ApiRollout>('/api/v1/applications/web/rollout');
const reached = (phase: string, wave = '') =>
  bed.wait(`the rollout to be ${phase} ${wave}`, async () => {
    const now = await rollout().catch(() => undefined);
    const there = now?.phase === phase && (wave === '' || now.message.includes(wave));
    return there ? now : undefined;
  });
const act = (action: string, more: Record<string, unknown> = {}) =>
  bed.api().post('/api/v1/applications/web/rollout/actions', { action, reason: 'the test', ...more });
const order = (from: number) => history.slice(from).map((line) => line.split('#')[0]);

beforeAll(async () => {
  bed = await createHubBed();
  await bed.merge({ 'fleet/clusters.yaml': clusters, 'fleet/steps.yaml': strategy }, 'start');
  await bed.start();
  for (const name of names) await connect(name);
  // Who is there when a release is planned decides who goes first.
  await bed.wait('all agents to be there', async () => {
    const { items } = await bed.api().get<{ items: { connected: boolean }[] }>('/api/v1/clusters');
    return items.length === names.length && items.every(({ connected }) => connected) ? true : undefined;
  });
  await bed.merge(
    { 'fleet/web.yaml': application, 'apps/web/map.yaml': configMap('web', 'v1') },
    'web arrives',
  );
}, 120_000);

afterAll(async () => {
  for (const agent of agents.values()) await agent.connection.stop();
  await bed?.close();
});

describe('a rollout', { timeout: 90_000 }, () => {
  it('goes wave by wave, waits for an approval, and ends in every region', async () => {
    const soaking = await reached('Progressing', 'an approval');
    expect(history.map((line) => line.split('#')[0])).toEqual(['ap-1=v1']);
    expect(soaking.waves.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'canary Soaking',
      'regions/eu Waiting',
      'regions/us Waiting',
    ]);
    await act('approve', { wave: 'canary' });
    const done = await reached('Complete');
    expect(order(0)).toEqual(['ap-1=v1', ...order(1).slice(0, 2).sort(), 'us-1=v1']);
    expect(done.waves.every(({ clusters: all }) => all.every(({ step }) => step === 'Healthy'))).toBe(true);
  });

  it('stops in its first wave when that fails, takes it back, and is not begun again by an unrelated commit', async () => {
    const from = history.length;
    await bed.merge({ 'apps/web/map.yaml': configMap('web', 'bad') }, 'a bad image');
    const back = await reached('RolledBack');
    expect(order(from)).toEqual(['ap-1=bad', 'ap-1=v1']);
    expect(back.message).toContain('the image cannot be pulled');
    const commit = await bed.merge({ 'apps/other.yaml': configMap('other', 'x') }, 'something else');
    await bed.wait('the commit to be resolved', async () => {
      const { items } = await bed
        .api()
        .get<{ items: { commit: string; state: string }[] }>('/api/v1/revisions');
      return items.some((one) => one.commit === commit && one.state !== 'Pending') ? true : undefined;
    });
    expect((await rollout()).phase).toBe('RolledBack');
    expect(order(from)).toEqual(['ap-1=bad', 'ap-1=v1']);
  });

  it('goes on where it was after the hub is killed, and says who did what', async () => {
    const from = history.length;
    await bed.merge({ 'apps/web/map.yaml': configMap('web', 'v2') }, 'the next version');
    await reached('Progressing', 'an approval');
    await bed.stop('SIGKILL');
    await bed.start();
    await reached('Progressing', 'an approval');
    await act('approve');
    await reached('Complete');
    expect(order(from)).toHaveLength(4);
    const { items } = await bed
      .api()
      .get<{ items: { type: string; message: string; actor: string }[] }>('/api/v1/events?limit=200');
    const said = items.filter(({ type }) => type === 'audit.rollout').map(({ message }) => message);
    expect(said).toContain('approve of the rollout of web: the test');
    for (const type of [
      'rollout.wave.started',
      'rollout.cluster.failed',
      'rollout.rolled-back',
      'rollout.completed',
    ])
      expect(items.map((one) => one.type)).toContain(type);
    // Said twice it changes nothing; anything else comes too late.
    expect(await act('approve')).toMatchObject({ phase: 'Complete' });
    await expect(act('pause')).rejects.toThrow('the rollout has ended');
  });

  it('is superseded by a commit in its middle: nobody goes back first, who waited gets the new one, and gates begin again', async () => {
    const from = history.length;
    await bed.merge({ 'apps/web/map.yaml': configMap('web', 'slow in eu') }, 'one that is slow in eu');
    const first = await reached('Progressing', 'an approval');
    await act('approve', { wave: 'canary' });
    await bed.wait('eu to be told of it', () => (history.length >= from + 3 ? true : undefined));
    const commit = await bed.merge({ 'apps/web/map.yaml': configMap('web', 'v4') }, 'a better one');
    const second = await bed.wait('the approval of the new one', async () => {
      const now = await rollout();
      return now.revisionId === commit && now.message.includes('an approval') ? now : undefined;
    });
    const told = order(from);
    expect([told[0], ...told.slice(1, 3).sort(), ...told.slice(3)]).toEqual([
      ...['ap-1=slow in eu', 'eu-1=slow in eu', 'eu-2=slow in eu', 'ap-1=v4'],
    ]);
    // A word for the one that is no more does not open the gates of the next.
    expect(second.releaseId).not.toBe(first.releaseId);
    await expect(act('approve', { rollout: first.releaseId })).rejects.toThrow(
      `this is not rollout ${first.releaseId}`,
    );
    await act('approve', { rollout: second.releaseId });
    await reached('Complete');
    expect([
      ...order(from + 4)
        .slice(0, 2)
        .sort(),
      ...order(from + 6),
    ]).toEqual(['eu-1=v4', 'eu-2=v4', 'us-1=v4']);
    const { items } = await bed.api().get<{ items: ApiRolloutRecord[] }>('/api/v1/applications/web/rollouts');
    expect(items.find(({ id }) => id === first.releaseId)).toMatchObject({
      result: 'Superseded',
      supersededBy: { id: second.releaseId, revisionId: commit },
    });
  });
});

/** Failovers end to end: a hub, two real control planes with an agent each, and the fleet repository behind a real Git server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiCluster } from '../../hub/api/schemas/cluster.ts';
import type { ApiFailover, ApiFailoverPlan } from '../../hub/api/schemas/failover.ts';
import type { ApiParity } from '../../hub/api/schemas/parity.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const clusters = `# who is who
${head}kind: Cluster
metadata: { name: eu-1 }
spec:
  region: north
  role: primary # serves now
---
${head}kind: Cluster
metadata: { name: eu-2 }
spec: { region: south, role: standby } # waits
`;
const application = `${head}kind: Application
metadata: { name: web, labels: { dr: "yes" } }
spec:
  source: { path: apps/web, overlays: ["overlays/{{cluster.role}}"] }
  placement: { clusters: [eu-1, eu-2] }
`;
const group = `${head}kind: ParityGroup
metadata: { name: eu }
spec:
  primary: eu-1 # for now
  standbys: { clusters: [eu-2] }
  applications: { selector: { matchLabels: { dr: "yes" } } }
  expectations:
    - name: part
      owner: team-web
      reason: the standby is smaller
      match: { kinds: [ConfigMap] }
      fields: { paths: [/data/size] }
`;
const overlay = (size: number) => `resources: [../../base]
patches:
  - patch: |-
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: settings, namespace: default }
      data: { size: "${size}" }
`;
const files = {
  'fleet/clusters.yaml': clusters,
  'fleet/web.yaml': application,
  'fleet/eu.yaml': group,
  'apps/web/base/kustomization.yaml': 'resources: [map.yaml]\n',
  'apps/web/base/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: default }\ndata: { size: "1" }\n',
  'apps/web/overlays/primary/kustomization.yaml': overlay(8),
  'apps/web/overlays/standby/kustomization.yaml': overlay(2),
};

const path = '/api/v1/parity/eu/failover';
let bed: FleetBed | undefined;
const need = (): FleetBed => {
  if (!bed) throw new Error('there is no bed');
  return bed;
};
const plan = (query = '') => need().api().get<ApiFailoverPlan>(`${path}${query}`);
const start = (body: object) =>
  need()
    .api()
    .post<ApiFailover>(path, { reason: 'the test', ...body });
const last = async () =>
  (await need().api().get<{ items: ApiFailover[] }>('/api/v1/failovers?group=eu&limit=1')).items[0];
const size = (cluster: string) =>
  need().kubectl(cluster, 'get', 'configmap', 'settings', '-o', 'jsonpath={.data.size}').stdout;
const watches: ChildProcess[] = [];
/** Every size that a cluster has from now on. */
const follow = (name: string) => {
  const seen: string[] = [];
  const { kubectl, kubeconfig } = need().plane(name);
  const what = ['get', 'configmap', 'settings', '-w', '-o', 'jsonpath={.data.size}{"\\n"}'];
  const watch = spawn(kubectl, ['--kubeconfig', kubeconfig, ...what], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  watches.push(watch);
  watch.stdout.on('data', (chunk: Buffer) => {
    for (const size of chunk.toString().split('\n').filter(Boolean))
      if (size !== seen.at(-1)) seen.push(size);
  });
  return seen;
};
const sizes = (one: string, two: string) =>
  need().wait(`eu-1 to have ${one} and eu-2 ${two}`, () =>
    size('eu-1') === one && size('eu-2') === two ? true : undefined,
  );
const reached = (phase: string, id: string) =>
  need()
    .wait(`the failover to be ${phase}`, async () => {
      const one = await need()
        .api()
        .get<ApiFailover>(`/api/v1/failovers/${id}`)
        .catch(() => undefined);
      return one?.phase === phase ? one : undefined;
    })
    .catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(await last())}`);
    });
const ready = () =>
  need().wait('the standby to be compared', async () => {
    const found = await plan().catch(() => undefined);
    const both = await Promise.all(['eu-1', 'eu-2'].map((name) => cluster(name).catch(() => undefined)));
    return found?.readiness.verdict === 'Ready' && both.every((one) => one?.connected) ? found : undefined;
  });
const inGit = async (file: string) => {
  const { repository } = need();
  await repository.git('pull', '--quiet', '--rebase', 'origin', 'HEAD');
  return repository.git('show', `HEAD:${file}`);
};
const cluster = (name: string) => need().api().get<ApiCluster>(`/api/v1/clusters/${name}`);

beforeAll(async () => {
  bed = await createFleetBed({
    ...{ clusters: ['eu-1', 'eu-2'], files, anonymousPush: true },
    hubConfig: 'commits: { name: Fairway, email: fairway@example.com }\n',
  });
  if (!bed) return;
  await bed.startHub();
  for (const name of ['eu-1', 'eu-2']) await bed.startAgent(name);
}, 240_000);

afterAll(async () => {
  for (const watch of watches) watch.kill('SIGKILL');
  await bed?.close();
});

describe('a failover of two clusters', { timeout: 180_000 }, () => {
  it('is planned with its roles, edits, changes, and what has to be confirmed', async (context) => {
    if (!bed) return context.skip();
    await sizes('8', '2');
    const found = await ready();
    expect(found).toMatchObject({
      ...{ kind: 'failover', mode: 'commit', from: 'eu-1', to: 'eu-2', fenced: 'no' },
      roles: [
        { cluster: 'eu-1', from: 'primary', to: 'standby' },
        { cluster: 'eu-2', from: 'standby', to: 'primary' },
      ],
      files: ['fleet/clusters.yaml', 'fleet/eu.yaml'],
      estimateSeconds: null,
    });
    expect(found.changes.summary).toMatchObject({ applications: 1, clusters: 2, changed: 2 });
    expect(found.confirm).toEqual([expect.stringContaining('eu-1 is not fenced')]);
    await expect(start({})).rejects.toThrow('To be confirmed');
    expect(await last()).toBeUndefined();
  });

  it('goes by a commit that keeps every comment, the standby first, and measures its time', async (context) => {
    if (!bed) return context.skip();
    const begun = await start({ confirm: true });
    const done = await reached('Done', begun.id);
    expect(done).toMatchObject({ mode: 'commit', overrideState: 'none', commitError: '' });
    expect(done.rtoSeconds).toBeGreaterThanOrEqual(0);
    await sizes('2', '8');
    const text = await inGit('fleet/clusters.yaml');
    const standby = clusters.replace('role: primary # serves', 'role: standby # serves');
    expect(text).toBe(standby.replace('role: standby } # waits', 'role: primary } # waits'));
    expect(await inGit('fleet/eu.yaml')).toBe(
      group.replace('primary: eu-1 #', 'primary: eu-2 #').replace('[eu-2]', '[eu-1]'),
    );
    expect(await bed.repository.git('log', '-1', '--format=%an %b')).toContain(
      `Fairway-Failover: ${begun.id}`,
    );
    const assigned = await bed.api().get<{ items: { reason: string }[] }>('/api/v1/assignments');
    expect(assigned.items.map(({ reason }) => reason)).toEqual(['failover', 'failover']);
  });

  it("goes back by the hub's own word while Git is down, and commits it when Git is there again", async (context) => {
    if (!bed) return context.skip();
    bed.git.setFailing('unavailable');
    const begun = await start({ kind: 'back', confirm: true, overrideSeconds: 3_600 });
    expect(begun).toMatchObject({ from: 'eu-2', to: 'eu-1', mode: 'override', overrideState: 'active' });
    await sizes('8', '2');
    const waiting = await reached('TrafficReady', begun.id);
    expect(waiting.rtoSeconds).toBeGreaterThanOrEqual(0);
    await bed.wait('the failed commit', async () => ((await last())?.commitError === '' ? undefined : true));
    const warnings = (await cluster('eu-1')).warnings.join();
    expect(warnings).toContain("primary by the hub's own word");
    expect((await cluster('eu-1')).roleOverride).toMatchObject({ failover: begun.id, roleInGit: 'standby' });
    const seen = await bed.api().get<ApiParity>('/api/v1/parity/eu');
    expect(seen.failover).toMatchObject({ id: begun.id, kind: 'back', overrideUntil: begun.overrideUntil });
    const said = { reason: 'Git is down still', overrideSeconds: 7_200 };
    const extended = await bed.api().post<ApiFailover>(`${path}/extend`, said);
    expect(Date.parse(extended.overrideUntil ?? '')).toBeGreaterThan(Date.parse(begun.overrideUntil ?? ''));
    await bed.wait('the longer word', async () => {
      const { roleOverride } = await cluster('eu-1');
      return roleOverride?.until === extended.overrideUntil ? true : undefined;
    });
    await bed.killHub();
    await bed.startHub();
    expect(await last()).toMatchObject({ id: begun.id, phase: 'TrafficReady', overrideState: 'active' });
    expect([size('eu-1'), size('eu-2')]).toEqual(['8', '2']);
    bed.git.setFailing();
    const done = await reached('Done', begun.id);
    expect(done).toMatchObject({ overrideState: 'committed', commitError: '' });
    expect(await inGit('fleet/clusters.yaml')).toBe(clusters);
    expect(await inGit('fleet/eu.yaml')).toBe(group);
    expect([size('eu-1'), size('eu-2')]).toEqual(['8', '2']);
    expect((await cluster('eu-1')).warnings.join()).not.toContain("hub's own word");
  });

  it('waits on a branch for somebody to merge it, and then goes as by a commit', async (context) => {
    if (!bed) return context.skip();
    await ready();
    const { repository } = bed;
    await inGit('fleet/eu.yaml');
    const before = await repository.git('rev-parse', 'HEAD');
    const begun = await start({ confirm: true, commit: 'branch' });
    const branch = `fairway/failover-eu-${begun.id.slice(0, 8)}`;
    const proposed = await reached('Proposed', begun.id);
    expect(proposed).toMatchObject({
      ...{ mode: 'branch', ref: `refs/heads/${branch}`, overrideState: 'none', rtoSeconds: null },
      message: `waits for ${branch} to be merged`,
    });
    // Nothing moves by a proposal.
    await inGit('fleet/eu.yaml');
    expect(await repository.git('rev-parse', 'HEAD')).toBe(before);
    expect([size('eu-1'), size('eu-2')]).toEqual(['8', '2']);
    const { failover } = await bed.api().get<ApiParity>('/api/v1/parity/eu');
    expect(failover).toMatchObject({ id: begun.id, phase: 'Proposed', overrideUntil: null });
    // Somebody reads it, and merges it after another commit that came in between.
    await bed.merge({ 'README.md': 'who is who\n' }, 'Say what this is');
    await repository.git('fetch', '--quiet', 'origin', branch);
    expect(await repository.git('diff', '--stat', `${before.trim()}..FETCH_HEAD`)).toContain(
      '2 files changed',
    );
    await repository.git('merge', '--quiet', '--no-ff', '-m', `Merge ${branch}`, 'FETCH_HEAD');
    await repository.push();
    const done = await reached('Done', begun.id);
    expect(done).toMatchObject({ commit: proposed.commit, ref: proposed.ref, overrideState: 'none' });
    expect(done.rtoSeconds).toBeGreaterThanOrEqual(0);
    await sizes('2', '8');
    expect(await inGit('fleet/eu.yaml')).toContain('primary: eu-2 #');
    await ready();
    const back = await start({ kind: 'back', confirm: true, commit: 'branch' });
    await reached('Proposed', back.id);
    await repository.git('fetch', '--quiet', 'origin', `fairway/failover-eu-${back.id.slice(0, 8)}`);
    await repository.git('merge', '--quiet', '--no-ff', '-m', 'Back again', 'FETCH_HEAD');
    await repository.push();
    await reached('Done', back.id);
    await sizes('8', '2');
  });

  it('is played through in the standby alone by a drill', async (context) => {
    if (!bed) return context.skip();
    await ready();
    const commit = await bed.repository.git('rev-parse', 'HEAD');
    const planned = await plan('?kind=drill');
    // Every size that each cluster has, from before it begins until it is over.
    const followed = { one: follow('eu-1'), two: follow('eu-2') };
    await bed.wait('the watches to be open', () =>
      followed.one.length > 0 && followed.two.length > 0 ? true : undefined,
    );
    const begun = await start({ kind: 'drill' });
    const done = await reached('Done', begun.id);
    await bed.wait('the watch to see the end', () =>
      followed.two.length > 1 && followed.two.at(-1) === '2' ? true : undefined,
    );
    expect(followed).toEqual({ one: ['8'], two: ['2', '8', '2'] });
    expect(done.rtoSeconds).toBeGreaterThanOrEqual(0);
    expect(done.planned).toEqual({
      ...{ verdict: 'Ready', score: planned.readiness.score, problem: '' },
      changes: { applications: 1, clusters: 1, added: 0, removed: 0, changed: 1 },
    });
    expect(done.planned?.changes).toEqual(planned.changes.summary);
    expect(done.after).toEqual({ verdict: 'Ready', score: planned.readiness.score });
    expect(done.message).toContain('is a standby again');
    expect(done).toMatchObject({ kind: 'drill', overrideState: 'drilled', commit: null });
    expect(done.applications).toEqual([{ application: 'web', readyAt: expect.any(String), waitsOn: '' }]);
    await sizes('8', '2');
    await inGit('fleet/eu.yaml');
    expect(await bed.repository.git('rev-parse', 'HEAD')).toBe(commit);
    expect((await plan()).estimateSeconds).not.toBeNull();
  });

  it('is revoked while its commit cannot be written, and roles come back as Git has them', async (context) => {
    if (!bed) return context.skip();
    await ready();
    bed.git.setFailing('unavailable');
    const begun = await start({ confirm: true, overrideSeconds: 3_600 });
    await sizes('2', '8');
    await bed.api().post(`${path}/revoke`, { reason: 'not today' });
    const ended = await reached('Ended', begun.id);
    expect(ended).toMatchObject({ overrideState: 'revoked', commit: null });
    await sizes('8', '2');
    bed.git.setFailing();
    expect(await inGit('fleet/clusters.yaml')).toBe(clusters);
  });

  it('goes on after the hub is killed, and finds the old primary that returns to its new Target', async (context) => {
    if (!bed) return context.skip();
    await ready();
    await bed.killAgent('eu-1');
    await bed.wait('the agent to be away', async () =>
      (await cluster('eu-1')).connected ? undefined : true,
    );
    expect((await plan()).fenced).toBe('unknown');
    const begun = await start({ confirm: true });
    await bed.killHub();
    await bed.startHub();
    const waiting = await reached('TrafficReady', begun.id);
    expect(waiting.message).toContain('its agent is away');
    expect(waiting.rtoSeconds).toBeGreaterThanOrEqual(0);
    expect([size('eu-1'), size('eu-2')]).toEqual(['8', '8']);
    await bed.startAgent('eu-1', { token: false });
    const done = await reached('Done', begun.id);
    expect(done.rtoSeconds).toBe(waiting.rtoSeconds);
    await sizes('2', '8');
    const line = await bed.api().get<{ items: { message: string }[] }>('/api/v1/events?types=failover');
    expect(line.items.some(({ message }) => message.includes('eu-2 is ready'))).toBe(true);
    await ready();
    const back = await start({ kind: 'back', confirm: true });
    const there = await reached('Done', back.id);
    expect(there).toMatchObject({ from: 'eu-2', to: 'eu-1' });
    expect(there.rtoSeconds).toBeGreaterThanOrEqual(0);
    await sizes('8', '2');
  });
});

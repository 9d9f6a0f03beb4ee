/**
 * Staging proves what production takes, end to end: a hub as a process, Git over HTTP that it may push to, and agents on the stream that say what a cluster
 * would. Staging asks a Job whether a release is good; one that fails is rolled back and taken back in Git, and production never sees it.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import { runGit } from '../../hub/cli/demo/git-program.ts';
import { ensureBinary } from '../cluster/binaries.ts';
import { type Agent, enrolWith, startAgent } from '../contract/wire/harness.ts';
import { clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const helm = await ensureBinary('helm');
const settings = {
  commits: { name: 'Fairway', email: 'fairway@example.com' },
  ...(helm === undefined ? {} : { helm: { binary: helm } }),
};
const application = (environment: string, rollout: string) => `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web-${environment} }
spec:
  component: web
  environment: ${environment}
  source: { path: apps/web/${environment} }
  placement: { clusters: [${environment}-1] }
  rollout: ${rollout}
`;
const strategy = `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: tested }
spec:
  waves:
    - name: all
      analysis:
        - name: smoke
          job: { spec: { template: { spec: { containers: [{ name: smoke, image: "smoke:1" }] } } } }
  onFailure: rollback
  revert: commit
`;
/** One chart for both environments, each with values of its own on top of those of both. */
const charted = (environment: string, rollout: string) => `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: shop-${environment} }
spec:
  component: shop
  environment: ${environment}
  source: { path: apps/shop, helm: { chart: chart, valueFiles: [values.yaml, ${environment}.yaml] } }
  placement: { clusters: [${environment}-1] }
  rollout: ${rollout}
`;
const chart = {
  'fleet/shop-staging.yaml': charted('staging', '{ strategy: all-at-once }'),
  'fleet/shop-production.yaml': charted(
    'production',
    '{ strategy: all-at-once, after: { environment: staging } }',
  ),
  'apps/shop/chart/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
  'apps/shop/chart/templates/map.yaml': configMap('shop', '{{ .Values.image }} {{ .Values.where }}'),
  'apps/shop/staging.yaml': 'where: staging\n',
  'apps/shop/production.yaml': 'where: production\n',
};
const release = (value: string): Readonly<Record<string, string>> => ({
  'apps/web/staging/map.yaml': configMap('web', value),
  'apps/web/production/map.yaml': configMap('web', value),
});

let bed: HubBed;
const agents = new Map<string, Agent>();
/** What each agent was told to run, in order: each once a generation. */
const history: string[] = [];

/** Applies at once; what says `bad` never gets healthy. */
function obey(name: string, agent: Agent): void {
  const seen = new Set<number>();
  agent.desired.subscribe(() => {
    for (const [application, { generation, target }] of agent.desired.applications()) {
      if (target.removed || seen.has(generation)) continue;
      const texts = target.set.entries.map(({ objectDigest }) => agent.desired.object(objectDigest) ?? '');
      const value = /"value":"([^"]*)"/.exec(texts.join(''))?.[1];
      if (value === undefined) continue;
      seen.add(generation);
      history.push(`${name}=${value}`);
      const bad = value.startsWith('bad');
      const common = { application, generation, targetDigest: target.digest };
      agent.reports.application({
        ...common,
        ...{
          syncStatus: 'Synced',
          objects: 1,
          objectsSynced: 1,
          appliedAtMs: Date.now(),
          timeMs: Date.now(),
        },
        ...{ waitsFor: '', changes: {}, healthStatus: bad ? 'Failed' : 'Current' },
        message: bad ? 'the image cannot be pulled' : '',
      });
      for (const stage of bad ? (['applied'] as const) : (['applied', 'healthy'] as const))
        agent.connection.acknowledge({ ...common, stage, message: '', timeMs: Date.now() });
    }
  });
}

const rolloutOf = (name: string) => bed.api().get<ApiRollout>(`/api/v1/applications/${name}/rollout`);
const reached = (name: string, what: string, holds: (rollout: ApiRollout) => boolean) =>
  bed.wait(`${name}: ${what}`, async () => {
    const now = await rolloutOf(name).catch(() => undefined);
    return now && holds(now) ? now : undefined;
  });

beforeAll(async () => {
  bed = await createHubBed({ anonymousPush: true });
  await bed.merge(
    { 'fleet/clusters.yaml': clusterFile('staging-1', 'production-1'), 'fleet/tested.yaml': strategy },
    'start',
  );
  await bed.start(settings);
  for (const name of ['staging-1', 'production-1']) {
    const token = await bed.api().enrolmentToken(name);
    const enrolment = { enrolmentAddress: `127.0.0.1:${bed.addresses().enrolmentPort}` };
    const agent = await startAgent(await enrolWith(enrolment, token));
    agents.set(name, agent);
    obey(name, agent);
  }
  await bed.wait('all agents to be there', async () => {
    const { items } = await bed.api().get<{ items: { connected: boolean }[] }>('/api/v1/clusters');
    return items.length === 2 && items.every(({ connected }) => connected) ? true : undefined;
  });
}, 120_000);

afterAll(async () => {
  for (const agent of agents.values()) await agent.connection.stop();
  await bed?.close();
});

describe('staging and production', { timeout: 120_000 }, () => {
  it('production waits for staging, its Job and its soak, and takes the same commit', async () => {
    await bed.merge(
      {
        ...release('v1'),
        'fleet/staging.yaml': application('staging', '{ strategy: tested }'),
        'fleet/production.yaml': application(
          'production',
          '{ strategy: all-at-once, after: { environment: staging, soak: 3s } }',
        ),
      },
      'web arrives',
    );
    const waits = await reached('web-production', 'waits', ({ phase }) => phase === 'Waiting');
    expect(waits.promotion).toMatchObject({
      after: 'web-staging',
      soakSeconds: 3,
      waiting: [expect.anything()],
    });
    const staged = await reached('web-staging', 'complete', ({ phase }) => phase === 'Complete');
    expect(history).toEqual(['staging-1=v1']);
    const done = await reached('web-production', 'complete', ({ phase }) => phase === 'Complete');
    expect(history).toEqual(['staging-1=v1', 'production-1=v1']);
    expect(done.revisionId).toBe(staged.revisionId);
    expect(Date.parse(done.startedAt) - Date.parse(staged.endedAt ?? '')).toBeGreaterThanOrEqual(2_000);
  });

  it.skipIf(helm === undefined)(
    'that differ by Helm values too: production takes what staging has proven of the chart, with values of its own',
    async () => {
      const from = history.length;
      const told = (line: string) =>
        bed.wait(line, () => (history.slice(from).includes(line) ? true : undefined));
      await bed.merge({ ...chart, 'apps/shop/values.yaml': 'image: one\n' }, 'a chart');
      await told('production-1=one production');
      const bad = await bed.merge({ 'apps/shop/values.yaml': 'image: bad\n' }, 'a bad one');
      await told('staging-1=bad staging');
      await reached(
        'shop-production',
        'waits for a staging that fails',
        ({ promotion }) => promotion?.waiting.some(({ commit }) => commit === bad) ?? false,
      );
      await bed.merge({ 'apps/shop/values.yaml': 'image: two\n' }, 'a good one');
      await told('production-1=two production');
      // What staging runs proves a commit that changes production's values alone.
      await bed.merge({ 'apps/shop/production.yaml': 'where: production too\n' }, 'production alone');
      await told('production-1=two production too');
      expect(history.slice(from)).toEqual([
        ...['staging-1=one staging', 'production-1=one production', 'staging-1=bad staging'],
        ...['staging-1=two staging', 'production-1=two production', 'production-1=two production too'],
      ]);
    },
  );

  it('a release that fails in staging is rolled back and taken back in Git, and never comes to production', async () => {
    const from = history.length;
    const bad = await bed.merge(release('bad'), 'a bad image');
    const back = await reached('web-staging', 'reverted', ({ revert }) => revert?.state === 'written');
    expect(back.phase).toBe('RolledBack');
    const log = await runGit(['--git-dir', bed.repository.bare, 'log', '-1', '--format=%an%n%P%n%B', 'main']);
    const [author, parent, subject] = log.split('\n');
    expect([author, parent, subject]).toEqual(['Fairway', bad, 'Revert "a bad image"']);
    expect(log).toContain('Fairway-Cluster: staging-1 (Unhealthy)');
    expect(log).toContain('Fairway-Reason: wave all: staging-1: the image cannot be pulled');
    // The hub takes its own commit as any other: nothing waits any more, and nothing begins.
    await reached(
      'web-production',
      'nothing to wait for',
      ({ promotion }) => promotion?.waiting.length === 0,
    );
    expect(history.slice(from)).toEqual(['staging-1=bad', 'staging-1=v1']);
    expect((await rolloutOf('web-staging')).message).toContain('its revert is commit');
    const { items } = await bed.api().get<{ items: { type: string }[] }>('/api/v1/events?limit=200');
    const types = items.map(({ type }) => type);
    expect(types.filter((type) => type === 'rollout.revert-written')).toHaveLength(1);
    expect(types).toContain('rollout.promoted');
    expect(types).not.toContain('rollout.revert-failed');
  });

  it('a hub that is killed by the very push of a revert finds it when it starts again, and writes no second one', async () => {
    const hooks = join(bed.repository.bare, 'hooks');
    mkdirSync(hooks, { recursive: true });
    const hook = join(hooks, 'post-receive');
    // The commit is there, and nobody lives who could remember that it was written.
    const pid = `$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' '${join(bed.dataDir, 'hub.json')}')`;
    writeFileSync(hook, `#!/bin/sh\nkill -9 ${pid}\n`, { mode: 0o755 });
    await bed.repository.git('pull', '--quiet', '--ff-only', bed.repository.bare, 'main');
    // Pushed by a person, that one must not kill it.
    const bad = await bed.repository.commit(release('bad again'), { message: 'a worse image' });
    renameSync(hook, `${hook}.off`);
    await bed.repository.push();
    renameSync(`${hook}.off`, hook);
    const git = (...args: readonly string[]) => runGit(['--git-dir', bed.repository.bare, ...args]);
    await bed.wait('the hub to be killed', () => (bed.hub().running ? undefined : true));
    rmSync(hook);
    const written = (await git('rev-parse', 'main')).trim();
    expect(written).not.toBe(bad);
    await bed.start(settings);
    const back = await reached('web-staging', 'reverted', ({ revert }) => revert?.state === 'written');
    expect(back.revert?.commit).toBe(written);
    expect((await git('rev-parse', 'main')).trim()).toBe(written);
    const trailers = await git(
      'log',
      '--format=%(trailers:key=Fairway-Rollout,valueonly,separator=)',
      'main',
    );
    expect(trailers.split('\n').filter((line) => line !== '')).toHaveLength(2);
    expect(history).not.toContain('production-1=bad again');
  });
});

/** What time alone makes of a verdict, where nothing is reported and nothing merged. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { factSections } from '../../../shared/manifest/cluster-facts.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import type { AskAgent } from './parity-live.ts';
import { createParityLoop, type ParityDriver } from './parity-loop.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, role: string) =>
  `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: ${name}, role: ${role}}\n`;
const map = (mode: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {mode: ${mode}, host: a}\n`;
const files = (modeOfStandby: string, more = '') => ({
  'fleet/clusters.yaml': `${cluster('one', 'primary')}---\n${cluster('two', 'standby')}`,
  'fleet/web.yaml': `${head}kind: Application
metadata: {name: web}
spec:
  source: {path: apps/web, overlays: ["{{cluster.region}}"]}
  placement: {clusters: [one, two]}
  rollout: {strategy: all-at-once}
`,
  'fleet/pair.yaml': `${head}kind: ParityGroup\nmetadata: {name: pair}\nspec:\n  primary: one\n  standbys: {clusters: [two]}\n${more}`,
  'apps/web/one/map.yaml': map('calm'),
  'apps/web/two/map.yaml': map(modeOfStandby),
});

const moods = (more: string) =>
  `  expectations:\n    - {name: moods, owner: team-web, reason: it is wild${more}, fields: {paths: [/data/mode]}}\n`;

describe('createParityLoop, as time goes by', () => {
  let bed: LoopBed;
  let parity: ParityDriver;
  let unsubscribe: () => void;

  const away = () => Promise.reject(new FairwayError('unavailable', 'away'));
  let ask: AskAgent;
  const settle = async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      await bed.clock.advance(2_000);
      for (const loop of parity.loops) await loop.idle();
    }
  };
  const verdict = () => parity.group('pair')?.state.report.verdict;
  const begin = async (given: ReturnType<typeof files>) => {
    await bed.commit(given);
    await bed.resolve();
    for (const name of ['one', 'two']) {
      const [assignment] = await bed.store.releases.assignments({ cluster: name });
      const target = await bed.store.content.target(assignment?.targetDigest ?? '');
      const objects = (target?.set.entries ?? []).map(
        ({ key, objectDigest }): ObjectObservation => ({
          ...{ cluster: name, application: 'web', key, objectDigest, liveDigest: objectDigest },
          ...{ syncStatus: 'Synced', healthStatus: 'Current', reason: '', message: '', drift: undefined },
          ...{ lastAction: 'created', generation: assignment?.generation ?? 0, timeMs: bed.clock.now() },
        }),
      );
      await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
      const batch = { cluster: name, applications: [], objects, gone: [], events: [] };
      await bed.store.observations.saveBatch(batch, []);
    }
    parity.wakeAll();
    await settle();
    expect(verdict()).toBe('Ready');
  };

  beforeEach(async () => {
    ask = away;
    bed = await createLoopBed();
    parity = createParityLoop({
      ...{ store: bed.store, digestKey: new Uint8Array(32), explain: away },
      ask: (...question) => ask(...question),
      ...{ clock: bed.clock, random: createSeededRandom(1), log: silentLogger },
    });
    unsubscribe = bed.store.subscribe(parity.changed);
  });
  afterEach(async () => {
    unsubscribe();
    await parity.stop();
    await bed.close();
  });

  it('is Unknown once an agent is away for longer than the group allows', async () => {
    await begin(files('calm'));
    await bed.store.registry.seen({ cluster: 'two', connected: false, nowMs: bed.clock.now() });
    await settle();
    expect(verdict()).toBe('Ready');
    await bed.clock.advance(120_000);
    await settle();
    expect(verdict()).toBe('Unknown');
  });

  it('ends an expectation when it is over', async () => {
    const untilMs = bed.clock.now() + 200_000;
    const expires = new Date(untilMs).toISOString();
    await begin(files('wild', moods(`, expires: "${expires}"`)));
    await bed.clock.advance(untilMs - bed.clock.now());
    await settle();
    expect(verdict()).toBe('Degraded');
  });

  it('calls an expectation stale when agents have told all that it may be about, and not before', async () => {
    const expecting = (name: string, path: string) =>
      `    - {name: ${name}, owner: o, reason: r, match: {kinds: [Environment]}, fields: {paths: [${path}]}}\n`;
    const disks = expecting('disks', '/environment/storageClasses/fast');
    const stale = () => parity.group('pair')?.state.report.staleExpectations;
    await begin(
      files('calm', `  expectations:\n${disks}${expecting('room', '/environment/quotas/shop~1q')}`),
    );
    expect(stale()).toEqual([]);
    let gaps = [{ kind: '', reason: 'failed' as const, message: 'cut off' }];
    ask = async () => ({
      type: 'facts',
      sections: factSections.map((section) => ({
        ...{ section, digest: section, values: {}, failure: '' },
        ...(section === 'storageClasses' && { gaps }),
      })),
    });
    await bed.clock.advance(60_000);
    await settle();
    expect(stale()).toEqual(['room']);
    gaps = [];
    await bed.clock.advance(600_000);
    await settle();
    expect(stale()).toEqual(['disks', 'room']);
  });

  it('asks for live objects that differ otherwise until agents answer, says so meanwhile, and asks once', async () => {
    const report = () => parity.group('pair')?.state.report;
    const unseen = () => report()?.reasons.filter(({ message }) => message.includes('live contents'));
    await begin(files('wild', moods('')));
    expect(report()).toMatchObject({ verdict: 'Ready', whole: true });
    expect(unseen()).toMatchObject([{ type: 'not-told', severity: 'info', count: 1, standby: 'two' }]);
    let asked = 0;
    ask = async (name, question) => {
      if (question.type !== 'object') return away();
      asked += 1;
      const metadata = { name: question.key.name, namespace: question.key.namespace };
      const data = name === 'one' ? { mode: 'calm', host: 'a' } : { mode: 'wild', host: 'admitted' };
      const content = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      return { type: 'object', found: true, content };
    };
    await bed.clock.advance(11_000);
    await settle();
    expect(unseen()).toEqual([]);
    expect(report()).toMatchObject({ verdict: 'Degraded', whole: false });
    const paths = parity.differences('pair').map((one) => `${one.class} ${one.path}`);
    expect(paths).toEqual(['declared /data/mode', 'drift /data/host']);
    await bed.clock.advance(30_000);
    await settle();
    expect(asked).toBe(2);
  });

  it('looks anew when a failover of its group has changed, though nothing else has', async () => {
    await begin(files('calm'));
    const beganMs = bed.clock.now();
    parity.changed('failovers', 'pair');
    await settle();
    expect(parity.group('pair')?.lookedAtMs).toBeGreaterThanOrEqual(beganMs);
    const seenMs = parity.group('pair')?.lookedAtMs;
    parity.changed('failovers', 'another');
    await settle();
    expect(parity.group('pair')?.lookedAtMs).toBe(seenMs);
  });

  it('tells the same of an objective within a minute, broken or not, and more of it later', async () => {
    await begin(files('calm'));
    const gone = [
      { application: 'web', key: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'settings' } },
    ];
    const batch = { cluster: 'two', applications: [], objects: [], gone, events: [] };
    await bed.store.observations.saveBatch(batch, []);
    await settle();
    await bed.clock.advance(120_000 - (bed.clock.now() % 60_000));
    await settle();
    expect(parity.group('pair')?.state.report.whole).toBe(false);
    const told = () => parity.group('pair')?.objective;
    const before = told();
    await bed.clock.advance(20_000);
    expect(told()).toEqual(before);
    expect(before?.spent).toBeGreaterThan(0);
    await bed.clock.advance(60_000);
    expect(told()?.spent).toBeGreaterThan(before?.spent ?? 0);
  });
});

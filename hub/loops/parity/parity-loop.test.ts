import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { factSections } from '../../../shared/manifest/cluster-facts.ts';
import type { Drift } from '../../../shared/manifest/health.ts';
import { keyText } from '../../../shared/manifest/object.ts';
import type { Explanation } from '../../explain/explanation.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import type { Answer, Question } from '../../model/query.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { bareAnswer } from './bare-answer.test-support.ts';
import { createParityLoop, type ParityDriver } from './parity-loop.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, role: string) =>
  `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: ${name}, role: ${role}}\n`;
const web = `${head}kind: Application\nmetadata: {name: web, labels: {tier: front}}
spec:
  source: {path: apps/web, overlays: ["overlays/{{cluster.region}}"]}
  placement: {clusters: [one, two]}
  rollout: {strategy: all-at-once}
`;
const group = (expectations = '') =>
  `${head}kind: ParityGroup\nmetadata: {name: pair}
spec:
  primary: one
  standbys: {clusters: [two]}
  applications: {selector: {matchLabels: {tier: front}}}
  variables: {region: "{{cluster.region}}"}
${expectations}`;
const base = {
  'apps/web/base/kustomization.yaml': 'resources: [deployment.yaml, map.yaml, secret.yaml]\n',
  'apps/web/base/deployment.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 4\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: "web:1"}]}\n',
  'apps/web/base/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {mode: calm}\n',
  'apps/web/base/secret.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {token: same-everywhere}\n',
};
const overlay = (region: string, more = '') =>
  `resources: [../../base]\npatches:\n  - target: {kind: ConfigMap}\n    patch: '[{"op": "add", "path": "/data/host", "value": "db.${region}.example.com"}]'\n${more}`;
const files = {
  'fleet/clusters.yaml': `${cluster('one', 'primary')}---\n${cluster('two', 'standby')}`,
  'fleet/web.yaml': web,
  'fleet/pair.yaml': group(),
  ...base,
  'apps/web/overlays/one/kustomization.yaml': overlay('one'),
  'apps/web/overlays/two/kustomization.yaml': overlay('two'),
};
const fewer = overlay('two', 'replicas: [{name: web, count: 1}]\n');

describe('createParityLoop', () => {
  let bed: LoopBed;
  let parity: ParityDriver;
  let asked: string[];
  let factsAsked = 0;
  let answer: (cluster: string, question: Question) => Promise<Answer>;
  let versions: Readonly<Record<string, string>>;
  const tellFacts = async (name: string, known: Readonly<Record<string, string>>): Promise<Answer> => {
    const kubernetes = versions[name] ?? 'v1.36.3';
    const values = known['version'] === kubernetes ? undefined : { kubernetes };
    const digest = 'none';
    const sections = factSections.map((section) =>
      section === 'version'
        ? { section, digest: kubernetes, values, failure: '' }
        : { section, digest, values: known[section] === digest ? undefined : {}, failure: '' },
    );
    return { type: 'facts', sections };
  };

  const start = () => {
    const driver = createParityLoop({
      store: bed.store,
      digestKey: new Uint8Array(32),
      ask: (name, question) => {
        if (question.type === 'facts') {
          factsAsked += 1;
          return tellFacts(name, question.known);
        }
        asked.push(`${name} ${question.type === 'object' ? keyText(question.key) : question.type}`);
        return answer(name, question);
      },
      explain: async (question) => explanationOf(question.cluster),
      ...{ clock: bed.clock, random: createSeededRandom(1), log: silentLogger },
    });
    const unsubscribe = bed.store.subscribe(driver.changed);
    driver.wakeAll();
    const stop = () => {
      unsubscribe();
      return driver.stop();
    };
    return { ...driver, stop };
  };
  const settle = async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      await bed.clock.advance(2_000);
      for (const loop of parity.loops) await loop.idle();
    }
  };
  /** What an agent says that has applied all that it was given. */
  const report = async (
    name: string,
    change: (row: ObjectObservation) => Partial<ObjectObservation> = () => ({}),
    only?: string,
  ) => {
    const [assignment] = await bed.store.releases.assignments({ cluster: name });
    const target = await bed.store.content.target(assignment?.targetDigest ?? '');
    const objects = (target?.set.entries ?? [])
      .filter(({ key }) => only === undefined || key.kind === only)
      .map(({ key, objectDigest }): ObjectObservation => {
        const row: ObjectObservation = {
          ...{ cluster: name, application: 'web', key, objectDigest, liveDigest: objectDigest },
          ...{ syncStatus: 'Synced', healthStatus: 'Current', reason: '', message: '', drift: undefined },
          ...{ lastAction: 'created', generation: assignment?.generation ?? 0, timeMs: bed.clock.now() },
        };
        return { ...row, ...change(row) };
      });
    await bed.store.registry.seen({ cluster: name, connected: true, nowMs: bed.clock.now() });
    await bed.store.observations.saveBatch(
      { cluster: name, applications: [], objects, gone: [], events: [] },
      [],
    );
  };
  const told = () =>
    parity
      .differences('pair')
      .map((one) => `${one.class} ${one.originId.split('/')[1]} ${one.path} ${one.side}`);
  const verdict = () => parity.group('pair')?.state.report.verdict;
  const merge = async (changed: Readonly<Record<string, string>>) => {
    await bed.commit({ ...files, ...changed });
    await bed.resolve();
  };

  beforeEach(async () => {
    bed = await createLoopBed();
    asked = [];
    versions = {};
    answer = async () => {
      throw new FairwayError('unavailable', 'away');
    };
    await merge({});
    parity = start();
  });
  afterEach(async () => {
    await parity.stop();
    await bed.close();
  });

  it('is Ready when both have what Git wants, in the words of each region', async () => {
    await report('one');
    await report('two');
    await settle();
    expect(told()).toEqual([]);
    expect(parity.group('pair')?.state.report).toMatchObject({ verdict: 'Ready', score: 100, whole: true });
    expect(parity.group('pair')?.state.report.pairs[0]?.objects).toBe(3);
  });

  it('is Unknown while an agent was never heard of, and lagging where nothing is applied', async () => {
    await report('one');
    await settle();
    expect(verdict()).toBe('Unknown');
    expect(told().sort()).toEqual([
      'lagging ConfigMap  standby',
      'lagging Deployment  standby',
      'lagging Secret  standby',
    ]);
  });

  it('tells an overlay difference with the line that sets it, until somebody declares it, and when that is stale', async () => {
    answer = bareAnswer;
    await merge({ 'apps/web/overlays/two/kustomization.yaml': fewer });
    await report('one');
    await report('two');
    await settle();
    expect(told()).toEqual(['overlay Deployment /spec/replicas both']);
    expect(parity.differences('pair')[0]).toMatchObject({
      ...{ primaryValue: '4', standbyValue: '1', owner: 'Ada <ada@example.com>' },
      standbySource: { layer: 'overlays/two', file: 'apps/web/overlays/two/kustomization.yaml', line: 5 },
    });
    expect(verdict()).toBe('Degraded');
    const declared = group(
      `  expectations:\n    - name: fewer\n      owner: team-web\n      reason: it costs less\n      rule: {paths: [/spec/replicas], holds: standby.spec.replicas <= primary.spec.replicas}\n`,
    );
    await merge({ 'apps/web/overlays/two/kustomization.yaml': fewer, 'fleet/pair.yaml': declared });
    await report('two');
    await settle();
    expect(told()).toEqual(['declared Deployment /spec/replicas both']);
    expect(parity.group('pair')?.state.report).toMatchObject({ verdict: 'Ready', whole: true, score: 100 });
    await merge({ 'fleet/pair.yaml': declared });
    await report('two');
    await settle();
    expect(parity.group('pair')?.state.report).toMatchObject({
      verdict: 'Ready',
      staleExpectations: ['fewer'],
    });
  });

  it('does not tell of fields that the application leaves to others', async () => {
    const left = web.replace(
      '  placement:',
      '  sync: {ignore: [{group: apps, kind: Deployment, paths: [/spec/replicas]}]}\n  placement:',
    );
    await merge({ 'apps/web/overlays/two/kustomization.yaml': fewer, 'fleet/web.yaml': left });
    await report('one');
    await report('two');
    await settle();
    expect(told()).toEqual([]);
    expect(verdict()).toBe('Ready');
  });

  it('tells drift with who and when after one object was reported, and reads no other', async () => {
    await report('one');
    await report('two');
    await settle();
    const reads = countReads(bed);
    const drift: Drift = {
      fields: [{ path: '/data/mode', desired: '"calm"', live: '"wild"' }],
      managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: 1_000 }],
      ...{ kind: 'changed', foundAtMs: bed.clock.now() },
    };
    await report('two', () => ({ drift, syncStatus: 'Drifted', liveDigest: 'other' }), 'ConfigMap');
    await settle();
    expect(told()).toEqual(['drift ConfigMap /data/mode standby']);
    expect(parity.differences('pair')[0]).toMatchObject({ owner: 'kubectl-edit', standbyValue: '"wild"' });
    expect(reads.pages).toEqual([1]);
    await report('two', () => ({ drift: { ...drift, healedAtMs: bed.clock.now() } }), 'ConfigMap');
    await settle();
    expect(told()).toEqual([]);
    const { items } = await parity.timeline('pair', { limit: 10 });
    expect(items.map(({ message }) => message).slice(0, 2)).toEqual([
      'Degraded -> Ready: no difference',
      'Ready -> Degraded: 1 drift',
    ]);
    const events = await bed.store.events.list({ types: ['parity'] }, { limit: 10 });
    expect(events.items[0]?.data).toMatchObject({ group: 'pair', verdict: 'Ready', whole: true });
  });

  it('tells what lags by what Git wants now, and that it takes too long', async () => {
    await report('one');
    await report('two');
    await settle();
    await merge({ 'apps/web/base/map.yaml': files['apps/web/base/map.yaml'].replace('calm', 'brisk') });
    await report('one');
    await settle();
    expect(told()).toEqual(['lagging ConfigMap /data/mode standby']);
    expect(parity.group('pair')?.state.report).toMatchObject({ verdict: 'Ready', whole: false });
    await bed.clock.advance(12_000);
    await settle();
    expect(verdict()).toBe('Degraded');
    await bed.clock.advance(16 * 60_000);
    await report('one');
    await report('two', (row) => ({ ...row, syncStatus: 'Failed', message: 'is refused' }), 'ConfigMap');
    await settle();
    expect(verdict()).toBe('NotReady');
    expect(parity.group('pair')?.state.report.reasons[0]?.message).toContain('is refused');
  });

  it('asks agents for what digests alone do not tell, and for nothing else', async () => {
    answer = async (name) => ({
      ...{ type: 'object', found: true },
      content: JSON.stringify({
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
        spec: { replicas: name === 'one' ? 4 : 5 },
      }),
    });
    await report('one');
    await report('two', () => ({ liveDigest: 'mutated' }), 'Deployment');
    await report('two', () => ({}), 'ConfigMap');
    await report('two', () => ({ liveDigest: 'keyed by the agent' }), 'Secret');
    await settle();
    expect(new Set(asked.map((text) => text.split('/')[1]))).toEqual(new Set(['ConfigMap', 'Deployment']));
    expect(told()).toEqual(['drift Deployment /spec/replicas both']);
  });

  it('goes on where an agent answers with what is no object, or with another', async () => {
    const answers = ['null', '[]', '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"key"}}'];
    answer = async () => ({ type: 'object', found: true, content: answers[asked.length % 3] ?? '' });
    await report('one');
    await report('two', () => ({ liveDigest: 'mutated' }), 'Deployment');
    await report('two', () => ({}), 'ConfigMap');
    await report('two', () => ({}), 'Secret');
    await settle();
    expect(asked.length).toBeGreaterThan(1);
    expect(told()).toEqual(['drift Deployment  both']);
  });

  it('pairs an application anew once, however many objects came that have no place yet', async () => {
    await report('one');
    await report('two');
    await settle();
    const reads = countReads(bed);
    await report('two', (row) => ({ key: { ...row.key, name: `${row.key.name}-more` }, objectDigest: '' }));
    await settle();
    expect(told().filter((text) => text.startsWith('lagging'))).toHaveLength(3);
    // Three rows that are named, then all of both sides once.
    expect(reads.pages).toEqual([1, 1, 1, 3, 6]);
  });

  it('tells an application whose contents are lost, and goes on', async () => {
    await report('one');
    await report('two');
    await settle();
    const { targets } = bed.store.content;
    bed.store.content.targets = () => Promise.reject(new FairwayError('data_loss', 'it cannot be unpacked'));
    await parity.stop();
    parity = start();
    await settle();
    expect(verdict()).toBe('Unknown');
    expect(parity.group('pair')?.state.report.reasons[0]?.message).toBe('web cannot be compared: data_loss');
    bed.store.content.targets = targets;
    await bed.clock.advance(601_000);
    await report('one');
    await report('two');
    await settle();
    expect(verdict()).toBe('Ready');
  });

  it('tells a cluster that the newest revision cannot be rendered for, and not that Git wants it so', async () => {
    await report('one');
    await report('two');
    await settle();
    const kustomization = `${overlay('two')}components: [nowhere]\n`;
    await merge({
      'apps/web/overlays/two/kustomization.yaml': kustomization,
      'apps/web/base/map.yaml': files['apps/web/base/map.yaml'].replace('calm', 'brisk'),
    });
    await report('one');
    await settle();
    expect(told()).toEqual(['lagging ConfigMap /data/mode standby']);
    expect(parity.differences('pair')[0]?.message).toContain(
      'two stays at what it had: apps/web/overlays/two/kustomization.yaml:',
    );
    await bed.clock.advance(12_000);
    await settle();
    expect(verdict()).toBe('Degraded');
  });

  it('tells what the clusters are besides, and that they have become alike', async () => {
    versions = { two: 'v1.35.0' };
    await report('one');
    await report('two');
    await settle();
    expect(parity.differences('pair')).toMatchObject([
      { class: 'environment', path: '/environment/version/kubernetes', severity: 'warning' },
    ]);
    expect(parity.group('pair')?.state.report).toMatchObject({ verdict: 'Degraded', whole: true });
    versions = {};
    await bed.clock.advance(301_000);
    await settle();
    expect(parity.differences('pair')).toEqual([]);
  });

  it('never shows the value of a Secret', async () => {
    const secret = base['apps/web/base/secret.yaml'];
    const patched = `${overlay('two')}  - target: {kind: Secret}\n    patch: '[{"op": "add", "path": "/stringData/token", "value": "hush-hush"}]'\n`;
    await merge({ 'apps/web/overlays/two/kustomization.yaml': patched });
    expect(secret).toContain('same-everywhere');
    await report('one');
    await report('two');
    await settle();
    expect(told()).toEqual(['overlay Secret /data/token both']);
    const all = JSON.stringify([parity.differences('pair'), parity.groups()]);
    for (const value of ['hush-hush', 'same-everywhere'])
      for (const text of [value, Buffer.from(value).toString('base64')]) expect(all).not.toContain(text);
    // A short value can be guessed from its fingerprint by an agent that has the group's salt.
    expect(all).not.toMatch(/#[0-9a-f]{16}/);
  });

  it('tells how long parity was held, after a new start as well', async () => {
    await report('one');
    await report('two');
    await settle();
    const objective = () => parity.group('pair')?.objective;
    expect(objective()?.burns[0]?.rate).toBeLessThan(1);
    const drift: Drift = {
      ...{ fields: [{ path: '/data/mode', desired: '"calm"', live: '"wild"' }], managers: [] },
      ...{ kind: 'changed', foundAtMs: bed.clock.now() },
    };
    await report('two', () => ({ drift, syncStatus: 'Drifted', liveDigest: 'other' }), 'ConfigMap');
    await settle();
    await bed.clock.advance(2 * 3_600_000);
    await settle();
    const before = objective();
    expect(before?.burns[0]?.rate).toBeCloseTo(1_000);
    expect(before?.state).toBe('missed');
    const told = async () => {
      const { items } = await bed.store.events.list({ types: ['parity.objective'] }, { limit: 10 });
      return items.map(({ message }) => message);
    };
    expect((await told())[0]).toMatch(
      /^pair: the objective is missed: parity held \d+\.\d % of the last 30 days/,
    );
    expect(await told()).toHaveLength(2);
    expect(before?.spent).toBeGreaterThan(2);
    const reasons = () => parity.group('pair')?.state.report.reasons.map(({ type }) => type);
    expect(reasons()).toContain('objective');
    await parity.stop();
    parity = start();
    await settle();
    expect(objective()?.spent).toBeGreaterThanOrEqual(before?.spent ?? 0);
    expect(reasons()).toContain('objective');
    expect(await told()).toHaveLength(2);
    // Half of the time may be missed, by another word in Git: nothing is amiss any more.
    await merge({ 'fleet/pair.yaml': group('  objective: {target: 50, window: 2d}\n') });
    await settle();
    expect(objective()).toMatchObject({
      objective: { share: 0.5, windowMs: 2 * 86_400_000 },
      state: 'burning',
    });
    expect(reasons()).not.toContain('objective');
    expect((await told())[0]).toContain('pair: the objective is burning, 2.0 times too fast over an hour');
  });

  it('tells what could not be kept at first, and tells it once', async () => {
    await report('one');
    await report('two');
    await settle();
    const { save } = bed.store.parity;
    let refusals = 0;
    bed.store.parity.save = (...row) =>
      refusals++ < 2 ? Promise.reject(new FairwayError('unavailable', 'the disk is full')) : save(...row);
    const drift: Drift = {
      ...{ fields: [{ path: '/data/mode', desired: '"calm"', live: '"wild"' }], managers: [] },
      ...{ kind: 'changed', foundAtMs: bed.clock.now() },
    };
    await report('two', () => ({ drift, syncStatus: 'Drifted', liveDigest: 'other' }), 'ConfigMap');
    for (let turn = 0; turn < 4; turn += 1) await settle();
    expect(refusals).toBeGreaterThan(2);
    expect(verdict()).toBe('Degraded');
    const { items } = await bed.store.events.list({ types: ['parity.changed'] }, { limit: 10 });
    expect(items.filter(({ message }) => message === 'pair: Ready -> Degraded: 1 drift')).toHaveLength(1);
  });

  it('goes on after a new start with what was kept, and forgets a group that is gone', async () => {
    await report('one');
    await report('two');
    await settle();
    const before = parity.group('pair')?.state;
    await parity.stop();
    parity = start();
    await settle();
    expect(parity.group('pair')?.state.verdictSinceMs).toBe(before?.verdictSinceMs);
    await bed.commit({ ...files, 'fleet/pair.yaml': '' });
    await bed.resolve();
    await settle();
    expect(parity.groups()).toEqual([]);
    expect(await bed.store.parity.states()).toEqual([]);
    // Nor does it ask its clusters for anything from then on.
    factsAsked = 0;
    parity.factsChanged('two');
    await bed.clock.advance(600_000);
    await settle();
    expect(factsAsked).toBe(0);
  });

  it('compares two clusters without a group', async () => {
    await merge({ 'apps/web/overlays/two/kustomization.yaml': fewer });
    await report('one');
    await report('two');
    const signal = new AbortController().signal;
    const compared = await parity.compare('one', 'two', undefined, signal);
    expect(compared.differences.map(({ path }) => path).sort()).toEqual(['/data/host', '/spec/replicas']);
    await expect(parity.compare('one', 'nowhere', undefined, signal)).rejects.toThrow('no Cluster "nowhere"');
    await expect(parity.compare('one', 'one', undefined, signal)).rejects.toThrow('name two clusters');
  });
});

/** Sizes of the pages of objects that are read from now on. */
function countReads({ store }: LoopBed): { readonly pages: readonly number[] } {
  const pages: number[] = [];
  const { objects } = store.observations;
  store.observations.objects = async (filter, page) => {
    const found = await objects(filter, page);
    pages.push(found.items.length);
    return found;
  };
  return { pages };
}

function explanationOf(name: string): Explanation {
  const at = {
    ...{
      source: 'repository' as const,
      file: `apps/web/overlays/${name}/kustomization.yaml`,
      line: 5,
      field: '',
    },
    ...{ holds: 'value' as const, uncommitted: false },
    commit: {
      ...{ sha: 'c', author: 'Ada', email: 'ada@example.com', time: '', subject: '', file: '', line: 5 },
      orBefore: false,
    },
  };
  const origin = { kind: 'replicas', action: 'replicas[0]', layer: `overlays/${name}`, at };
  return {
    lines: [{ text: 'replicas: 1', path: 'spec.replicas', origin, changes: 1 }],
  } as unknown as Explanation;
}

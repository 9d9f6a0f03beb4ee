import { describe, expect, it } from 'vitest';
import { fingerprintValue, placeOfValue } from '../../shared/manifest/fingerprint.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { Expectation } from '../model/parity.ts';
import { compareObject, type PairContext, wantedDigests } from './compare-object.ts';
import {
  configMap,
  deployment,
  digestOf,
  driftOf,
  expectationOf,
  pairOf,
  type SideSpec,
} from './fixture.test-support.ts';
import { createNormaliser } from './normalise.ts';

const told = (
  primary: SideSpec,
  standby: SideSpec,
  expectations: readonly Expectation[] = [],
  part: Partial<PairContext> = {},
) => {
  const { pair, context } = pairOf(primary, standby, expectations, part);
  return compareObject(pair, context).differences.map((one) => `${one.class} ${one.path} ${one.side}`);
};

const calm = configMap({ mode: 'calm', host: 'a' });
const wild = configMap({ mode: 'wild', host: 'a' });

describe('compareObject', () => {
  it('says nothing of what is equal, and asks for no content', () => {
    const { pair, context } = pairOf({ wanted: calm }, { wanted: calm });
    expect(compareObject(pair, context)).toEqual({ differences: [], ask: false });
    expect(wantedDigests(pair)).toEqual([]);
  });

  it.each<[string, SideSpec, SideSpec, readonly string[]]>([
    ['what Git wants to differ', { wanted: calm }, { wanted: wild }, ['overlay /data/mode both']],
    [
      'a field that is on one side only',
      { wanted: configMap({ a: '1', b: '2' }) },
      { wanted: configMap({ a: '1' }) },
      ['overlay /data/b both'],
    ],
    [
      'a standby that has an older release',
      { wanted: wild },
      { wanted: wild, applied: calm },
      ['lagging /data/mode standby'],
    ],
    [
      'a primary that has an older release',
      { wanted: wild, applied: calm },
      { wanted: wild },
      ['lagging /data/mode primary'],
    ],
    [
      'nothing where both have the same older release',
      { wanted: wild, applied: calm },
      { wanted: wild, applied: calm },
      [],
    ],
    [
      'what is to differ by Git, though it lags besides',
      { wanted: configMap({ mode: 'a', x: '2' }) },
      { wanted: configMap({ mode: 'b', x: '2' }), applied: configMap({ mode: 'b', x: '1' }) },
      ['overlay /data/mode both', 'lagging /data/x standby'],
    ],
    [
      'a change by hand in the standby',
      { wanted: calm },
      { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) },
      ['drift /data/mode standby'],
    ],
    [
      'a change by hand in the primary',
      { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) },
      { wanted: calm },
      ['drift /data/mode primary'],
    ],
    [
      'nothing where both were changed alike',
      { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) },
      { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) },
      [],
    ],
    [
      'nothing where a change by hand makes up for an overlay',
      { wanted: calm },
      { wanted: wild, drift: driftOf({ '/data/mode': 'calm' }) },
      [],
    ],
    [
      'a change that was healed',
      { wanted: calm },
      {
        wanted: calm,
        drift: { ...driftOf({ '/data/mode': 'wild' }), healedAtMs: 9 },
        more: { syncStatus: 'Synced' },
      },
      [],
    ],
    ['an object that Git wants in the primary alone', { wanted: calm }, {}, ['missing  both']],
    ['an object that Git wants in the standby alone', {}, { wanted: calm }, ['extra  both']],
    [
      'an object that was deleted by hand',
      { wanted: calm },
      { wanted: calm, drift: driftOf({}, 'deleted') },
      ['drift  standby'],
    ],
    [
      'an object that is not applied yet',
      { wanted: calm },
      { wanted: calm, applied: null },
      ['lagging  standby'],
    ],
    [
      'an object that cannot be applied',
      { wanted: calm },
      { wanted: calm, more: { syncStatus: 'Failed', message: 'denied' } },
      ['lagging  standby'],
    ],
    [
      'an object that is to go',
      {},
      { wanted: undefined, applied: calm, more: { objectDigest: '' } },
      ['lagging  standby'],
    ],
    [
      'an object that the newest revision wants in neither, and that is in the primary still',
      { applied: calm },
      {},
      ['lagging  primary'],
    ],
    [
      'an object that the newest revision wants in neither, and that is in the standby still',
      {},
      { applied: calm },
      ['lagging  standby'],
    ],
    ['an object that is kept on purpose', {}, { applied: calm, more: { syncStatus: 'Retained' } }, []],
    [
      'an object that is unwell',
      { wanted: calm },
      { wanted: calm, more: { healthStatus: 'Failed', message: '0 of 2' } },
      ['unhealthy  standby'],
    ],
  ])('tells %s', (_name, primary, standby, expected) => {
    expect(told(primary, standby)).toEqual(expected);
  });

  describe('of an object that differs in more fields than are told', () => {
    const many = (count: number, value: string, more: Readonly<Record<string, string>> = {}) =>
      configMap({
        ...Object.fromEntries(
          Array.from({ length: count }, (_, at) => [`d${String(at).padStart(3, '0')}`, value]),
        ),
        ...more,
      });
    const declared = (count: number) =>
      Array.from({ length: count }, (_, at) => `/data/d${String(at).padStart(3, '0')}`);
    const differences = (primary: KubeObject, standby: KubeObject, expectations: readonly Expectation[]) => {
      const { pair, context } = pairOf({ wanted: primary }, { wanted: standby }, expectations);
      return compareObject(pair, context).differences;
    };

    it('hides nothing behind what is declared', () => {
      const all = expectationOf('all', { type: 'fields', paths: declared(250) });
      const found = differences(many(250, 'a', { z: 'a' }), many(250, 'b', { z: 'b' }), [all]);
      const open = found.filter((one) => one.class !== 'declared');
      expect(open.map(({ path, message }) => [path, message.includes('more fields')])).toEqual([
        ['/data/z', false],
      ]);
      expect(found).toHaveLength(200);
    });

    it('says how many more nobody declared, where people see it', () => {
      const all = expectationOf('all', { type: 'fields', paths: declared(100) });
      const found = differences(many(350, 'a'), many(350, 'b'), [all]);
      const open = found.filter((one) => one.class !== 'declared');
      expect(open).toHaveLength(200);
      expect(open.at(-1)?.message).toMatch(/ \(and 50 more fields\)$/);
      expect(found.filter((one) => one.class === 'declared').map(({ path }) => path)).toEqual(['/data/d000']);
    });

    it('tells something of each expectation, covered or broken, so that none is called stale', () => {
      const late = expectationOf('late', { type: 'fields', paths: ['/data/y'] });
      const rule = { type: 'rule', paths: ['/data/z'], holds: 'standby.data.z == primary.data.z' } as const;
      const found = differences(many(250, 'a', { y: 'a', z: 'a' }), many(250, 'b', { y: 'b', z: 'b' }), [
        late,
        expectationOf('broken', rule),
      ]);
      const named = found.flatMap(({ expectation, broken = [] }) => [expectation, ...broken]);
      expect(named).toEqual(expect.arrayContaining(['late', 'broken']));
    });
  });

  it('says who changed a field by hand and when, and what it was and is', () => {
    const { pair, context } = pairOf(
      { wanted: calm },
      { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) },
    );
    expect(compareObject(pair, context).differences[0]).toMatchObject({
      ...{ owner: 'kubectl-edit', primaryValue: '"calm"', standbyValue: '"wild"', sinceMs: 2_000 },
      message: '/data/mode was changed in two by kubectl-edit (Update) at 1970-01-01T00:00:01.000Z',
    });
  });

  it('takes names that a prefix or hash made others, and values of variables, for the same', () => {
    const named = (name: string, region: string): KubeObject => ({
      ...deployment(2),
      spec: { replicas: 2, host: `db.${region}.example.com`, config: name, neutral: 'neutral' },
    });
    const words = (region: string, name: string) =>
      createNormaliser({
        variables: new Map([['region', region]]),
        names: new Map([[name, 'ConfigMap/settings']]),
      });
    const normalisers = { primary: words('eu', 'settings-1a'), standby: words('us', 'settings-2b') };
    expect(
      told({ wanted: named('settings-1a', 'eu') }, { wanted: named('settings-2b', 'us') }, [], {
        normalisers,
      }),
    ).toEqual([]);
    // The standby speaks of the primary's region: that is no translation of its own.
    expect(
      told({ wanted: named('settings-1a', 'us') }, { wanted: named('settings-2b', 'eu') }, [], {
        normalisers,
      }),
    ).toEqual(['overlay /spec/host both']);
  });

  it('shows no value of a Secret, and knows equal ones', () => {
    const secret = (values: Readonly<Record<string, string>>, how = 'stringData'): KubeObject => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
      [how]: values,
    });
    const encoded = Buffer.from('hush').toString('base64');
    expect(told({ wanted: secret({ a: 'hush' }) }, { wanted: secret({ a: encoded }, 'data') })).toEqual([]);
    const { pair, context } = pairOf({ wanted: secret({ a: 'hush' }) }, { wanted: secret({ a: 'other' }) });
    const { differences } = compareObject(pair, context);
    expect(differences.map(({ path }) => path)).toEqual(['/data/a']);
    for (const text of ['hush', encoded, 'other']) expect(JSON.stringify(differences)).not.toContain(text);
  });

  describe('of what SOPS has encrypted', () => {
    const sealed = (text: string): KubeObject => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
      ...{ stringData: { a: `ENC[AES256_GCM,data:${text},iv:a,tag:b,type:str]` }, sops: { mac: 'm' } },
    });
    const opened = (values: Readonly<Record<string, string>>): Partial<PairContext> => ({
      sealedOf(digest) {
        const found = Object.entries(values).find(([text]) => digestOf(sealed(text)) === digest);
        return found && { '/stringData/a': found[1] };
      },
    });

    it('says nothing where both hold the same, encrypted anew for each', () => {
      expect(
        told({ wanted: sealed('x') }, { wanted: sealed('y') }, [], opened({ x: '#1', y: '#1' })),
      ).toEqual([]);
    });

    it('tells values that differ as what they are: wanted by Git, changed by hand, or declared', () => {
      const [left, right] = [{ wanted: sealed('x') }, { wanted: sealed('y') }];
      const differ = opened({ x: '#1', y: '#2' });
      expect(told(left, right, [], differ)).toEqual(['overlay /data/a both']);
      const kind = { type: 'fields', paths: ['/data/a'] } as const;
      expect(told(left, right, [expectationOf('keys', kind)], differ)).toEqual(['declared /data/a both']);
      const drift = { ...driftOf({}), fields: [{ path: '/data/a' }] };
      const equal = opened({ x: '#1', y: '#1' });
      expect(told(left, { ...right, drift }, [], equal)).toEqual(['drift /data/a standby']);
    });

    it('knows a value that is encrypted for one of them alone', () => {
      const plain: KubeObject = {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
        data: { a: Buffer.from('hush').toString('base64') },
      };
      const place = placeOfValue('web', '/Secret/shop/key', '/data/a');
      const says = (text: string) =>
        fingerprintValue(new Uint8Array(32), place, Buffer.from(text).toString('base64'));
      expect(told({ wanted: plain }, { wanted: sealed('y') }, [], opened({ y: says('hush') }))).toEqual([]);
      expect(told({ wanted: plain }, { wanted: sealed('y') }, [], opened({ y: says('rush') }))).toEqual([
        'overlay /data/a both',
      ]);
    });

    it('waits for an agent that has not said what it opened, and asks it no more where both got the same', () => {
      expect(told({ wanted: sealed('x') }, { wanted: sealed('y') }, [], opened({ x: '#1' }))).toEqual([
        'lagging /data/a standby',
      ]);
      expect(told({ wanted: sealed('x') }, { wanted: sealed('x') })).toEqual([]);
    });
  });

  it('does not compare what the application leaves to others', () => {
    const rule = { group: 'apps', kind: 'Deployment', paths: ['/spec/replicas'], managers: [] };
    const ignore = [
      { ...rule, jqPaths: ['.spec.template.spec.containers[] | select(.name == "web") | .image'] },
    ];
    const [left, right] = [{ wanted: deployment(1, 'a') }, { wanted: deployment(4, 'b') }];
    expect(told(left, right, [], { ignore })).toEqual([]);
    expect(told(left, right, [], { ignore: [{ ...rule, kind: 'StatefulSet' }] })).toHaveLength(2);
    expect(told(left, right, [], { ignore: [rule] })).toEqual([
      'overlay /spec/template/spec/containers/[name=web]/image both',
    ]);
  });

  it('takes two changed values of a Secret that nobody has told for two', () => {
    const secret: KubeObject = {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
      data: { token: 'c2FtZQ==' },
    };
    const changed = { wanted: secret, drift: { ...driftOf({}), fields: [{ path: '/data/token' }] } };
    expect(told(changed, changed)).toEqual(['drift /data/token standby']);
  });

  it('takes long values that were cut for two: what they end with nobody has said', () => {
    const cut = {
      ...driftOf({}),
      fields: [{ path: '/data/mode', desired: '"calm"', live: `"${'x'.repeat(511)}` }],
    };
    const changed = { wanted: calm, drift: cut };
    expect(told(changed, changed)).toEqual(['drift /data/mode standby']);
  });

  it('asks where both were changed by hand alike, and are not alike all the same', () => {
    const changed = { wanted: calm, drift: driftOf({ '/data/mode': 'wild' }) };
    const { pair, context } = pairOf(changed, { ...changed, more: { liveDigest: 'mutated before' } });
    expect(compareObject(pair, context).ask).toBe(true);
  });

  it('asks where more was changed by hand than an agent tells', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`/data/k${at}`, 'x']));
    const changed = { wanted: calm, drift: driftOf({ ...many, '/data/mode': 'wild' }) };
    const { pair, context } = pairOf(changed, changed);
    expect(compareObject(pair, context).ask).toBe(true);
  });

  describe('of what admission webhooks make of objects that differ otherwise', () => {
    const liveOf = (side: string): KubeObject => configMap({ ...{ mode: side, host: `${side} host` } });

    it('asks for both, and tells what nothing else tells', () => {
      const mode = expectationOf('mode', { type: 'fields', paths: ['/data/mode'] });
      const [left, right] = [{ wanted: calm }, { wanted: wild, more: { liveDigest: 'mutated' } }];
      const first = pairOf(left, right, [mode]);
      expect(compareObject(first.pair, first.context)).toMatchObject({
        ask: true,
        differences: [{ class: 'declared', path: '/data/mode' }],
      });
      expect(told(left, right, [mode], { liveOf })).toEqual([
        'declared /data/mode both',
        'drift /data/host both',
      ]);
    });

    it('says nothing where they are alike in words that both have in common', () => {
      const words = (region: string) =>
        createNormaliser({ variables: new Map([['region', region]]), names: new Map() });
      const normalisers = { primary: words('primary'), standby: words('standby') };
      const [left, right] = [configMap({ host: 'a.primary' }), configMap({ host: 'a.standby' })];
      const live = (side: string) => configMap({ host: `admitted.a.${side}` });
      const part = { normalisers, liveOf: live };
      expect(told({ wanted: left }, { wanted: right }, [], part)).toEqual([]);
      const other = { normalisers, liveOf: (side: string) => (side === 'primary' ? live(side) : right) };
      expect(told({ wanted: left }, { wanted: right }, [], other)).toEqual(['drift /data/host both']);
    });

    it('asks where somebody has set what was applied, and it had become something else', () => {
      const drift = { ...driftOf({}), fields: [{ path: '/data/mode', desired: '"calm"', live: '"calm"' }] };
      const { pair, context } = pairOf({ wanted: calm }, { wanted: calm, drift });
      expect(compareObject(pair, context).ask).toBe(true);
    });

    it('asks for nothing while one of both is on its way, and for nothing that is encrypted', () => {
      const late = pairOf({ wanted: wild }, { wanted: wild, applied: calm });
      expect(compareObject(late.pair, late.context).ask).toBe(false);
      const sealed = { ...wild, sops: { mac: 'm' } };
      const opened = pairOf({ wanted: calm }, { wanted: sealed });
      expect(compareObject(opened.pair, opened.context).ask).toBe(false);
    });
  });

  it('asks where digests of live objects alone differ, and then says where they do', () => {
    const standby = { wanted: calm, more: { liveDigest: 'mutated' } };
    const first = pairOf({ wanted: calm }, standby);
    expect(compareObject(first.pair, first.context)).toMatchObject({
      ask: true,
      differences: [{ class: 'drift', path: '' }],
    });
    const live = (side: string) => ({ ...(side === 'primary' ? calm : wild), status: { side } });
    const second = pairOf({ wanted: calm }, standby, [], { liveOf: live });
    expect(compareObject(second.pair, second.context).differences.map(({ path }) => path)).toEqual([
      '/data/mode',
    ]);
  });
});

describe('expectations', () => {
  const fewer = { wanted: deployment(1) };
  const more = { wanted: deployment(4) };

  it('cover the fields they name and what is below, and nothing else', () => {
    const paths = ['/spec/template/spec/containers/*/image'];
    const images = expectationOf('images', { type: 'fields', paths });
    expect(told({ wanted: deployment(1, 'a') }, { wanted: deployment(2, 'b') }, [images])).toEqual([
      'overlay /spec/replicas both',
      'declared /spec/template/spec/containers/[name=web]/image both',
    ]);
  });

  it('cover drift as well: what may differ may differ for any reason', () => {
    const mode = expectationOf('mode', { type: 'fields', paths: ['/data/mode'] });
    const standby = { wanted: calm, drift: driftOf({ '/data/mode': 'wild', '/data/host': 'b' }) };
    expect(told({ wanted: calm }, standby, [mode])).toEqual([
      'drift /data/host standby',
      'declared /data/mode standby',
    ]);
  });

  it('by rule cover a field as long as the rule holds, and say when it does not', () => {
    const holds = 'standby.spec.replicas <= primary.spec.replicas';
    const rule = expectationOf('fewer', { type: 'rule', paths: ['/spec/replicas'], holds });
    expect(told(more, fewer, [rule])).toEqual(['declared /spec/replicas both']);
    const { pair, context } = pairOf(fewer, more, [rule]);
    const [difference] = compareObject(pair, context).differences;
    expect(difference).toMatchObject({ class: 'overlay', expectation: '', broken: ['fewer'] });
    expect(difference?.message).toContain(`fewer does not hold: ${holds}`);
  });

  it('by rule do not hold where the rule cannot be evaluated', () => {
    const holds = 'standby.spec.nothing <= primary.spec.replicas';
    const rule = expectationOf('odd', { type: 'rule', paths: ['/spec/replicas'], holds });
    expect(told(more, fewer, [rule])).toEqual(['overlay /spec/replicas both']);
  });

  it('of one side cover what is there alone, on that side only', () => {
    const only = expectationOf('only', { type: 'only', side: 'primary' });
    expect(told({ wanted: calm }, {}, [only])).toEqual(['declared  both']);
    expect(told({}, { wanted: calm }, [only])).toEqual(['extra  both']);
    expect(told({ wanted: calm }, { wanted: calm, applied: null }, [only])).toEqual(['lagging  standby']);
  });

  it('of a standby at zero cover no other number', () => {
    const zero = expectationOf('zero', { type: 'scaledToZero' });
    expect(told(more, { wanted: deployment(0) }, [zero])).toEqual(['declared /spec/replicas both']);
    expect(told(more, fewer, [zero])).toEqual(['overlay /spec/replicas both']);
    expect(told({ wanted: deployment(0) }, more, [zero])).toEqual(['overlay /spec/replicas both']);
  });

  it('count for the objects they name', () => {
    const scope = { applications: [], kinds: ['StatefulSet'], namespaces: [], names: [] };
    const paths = ['/spec/replicas'];
    expect(told(more, fewer, [expectationOf('a', { type: 'fields', paths }, { scope })])).toEqual([
      'overlay /spec/replicas both',
    ]);
  });
});

/** What the API says of parity groups and failovers: verdicts, differences, expectations, history, plans, drills; and that it says so when a verdict changes. */
import { describe, expect, it } from 'vitest';
import { startMs } from './fixtures.ts';
import { createHarness } from './harness.ts';
import { parityDifferences, parityPort } from './parity-fixtures.ts';

const { call, tokens } = createHarness();
const get = (path: string, headers: Record<string, string> = {}) =>
  call('GET', `/api/v1${path}`, { token: tokens.read, headers });
const idsOf = ({ items }: { readonly items: readonly Readonly<Record<string, unknown>>[] }) =>
  items.map(({ id }) => id);

describe('parity groups', () => {
  it('are listed with verdict, objective, and what is under way', async () => {
    const { items } = await get('/parity');
    expect(items).toEqual([(await get('/parity/shop-eu')).body]);
    expect(items[0]).toMatchObject({
      ...{ group: 'shop-eu', verdict: 'Degraded', score: 95, whole: false, primary: 'eu-1' },
      objective: { targetPercent: 99.9, state: 'burning', leftSeconds: 2_520 },
      failover: { id: 'failover-1', phase: 'Switching', overrideUntil: '2026-01-01T01:00:00.000Z' },
    });
    expect((await get('/parity/nowhere')).status).toBe(404);
  });

  it('are filtered by verdict, and come in pages', async () => {
    expect((await get('/parity?verdict=Degraded')).items).toHaveLength(1);
    expect((await get('/parity?verdict=Ready')).items).toEqual([]);
    const [view] = parityPort.groups();
    if (!view) throw new Error('there is no group');
    const named = (name: string) => ({
      group: { ...view.group, name },
      state: { ...view.state, group: name, report: { ...view.state.report, group: name } },
      objective: undefined,
    });
    const groups = () => ['a', 'b', 'c'].map(named);
    const harness = createHarness({ ports: { parity: { ...parityPort, groups } } });
    const page = (query: string) =>
      harness.call('GET', `/api/v1/parity?limit=2${query}`, { token: harness.tokens.read });
    const first = await page('');
    const second = await page(`&cursor=${first.body['next']}`);
    expect([...first.items, ...second.items].map(({ group }) => group)).toEqual(['a', 'b', 'c']);
    expect(second.body['next']).toBeNull();
    expect(second.items[0]).toMatchObject({ objective: null, failover: null });
  });

  it('are the same answer as long as nothing changes, and another when the verdict does', async () => {
    for (const path of ['/parity', '/parity/shop-eu', '/parity/shop-eu/differences', '/failovers']) {
      const first = await get(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag, path).not.toBe('');
      expect((await get(path, { 'if-none-match': etag })).status, path).toBe(304);
    }
    const [view] = parityPort.groups();
    if (!view) throw new Error('there is no group');
    const report = { ...view.state.report, verdict: 'Ready' as const };
    const groups = () => [{ ...view, state: { ...view.state, report } }];
    const other = createHarness({ ports: { parity: { ...parityPort, groups } } });
    const before = { 'if-none-match': (await get('/parity')).headers.get('etag') ?? '' };
    const after = await other.call('GET', '/api/v1/parity', { token: other.tokens.read, headers: before });
    expect(after.status).toBe(200);
    expect(after.items[0]).toMatchObject({ verdict: 'Ready' });
  });

  it('keep the answer while an objective is spent evenly, which is rounded', async () => {
    const [view] = parityPort.groups();
    if (!view?.objective) throw new Error('there is no objective');
    const { objective } = view;
    const asked = async (leftMs: number) => {
      const group = () => ({ ...view, objective: { ...objective, leftMs } });
      const harness = createHarness({ ports: { parity: { ...parityPort, group } } });
      const { headers } = await harness.call('GET', '/api/v1/parity/shop-eu', { token: harness.tokens.read });
      return headers.get('etag');
    };
    expect(await asked(1_000_000)).toBe(await asked(1_001_000));
    expect(await asked(1_000_000)).not.toBe(await asked(1_100_000));
  });
});

describe('differences', () => {
  it.each<[string, readonly string[]]>([
    ['class=drift', ['03']],
    ['class=declared', ['01']],
    ['severity=warning', ['03', '02']],
    ['standby=eu-2', ['03', '01', '02']],
    ['standby=eu-9', []],
    ['application=shop&severity=info', ['01']],
    ['application=mail', []],
  ])('are filtered by %s', async (query, expected) => {
    expect(idsOf(await get(`/parity/shop-eu/differences?${query}`))).toEqual(expected);
  });

  it('come in pages that neither repeat nor skip', async () => {
    const seen: unknown[] = [];
    let path: string | undefined = '/parity/shop-eu/differences?limit=1';
    while (path !== undefined && seen.length < 9) {
      const page = await get(path);
      seen.push(...idsOf(page));
      const link = /<\/api\/v1([^>]+)>/.exec(page.headers.get('link') ?? '');
      path = link?.[1];
    }
    expect(seen).toEqual(['03', '01', '02']);
  });

  it('have both values, sources, owner and what to do, and refuse a class that is none', async () => {
    const [one] = (await get('/parity/shop-eu/differences?class=overlay')).items;
    expect(one).toMatchObject({
      ...{ primaryValue: '"web:2"', standbyValue: '"web:1"', owner: 'Ada Park <ada@example.com>' },
      primarySource: { layer: 'overlays/eu', file: 'apps/shop/overlays/eu/kustomization.yaml', line: 7 },
      standbySource: { layer: 'overlays/eu-dr' },
      action: 'make both say the same, or declare it in spec.expectations',
    });
    const refused = await get('/parity/shop-eu/differences?class=other');
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body['errors'])).toContain('query.class');
    expect((await get('/parity/nowhere/differences')).status).toBe(404);
  });
});

describe('expectations', () => {
  it('say what they are about, their state, and what they cover now', async () => {
    const { items } = await get('/parity/shop-eu/expectations');
    expect(items).toEqual([
      {
        ...{ name: 'fewer', owner: 'team-shop', reason: 'the standby runs at a quarter', type: 'rule' },
        ...{ paths: ['/spec/replicas'], rule: 'standby.spec.replicas <= primary.spec.replicas', side: '' },
        ...{ expiresAt: '2026-01-02T00:00:00.000Z', state: 'active', covers: 1, breaks: 0 },
        ...{ applications: [], kinds: [], namespaces: [], names: [] },
      },
    ]);
  });

  it('are told apart by state and owner, and by what breaks their rule', async () => {
    for (const query of ['state=stale', 'state=expired', 'owner=nobody'])
      expect((await get(`/parity/shop-eu/expectations?${query}`)).items, query).toEqual([]);
    const broken = parityDifferences.map((one) =>
      one.expectation === '' ? one : { ...one, expectation: '', broken: ['fewer'] },
    );
    const parity = { ...parityPort, differences: () => broken };
    const harness = createHarness({ ports: { parity } });
    const path = '/api/v1/parity/shop-eu/expectations?state=active&owner=team-shop';
    const { items } = await harness.call('GET', path, { token: harness.tokens.read });
    expect(items).toMatchObject([{ name: 'fewer', covers: 0, breaks: 1 }]);
  });
});

describe('the history of a group', () => {
  it('has what changed when, in pages', async () => {
    const asked: unknown[] = [];
    const parity: typeof parityPort = {
      ...parityPort,
      async timeline(name, page) {
        asked.push({ name, ...page });
        return { ...(await parityPort.timeline(name, page)), next: 'more' };
      },
    };
    const harness = createHarness({ ports: { parity } });
    const path = '/api/v1/parity/shop-eu/timeline?limit=1&cursor=here';
    const page = await harness.call('GET', path, { token: harness.tokens.read });
    expect(asked).toEqual([{ name: 'shop-eu', limit: 1, cursor: 'here' }]);
    expect(page.body['next']).toBe('more');
    expect(page.items).toMatchObject([
      {
        sequence: 2,
        verdict: 'Degraded',
        whole: false,
        message: 'Ready -> Degraded: 1 declared, 1 overlay, 1 drift',
      },
    ]);
  });
});

describe('failovers', () => {
  it('are planned, with what has to be confirmed', async () => {
    const { body } = await get('/parity/shop-eu/failover?kind=back');
    expect(body).toMatchObject({
      ...{ kind: 'back', from: 'eu-1', to: 'eu-2', fenced: 'no', estimateSeconds: 42 },
      confirm: ['eu-1 is not fenced: its agent is connected'],
    });
    expect((await get('/parity/nowhere/failover')).status).toBe(404);
  });

  it('are told with drills, drills alone, and those under way alone', async () => {
    expect(idsOf(await get('/failovers'))).toEqual(['failover-1', 'failover-0']);
    expect(idsOf(await get('/failovers?kind=drill&group=shop-eu'))).toEqual(['failover-0']);
    expect((await get('/failovers?kind=drill')).items[0]).toMatchObject({
      ...{ kind: 'drill', phase: 'Done', rtoSeconds: 42, overrideState: 'drilled' },
      after: { verdict: 'Degraded', score: 91 },
    });
    expect(idsOf(await get('/failovers?open=true'))).toEqual(['failover-1']);
    expect(idsOf(await get('/failovers?open=true&kind=drill'))).toEqual([]);
    expect((await get('/failovers/failover-1')).body).toMatchObject({ overrideState: 'active', after: null });
    expect((await get('/failovers/nothing')).status).toBe(404);
  });

  it('last longer by a word of why, which the audit log has', async () => {
    const harness = createHarness();
    const path = '/api/v1/parity/shop-eu/failover/extend';
    const post = (body: object, token = harness.tokens.emergency) =>
      harness.call('POST', path, { token, body });
    const extended = await post({ reason: 'Git is dark still', overrideSeconds: 7_200 });
    expect(extended.body).toMatchObject({ overrideUntil: new Date(startMs + 7_200_000).toISOString() });
    const { items } = await harness.call('GET', '/api/v1/events?types=audit.failover', {
      token: harness.tokens.admin,
    });
    expect(items[0]?.['message']).toBe(
      'Extended the override of shop-eu until 2026-01-01T02:00:00.000Z: Git is dark still',
    );
    expect((await post({ overrideSeconds: 7_200 })).status).toBe(400);
    expect((await post({ reason: 'for ever', overrideSeconds: 9_999_999 })).status).toBe(400);
    expect((await post({ reason: 'may I', overrideSeconds: 7_200 }, harness.tokens.operate)).status).toBe(
      403,
    );
  });
});

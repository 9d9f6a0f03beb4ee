import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeApi } from '../../../hub/api/describe-api.ts';
import { createEvent, eventTypes } from '../../../hub/model/event.ts';
import { applicationView, placementView, startMs } from './fixtures.ts';
import { createHarness } from './harness.ts';

describe('reading the fleet', () => {
  it('lists clusters, filtered and in pages', async () => {
    const { call, tokens } = createHarness();
    const all = await call('GET', '/api/v1/clusters', { token: tokens.read });
    expect(all.status).toBe(200);
    expect(all.items.map(({ name }) => name)).toEqual(['eu-1', 'us-1']);
    expect(all.body['next']).toBeNull();
    const first = await call('GET', '/api/v1/clusters?limit=1', { token: tokens.read });
    expect(first.headers.get('link')).toBe(
      `</api/v1/clusters?limit=1&cursor=${first.body['next']}>; rel="next"`,
    );
    const second = await call('GET', `/api/v1/clusters?limit=1&cursor=${first.body['next']}`, {
      token: tokens.read,
    });
    expect(second.items.map(({ name }) => name)).toEqual(['us-1']);
    expect(second.body['next']).toBeNull();
    const away = await call('GET', '/api/v1/clusters?connected=false', { token: tokens.read });
    expect(away.items).toHaveLength(1);
  });

  it('lists applications with their placements when asked for them, in pages of bounded size', async () => {
    const places = Array.from({ length: 2_400 }, (_, index) => placementView(`eu-${index}`, 'shop'));
    const all = ['a', 'b', 'c', 'd'].map((name) => applicationView(name, name === 'd' ? [] : places));
    const none = createHarness().ports.views;
    const { call, tokens } = createHarness({ ports: { views: { ...none, applications: async () => all } } });
    const list = (query: string, headers = {}) =>
      call('GET', `/api/v1/applications${query}`, { token: tokens.read, headers });
    const bare = await list('');
    expect(bare.items.map(({ name, clusters, placements }) => [name, clusters, placements])).toEqual(
      all.map(({ name, clusters }) => [name, clusters, undefined]),
    );
    expect(bare.text.length).toBeLessThan(4_000);
    const full = await list('?placements=true');
    expect(full.items.map(({ name, placements }) => [name, (placements as unknown[]).length])).toEqual([
      ['a', 2_400],
      ['b', 2_400],
    ]);
    const link = /<([^>]+)>/.exec(full.headers.get('link') ?? '')?.[1] ?? '';
    const rest = await list(link.slice(link.indexOf('?')));
    expect(rest.items.map(({ name, placements }) => [name, (placements as unknown[]).length])).toEqual([
      ['c', 2_400],
      ['d', 0],
    ]);
    expect(rest.body['next']).toBeNull();
    const held = { 'if-none-match': bare.headers.get('etag') ?? '' };
    expect((await list('', held)).status).toBe(304);
    expect((await list('?placements=true', held)).status).toBe(200);
    expect((await list('?placements=yes')).body['errors']).toEqual([
      { field: 'query.placements', message: 'expected one of true, false (with the placements of each)' },
    ]);
  });

  it('shows one application with its placements', async () => {
    const { call, tokens } = createHarness();
    const { body } = await call('GET', '/api/v1/applications/shop', { token: tokens.read });
    expect(body).toMatchObject({ name: 'shop', clusters: 2, clustersHealthy: 1 });
    expect((body['placements'] as unknown[])[0]).toMatchObject({ cluster: 'eu-1', stage: 'Healthy' });
  });
});

describe('finding events', () => {
  it('takes every type that there is, and its first part', async () => {
    const { call, tokens, fake } = createHarness();
    await fake.store.events.append(
      eventTypes.map((type) => createEvent({ type, actor: 'hub', timeMs: startMs, message: type })),
    );
    for (const type of eventTypes) {
      const found = await call('GET', `/api/v1/events?types=${type}`, { token: tokens.read });
      expect(
        found.items.map((one) => one['type']),
        type,
      ).toEqual([type]);
      const [first = ''] = type.split('.');
      const all = await call('GET', `/api/v1/events?types=${first}&limit=500`, { token: tokens.read });
      expect(all.items.map((one) => one['type'])).toContain(type);
    }
  });
});

describe('manifests and objects', () => {
  const path = '/api/v1/assignments/eu-1/shop/manifests';

  it('shows what is desired, Secrets masked, in the order of the set', async () => {
    const { call, tokens } = createHarness();
    const { items, text } = await call('GET', path, { token: tokens.read });
    expect(items.map(({ key }) => (key as { kind: string }).kind)).toEqual(['Deployment', 'Secret']);
    expect(text).not.toContain('c2VjcmV0');
    expect(text).toContain('*** (8 characters)');
  });

  it('pages through a set and refuses a cursor that is not of it', async () => {
    const { call, tokens } = createHarness();
    const first = await call('GET', `${path}?limit=1`, { token: tokens.read });
    const second = await call('GET', `${path}?limit=1&cursor=${first.body['next']}`, { token: tokens.read });
    expect(second.items).toHaveLength(1);
    expect(second.body['next']).toBeNull();
    const bad = await call('GET', `${path}?cursor=bm9uc2Vuc2U`, { token: tokens.read });
    expect(bad.body).toMatchObject({ errors: [{ field: 'query.cursor' }] });
  });

  it('never gives values of a Secret with its drift', async () => {
    const { call, tokens } = createHarness();
    const { items } = await call('GET', '/api/v1/objects?kind=Secret', { token: tokens.read });
    expect(items[0]).toMatchObject({
      drift: { fields: [{ path: '/spec/replicas', desired: null, live: null }] },
    });
  });

  it('masks a live Secret though the agent did not', async () => {
    const harness = createHarness();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'login' },
      data: { key: 'c2VjcmV0' },
    };
    harness.answers = () => ({ kind: 'object', found: true, content: Buffer.from(JSON.stringify(secret)) });
    const query = '?cluster=eu-1&object=/Secret/shop/login';
    const { text } = await harness.call('GET', `/api/v1/objects/live${query}`, {
      token: harness.tokens.read,
    });
    expect(text).not.toContain('c2VjcmV0');
    expect(harness.calls[0]).toContain('"apiVersion":"v1"');
  });

  it('says that an agent is away', async () => {
    const { call, tokens } = createHarness();
    const query = '?cluster=us-1&object=apps/Deployment/shop/web&apiVersion=apps/v1';
    const answer = await call('GET', `/api/v1/objects/live${query}`, { token: tokens.operate });
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'unavailable', retry: true });
  });
});

describe('what all endpoints have in common', () => {
  it('answers 304 to a client that holds the same', async () => {
    const { call, tokens, fake } = createHarness();
    const path = '/api/v1/revisions';
    const first = await call('GET', path, { token: tokens.read });
    const etag = first.headers.get('etag')!;
    const headers = { 'if-none-match': `"other", W/${etag}` };
    const second = await call('GET', path, { token: tokens.read, headers });
    expect(second.status).toBe(304);
    expect(second.text).toBe('');
    fake.state.fleetProblems = [
      { code: 'invalid_manifest', file: 'fleet/a.yaml', line: 3, field: 'spec', message: 'is broken' },
    ];
    const third = await call('GET', path, { token: tokens.read, headers });
    expect(third.status).toBe(200);
    expect(third.items[0]).toMatchObject({ state: 'Failed', problems: [{ file: 'fleet/a.yaml', line: 3 }] });
  });

  it('names every field that is wrong', async () => {
    const { call, tokens } = createHarness();
    const query = await call('GET', '/api/v1/clusters?color=red&limit=0', { token: tokens.read });
    expect(query.status).toBe(400);
    expect((query.body['errors'] as { field: string }[]).map(({ field }) => field)).toEqual(
      expect.arrayContaining(['query.color', 'query.limit']),
    );
    const body = await call('POST', '/api/v1/pause', {
      token: tokens.operate,
      body: { cluster: 'eu-1', reason: '', extra: 1 },
    });
    expect((body.body['errors'] as { field: string }[]).map(({ field }) => field).sort()).toEqual([
      'body.durationSeconds',
      'body.extra',
      'body.reason',
    ]);
    const twice = await call('GET', '/api/v1/clusters?limit=1&limit=2', { token: tokens.read });
    expect(twice.body).toMatchObject({ errors: [{ field: 'query.limit' }] });
  });

  it('says of a parameter what was expected, with an example, and nothing of what was given', async () => {
    const { call, tokens } = createHarness();
    const errorsOf = async (path: string) => {
      const { body } = await call('GET', path, { token: tokens.admin });
      return (body['errors'] as { field: string; message: string }[]).map(
        ({ field, message }) => `${field}: ${message}`,
      );
    };
    expect(await errorsOf('/api/v1/objects/live?object=s3cret')).toEqual([
      'query.cluster: is required: expected text of 1 to 253 characters (a name of lower-case letters, digits, "-" and "."), such as eu-1',
      'query.object: must be group/kind/namespace/name, such as apps/Deployment/shop/web',
    ]);
    expect(await errorsOf('/api/v1/objects?limit=many&sync=drifted&cluster=EU&kind=')).toEqual([
      'query.cluster: expected text of 1 to 253 characters (a name of lower-case letters, digits, "-" and "."), such as eu-1',
      'query.kind: expected text of 1 to 512 characters, such as Deployment',
      'query.sync: expected one of Synced, Pending, Failed, Drifted, Contested, Skipped, Retained',
      'query.limit: expected a whole number from 1 to 500 (items a page), such as 100',
    ]);
    expect(await errorsOf('/api/v1/events?types=Drift&since=yesterday')).toEqual([
      'query.types: expected text (types or their first parts, with commas between), such as drift,audit.pause',
      'query.since: expected a time of RFC 3339 (not older than this), such as 2026-01-01T00:00:00.000Z',
    ]);
    const { body } = await call('POST', '/api/v1/agent-manifests', {
      token: tokens.admin,
      body: { cluster: 'eu-1', rights: { mode: 'root' }, hubAddress: 7, expiresInSeconds: '1h', image: null },
    });
    expect(body['errors']).toEqual([
      { field: 'body.image', message: 'expected text of 1 to 500 characters' },
      {
        field: 'body.hubAddress',
        message: 'expected text of at most 300 characters (host:port), such as hub.example.org:8443',
      },
      {
        field: 'body.expiresInSeconds',
        message: 'expected a whole number from 60 to 604800 (default an hour), such as 3600',
      },
      { field: 'body.rights.mode', message: 'expected what /api/v1/openapi.json says' },
    ]);
  });

  it('gives problem details that were reviewed', async () => {
    const { call, tokens } = createHarness();
    const headers = { 'x-request-id': 'request-1' };
    const problem = async (method: string, path: string, options = {}) => {
      const answer = await call(method, path, { token: tokens.read, headers, ...options });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      return answer.body;
    };
    expect(await problem('GET', '/api/v1/clusters/none')).toMatchInlineSnapshot(`
      {
        "code": "not_found",
        "detail": "There is no cluster "none".",
        "instance": "/api/v1/clusters/none",
        "requestId": "request-1",
        "retry": false,
        "status": 404,
        "title": "Not found",
        "type": "https://fairway.dev/problems/not-found",
      }
    `);
    expect(await problem('GET', '/api/v1/nothing')).toMatchInlineSnapshot(`
      {
        "code": "not_found",
        "detail": "There is nothing at this path; see /api/v1/openapi.json.",
        "instance": "/api/v1/nothing",
        "requestId": "request-1",
        "retry": false,
        "status": 404,
        "title": "Not found",
        "type": "https://fairway.dev/problems/not-found",
      }
    `);
    expect(await problem('DELETE', '/api/v1/clusters')).toMatchInlineSnapshot(`
      {
        "code": "invalid_argument",
        "detail": "This path takes GET.",
        "instance": "/api/v1/clusters",
        "requestId": "request-1",
        "retry": false,
        "status": 405,
        "title": "The request is not valid",
        "type": "https://fairway.dev/problems/invalid-argument",
      }
    `);
    expect(await problem('GET', '/api/v1/hub', { token: undefined })).toMatchInlineSnapshot(`
      {
        "code": "unauthenticated",
        "detail": "No token given: send "Authorization: Bearer TOKEN".",
        "instance": "/api/v1/hub",
        "requestId": "request-1",
        "retry": false,
        "status": 401,
        "title": "A valid token is needed",
        "type": "https://fairway.dev/problems/unauthenticated",
      }
    `);
    expect(await problem('GET', '/api/v1/clusters?a=1')).toMatchInlineSnapshot(`
      {
        "code": "invalid_argument",
        "detail": "query.a: is not known here; known are region, connected, paused, limit, cursor",
        "errors": [
          {
            "field": "query.a",
            "message": "is not known here; known are region, connected, paused, limit, cursor",
          },
        ],
        "instance": "/api/v1/clusters",
        "requestId": "request-1",
        "retry": false,
        "status": 400,
        "title": "The request is not valid",
        "type": "https://fairway.dev/problems/invalid-argument",
      }
    `);
  });

  it('leaks nothing of a fault inside, and logs it under the request id', async () => {
    const harness = createHarness({
      ports: {
        schemas: () => {
          throw new Error('password in a stack');
        },
      },
    });
    const headers = { 'x-request-id': 'request-2' };
    const answer = await harness.call('GET', '/api/v1/schemas', { token: harness.tokens.read, headers });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('password');
    expect(harness.logLines.some((line) => line.includes('request-2') && line.includes('password'))).toBe(
      true,
    );
  });

  it('refuses bodies that are too large, of another type, or no JSON', async () => {
    const { call, tokens } = createHarness({ api: { bodyBytesMax: 100 } });
    const token = tokens.operate;
    const post = (options: object) => call('POST', '/api/v1/sync', { token, ...options });
    expect((await post({ body: { application: 'x'.repeat(200) } })).status).toBe(413);
    expect((await post({ raw: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await post({ raw: '{', headers: { 'content-type': 'application/json' } })).status).toBe(400);
  });

  it('ends a request that takes too long', async () => {
    const harness = createHarness({ ports: { ready: () => new Promise(() => {}) } });
    const answer = harness.call('GET', '/readyz');
    await harness.clock.advance(30_000);
    expect((await answer).status).toBe(504);
  });

  it('sends security headers and keeps a good request id', async () => {
    const { call, tokens } = createHarness();
    const answer = await call('GET', '/api/v1/hub', {
      token: tokens.read,
      headers: { 'x-request-id': 'abc-1' },
    });
    expect(answer.headers.get('x-request-id')).toBe('abc-1');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const other = await call('GET', '/api/v1/hub', {
      token: tokens.read,
      headers: { 'x-request-id': 'with spaces, and more' },
    });
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f]{16}$/);
  });

  it('logs each request with a constant message and no token', async () => {
    const { call, tokens, logLines } = createHarness();
    await call('GET', '/api/v1/clusters?region=eu', { token: tokens.read });
    const line = JSON.parse(logLines.find((one) => one.includes('/api/v1/clusters'))!) as object;
    expect(line).toMatchObject({ message: 'request', method: 'GET', status: 200, caller: 'reader' });
    expect(logLines.join('\n')).not.toContain(tokens.read);
  });
});

describe('probes and metrics', () => {
  it('says each readiness check by name', async () => {
    const checks = [
      { name: 'store', ok: true, message: '' },
      { name: 'source', ok: false, message: 'not fetched yet' },
    ];
    const { call } = createHarness({ ports: { ready: async () => checks } });
    const answer = await call('GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ ready: false, checks });
    expect((await call('GET', '/healthz')).text).toBe('ok\n');
  });

  it('counts requests by route pattern, in the open only where it was configured', async () => {
    const { call, tokens } = createHarness({ api: { metricsPublic: true } });
    await call('GET', '/api/v1/clusters/eu-1', { token: tokens.read });
    const { text } = await call('GET', '/metrics');
    expect(text).toContain(
      'fairway_http_requests_total{method="GET",route="/api/v1/clusters/{cluster}",status="200"} 1',
    );
  });
});

describe('the OpenAPI document', () => {
  it('is the one that was committed', () => {
    const committed = readFileSync(new URL('../../../hub/api/openapi.json', import.meta.url), 'utf8');
    expect(JSON.stringify(describeApi(), null, 2) + '\n').toBe(committed);
  });

  it('tells of each operation: summary, tag, id, answers and errors', () => {
    const operations = Object.values(describeApi().paths ?? {}).flatMap((path) =>
      Object.values(path as object),
    );
    const ids = operations.map(({ operationId }) => operationId as string);
    expect(new Set(ids).size).toBe(ids.length);
    for (const operation of operations) {
      expect(operation.summary, operation.operationId).toMatch(/^[A-Z]/);
      expect(operation.tags, operation.operationId).toHaveLength(1);
      expect(Object.keys(operation.responses), operation.operationId).toContain('default');
    }
  });
});

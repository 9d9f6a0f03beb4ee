import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock/clock.ts';
import { systemRandom } from '../../shared/clock/random.ts';
import type { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { effectiveObject } from '../apply/effective-object.ts';
import { createKubeClient } from './create-kube-client.ts';
import type { KubeClient, WatchEvent } from './kube-client.ts';
import { isPassing } from './status-error.ts';

const ports = { clock: systemClock, random: systemRandom, log: silentLogger };
const pods = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true, verbs: [] };
const ref = { resource: pods, namespace: 'n', name: 'p' };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function serve(handler: Handler): Promise<{ client: KubeClient; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createKubeClient({ server: `http://127.0.0.1:${port}/k8s/c1/`, token: 't' }, ports);
  closers.push(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, requests };
}

function answer(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
const status = (code: number, reason: string, details?: object) => ({
  kind: 'Status',
  code,
  reason,
  message: `the server says ${reason}`,
  details,
});

describe('createKubeClient', () => {
  it("keeps the server's path prefix and sends the token", async () => {
    let authorization: string | undefined;
    const { client, requests } = await serve((request, response) => {
      authorization = request.headers.authorization;
      answer(response, 200, { kind: 'Pod' });
    });
    await client.get(ref);
    expect(requests).toEqual(['GET /k8s/c1/api/v1/namespaces/n/pods/p']);
    expect(authorization).toBe('Bearer t');
  });

  it.each<[number, string, string, object?]>([
    [404, 'NotFound', 'not_found'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'already_exists'],
    [410, 'Expired', 'gone'],
    [422, 'Invalid', 'invalid_manifest'],
    [403, 'Forbidden', 'permission_denied'],
    [403, 'Forbidden', 'conflict', { causes: [{ reason: 'NamespaceTerminating' }] }],
  ])("turns %d %s into %s with the server's words", async (code, reason, expected, details) => {
    const { client } = await serve((_request, response) =>
      answer(response, code, status(code, reason, details)),
    );
    await expect(client.get(ref)).rejects.toMatchObject({
      code: expected,
      message: `the server says ${reason}`,
    });
  });

  it('tries again after 429 as told, and after 503, but not a 500', async () => {
    const { client, requests } = await serve((_request, response, count) => {
      if (count === 1) answer(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '0' });
      else if (count === 2) answer(response, 503, status(503, 'ServiceUnavailable'));
      else if (count === 3) answer(response, 200, { kind: 'Pod' });
      else answer(response, 500, status(500, 'InternalError'));
    });
    await client.get(ref);
    expect(requests).toHaveLength(3);
    await expect(client.get(ref)).rejects.toMatchObject({ code: 'unavailable' });
    expect(requests).toHaveLength(4);
    expect(client.requestCounts()).toEqual({ get: 4 });
  });

  it('takes no redirection for an answer, neither to a read nor to a deletion', async () => {
    const { client, requests } = await serve((_request, response) => {
      response.writeHead(302, { location: 'https://login.example/' }).end('<html>');
    });
    await expect(client.delete(ref)).rejects.toMatchObject({
      code: 'unavailable',
      details: { httpStatus: 302 },
    });
    expect(requests.length).toBe(1);
    await expect(client.get(ref)).rejects.toMatchObject({ code: 'unavailable' });
    expect(requests.length).toBe(2);
  });

  it('does not repeat a create that may have been done', async () => {
    const { client, requests } = await serve((_request, response) => answer(response, 503, status(503, 'x')));
    await expect(client.create({ resource: pods, namespace: 'n' }, {})).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(requests).toHaveLength(1);
  });

  it('decodes a watch however it is cut, and ends with an ERROR event as its error', async () => {
    const lines = [
      { type: 'ADDED', object: { metadata: { name: 'ä' } } },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      { type: 'ERROR', object: status(410, 'Expired') },
    ].map((event) => JSON.stringify(event) + '\n');
    const { client } = await serve((_request, response) => {
      response.writeHead(200);
      const bytes = Buffer.from(lines.join(''));
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    const events: WatchEvent[] = [];
    const request = { resource: pods, namespace: '', resourceVersion: '1' };
    await expect(
      client.watch(request, (event) => events.push(event), new AbortController().signal),
    ).rejects.toMatchObject({ code: 'gone' });
    expect(events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ['ADDED', 'ä'],
      ['BOOKMARK', undefined],
    ]);
  });

  it('takes no answer for an empty list that is none', async () => {
    const bodies: unknown[] = [
      {},
      { kind: 'Status', status: 'Success', metadata: {} },
      { kind: 'PodList', metadata: { resourceVersion: '1' } },
      { kind: 'PodList', metadata: {}, items: [] },
    ];
    for (const body of bodies) {
      const { client } = await serve((_request, response) => answer(response, 200, body));
      await expect(client.list({ resource: pods, namespace: 'n' })).rejects.toMatchObject({
        code: 'unavailable',
      });
    }
    const { client } = await serve((_request, response) =>
      answer(response, 200, { metadata: { resourceVersion: '1' }, items: null }),
    );
    expect((await client.list({ resource: pods, namespace: 'n' })).items).toEqual([]);
  });

  it.each([
    ['0', 0],
    ['7', 7_000],
    ['86400', 30_000],
  ])(
    'tells loops that are told to stay away for %s s to do so for half a minute at most',
    async (told, waitMs) => {
      const { client } = await serve((_request, response) =>
        answer(response, 503, status(503, 'ServiceUnavailable'), { 'retry-after': told }),
      );
      const request = { resource: pods, namespace: '', resourceVersion: '1' };
      await expect(client.watch(request, () => {}, new AbortController().signal)).rejects.toMatchObject({
        ...{ code: 'unavailable', retryAfterMs: waitMs },
      });
    },
  );

  it('asks for discovery once for callers at once, and reads plain lists of an old server', async () => {
    const { client, requests } = await serve((request, response) => {
      if (request.url?.endsWith('/api')) answer(response, 200, { kind: 'APIVersions', versions: ['v1'] });
      else if (request.url?.endsWith('/apis')) answer(response, 200, { kind: 'APIGroupList', groups: [] });
      else
        answer(response, 200, {
          resources: [
            { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['get'] },
            { name: 'pods/log', kind: 'Pod', namespaced: true, verbs: ['get'] },
          ],
        });
    });
    const [first] = await Promise.all([client.discover(), client.discover()]);
    expect(first).toMatchObject([{ kind: 'Pod', resource: 'pods', namespaced: true }]);
    expect(requests).toHaveLength(3);
  });

  it('goes on with discovery for others when whoever asked first gives up', async () => {
    let release = () => {};
    const asked = Promise.withResolvers<void>();
    const { client, requests } = await serve((_request, response, count) => {
      const before = release;
      release = () => {
        before();
        answer(response, 200, { kind: 'APIGroupDiscoveryList', items: [] });
      };
      if (count === 2) asked.resolve();
    });
    const leaving = new AbortController();
    const first = client.discover({ signal: leaving.signal });
    const second = client.discover({ signal: new AbortController().signal });
    await asked.promise;
    leaving.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    release();
    expect(await second).toEqual([]);
    expect(requests).toHaveLength(2);
  });

  it('tells which groups are not known now, and knows the others', async () => {
    const deployments = {
      resource: 'deployments',
      responseKind: { kind: 'Deployment' },
      scope: 'Namespaced',
      verbs: ['get'],
    };
    const items = [
      {
        metadata: { name: 'apps' },
        versions: [{ version: 'v1', freshness: 'Current', resources: [deployments] }],
      },
      { metadata: { name: 'away.example' }, versions: [{ version: 'v1', freshness: 'Stale' }] },
    ];
    const aggregated = await serve((_request, response) =>
      answer(response, 200, { kind: 'APIGroupDiscoveryList', items }),
    );
    expect((await aggregated.client.discover()).map(({ kind }) => kind)).toContain('Deployment');
    expect([...aggregated.client.staleGroups()]).toEqual(['away.example']);
    const groups = [{ name: 'away.example', versions: [{ groupVersion: 'away.example/v1' }] }];
    const plain = await serve((request, response) => {
      if (request.url?.endsWith('/api')) answer(response, 200, { kind: 'APIVersions', versions: ['v1'] });
      else if (request.url?.endsWith('/apis')) answer(response, 200, { kind: 'APIGroupList', groups });
      else if (request.url?.includes('away')) answer(response, 503, status(503, 'ServiceUnavailable'));
      else
        answer(response, 200, {
          resources: [{ name: 'pods', kind: 'Pod', namespaced: true, verbs: ['get'] }],
        });
    });
    expect((await plain.client.discover()).map(({ kind }) => kind)).toEqual(['Pod']);
    expect([...plain.client.staleGroups()]).toEqual(['away.example']);
  });

  it('tells no answer at all from an answer, and when a watch is open', async () => {
    const { client } = await serve((request, response, count) => {
      if (request.url?.includes('watch=true')) {
        response.writeHead(200);
        response.end();
      } else if (count > 1) response.destroy();
      else answer(response, 500, status(500, 'InternalError'));
    });
    const refused: FairwayError = await client.get(ref).catch((error) => error);
    expect(isPassing(refused)).toBe(false);
    const cut: FairwayError = await client
      .create({ resource: pods, namespace: 'n' }, {})
      .catch((error) => error);
    expect(cut).toMatchObject({ code: 'unavailable', details: { unreachable: true } });
    expect(isPassing(cut)).toBe(true);
    let opened = 0;
    const onOpen = () => {
      opened += 1;
    };
    const request = { resource: pods, namespace: '', resourceVersion: '1', onOpen };
    await client.watch(request, () => {}, new AbortController().signal);
    expect(opened).toBe(1);
  });

  it('stops when told', async () => {
    const abort = new AbortController();
    const { client } = await serve(() => abort.abort());
    await expect(client.get(ref, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('sends nothing that is called off as soon as it was asked for, also where it would write', async () => {
    const { client, requests } = await serve((_request, response) => answer(response, 200, {}));
    const abort = new AbortController();
    const asked = [
      client.get(ref, abort.signal),
      client.create({ resource: pods, namespace: 'n' }, {}, abort.signal),
    ];
    abort.abort();
    const ended = await Promise.allSettled(asked);
    expect(ended).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }]);
    expect(requests).toEqual([]);
  });

  it('cuts a log at the bound', async () => {
    const { client } = await serve((_request, response) => response.end('0123456789'));
    const result = await client.logs({
      namespace: 'n',
      pod: 'p',
      container: '',
      tailLines: 1,
      previous: false,
      maxBytes: 4,
    });
    expect(Buffer.from(result.content).toString()).toBe('0123');
    expect(result.truncated).toBe(true);
  });
});

describe('integers beyond 2^53', () => {
  it('are sent with all their digits', async () => {
    let sent = '';
    const { client } = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => {
        sent += chunk.toString();
      });
      request.on('end', () =>
        answer(response, 200, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }),
      );
    });
    const text =
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"serial":9007199254740993}}';
    const key = { group: '', kind: 'Pod', namespace: 'n', name: 'p' };
    await client.apply(ref, effectiveObject(text, key, 'applyset-x-v1'));
    expect(sent).toContain('"serial":9007199254740993');
  });
});

describe('gentleness', () => {
  it('asks for discovery with the etag it has, and reads nothing again that is the same', async () => {
    const sent: (string | undefined)[] = [];
    const list = (kind: string) => ({
      kind: 'APIGroupDiscoveryList',
      items: [
        {
          metadata: { name: 'example.com' },
          versions: [
            {
              version: 'v1',
              resources: [{ resource: 'widgets', responseKind: { kind }, scope: 'Namespaced', verbs: [] }],
            },
          ],
        },
      ],
    });
    let etag = '"1"';
    const { client } = await serve((request, response) => {
      const known = request.headers['if-none-match'];
      sent.push(known);
      if (known === etag) response.writeHead(304, { etag }).end();
      else
        answer(
          response,
          200,
          request.url?.endsWith('/apis')
            ? list(`Widget${etag}`)
            : { items: [], kind: 'APIGroupDiscoveryList' },
          { etag },
        );
    });
    const kinds = async () => {
      // The client asks again half a second after the last answer at the earliest.
      await new Promise<void>((resolve) => systemClock.after(510, resolve));
      return (await client.discover({ refresh: true })).map(({ kind }) => kind);
    };
    await client.discover();
    expect(sent).toEqual([undefined, undefined]);
    expect(await kinds()).toEqual(['Widget"1"']);
    expect(sent.slice(2)).toEqual(['"1"', '"1"']);
    etag = '"2"';
    expect(await kinds()).toEqual(['Widget"2"']);
  });

  it('yields together: after a refusal half as many are under way, and all are served in the end', async () => {
    const held: ServerResponse[] = [];
    let free = false;
    const { client } = await serve((request, response) => {
      if (free) answer(response, 200, { metadata: { name: request.url } });
      else held.push(response);
    });
    const until = async (isTrue: () => boolean) => {
      for (let tries = 0; tries < 500 && !isTrue(); tries += 1)
        await new Promise<void>((resolve) => systemClock.after(10, resolve));
    };
    const names = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const all = Promise.all(names.map((name) => client.get({ ...ref, name })));
    await until(() => held.length === 16);
    expect(client.pressure()).toEqual({ window: 16, underway: 16, waiting: 84 });
    for (const response of held.splice(0))
      answer(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '0' });
    await until(() => held.length === 8);
    expect(client.pressure()).toMatchObject({ window: 8, underway: 8 });
    free = true;
    for (const response of held.splice(0)) answer(response, 200, { metadata: { name: 'x' } });
    expect((await all).length).toBe(100);
    expect(client.requestCounts()).toEqual({ get: 100 + 16 });
    expect(client.pressure()).toEqual({ window: 16, underway: 0, waiting: 0 });
  });

  it("speaks in somebody else's name where told, and in its own elsewhere", async () => {
    const names: unknown[] = [];
    const { client } = await serve((request, response) => {
      names.push([request.method, request.headers['impersonate-user'], request.headers['impersonate-group']]);
      answer(response, 200, { metadata: { name: 'p' } });
    });
    const tenant = client.as({ user: 'system:serviceaccount:shop:deployer', groups: [] });
    await tenant.apply(ref, { a: 1 });
    await client.apply(ref, { a: 1 });
    await client.as({ user: 'u', groups: ['a', 'b'] }).delete(ref, { uid: 'x' });
    expect(names).toEqual([
      ['PATCH', 'system:serviceaccount:shop:deployer', undefined],
      ['PATCH', undefined, undefined],
      ['DELETE', 'u', 'a, b'],
    ]);
    expect(client.requestCounts()).toEqual({ apply: 2, delete: 1 });
  });
});

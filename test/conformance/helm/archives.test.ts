/** Charts of HTTP and OCI repositories, served here, and rendered by the real helm. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChartArchivesOptions, createChartArchives } from '../../../hub/helm/chart-archives.ts';
import { describeProblem } from '../../../hub/model/problem.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { cluster, helmSource, newRenderer, program } from './bed.ts';
import { archive, configMap } from './charts.ts';

const web = archive('web', {
  'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.2.3\n',
  'templates/a.yaml': configMap('{{ .Release.Name }}', '  v: {{ .Chart.Version }}\n'),
});
const digestOf = (bytes: Uint8Array | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const index = (url: string) =>
  `apiVersion: v1\nentries:\n  web:\n  - {version: 1.2.4, urls: [nope.tgz]}\n  - version: 1.2.3\n    urls: ["${url}"]\n`;

let folder: string;
let server: Server;
let origin: string;
let asked: { readonly url: string; readonly authorization: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-charts-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const serve =
  (files: Readonly<Record<string, string | Uint8Array>>): typeof answer =>
  (request, response) => {
    const content = files[request.url ?? ''];
    response.statusCode = content === undefined ? 404 : 200;
    response.end(content ?? 'no');
  };

function open(options: Partial<ChartArchivesOptions> = {}) {
  return createChartArchives({
    folder,
    fetch: (url, init) => fetch(url, init),
    egress: (url) => url.startsWith(origin),
    credentials: { forUrl: async () => undefined },
    clock: createFakeClock(),
    ...options,
  });
}

const pinned = (more = {}) => ({
  name: 'web',
  repository: `${origin}/charts`,
  version: '1.2.3',
  digest: digestOf(web),
  ...more,
});

describe('a chart of an HTTP repository', () => {
  it('is fetched once, and from then on had without its repository', async () => {
    answer = serve({
      '/charts/index.yaml': index('files/web-1.2.3.tgz'),
      '/charts/files/web-1.2.3.tgz': web,
    });
    const archives = open();
    const both = await Promise.all([archives.open(pinned()), archives.open(pinned())]);
    expect(both.map((bytes) => digestOf(bytes))).toEqual([digestOf(web), digestOf(web)]);
    expect(asked.map(({ url }) => url)).toEqual(['/charts/index.yaml', '/charts/files/web-1.2.3.tgz']);
    answer = serve({});
    expect(digestOf(await open().open(pinned()))).toBe(digestOf(web));
    expect(asked).toHaveLength(2);
  });

  it('comes for one who waits though another has given up', async () => {
    answer = serve({ '/charts/index.yaml': index('web.tgz'), '/charts/web.tgz': web });
    const archives = open();
    const controller = new AbortController();
    const one = archives.open(pinned(), controller.signal);
    const other = archives.open(pinned());
    controller.abort();
    await expect(one).rejects.toMatchObject({ name: 'AbortError' });
    expect(digestOf(await other)).toBe(digestOf(web));
    expect(asked).toHaveLength(2);
  });

  it('is fetched anew where what was kept is damaged', async () => {
    answer = serve({ '/charts/index.yaml': index(`${origin}/web.tgz`), '/web.tgz': web });
    await open().open(pinned());
    const [name] = readdirSync(folder);
    writeFileSync(join(folder, name!), 'half');
    expect(digestOf(await open().open(pinned()))).toBe(digestOf(web));
    expect(asked).toHaveLength(4);
  });

  it('is refused when it is not what is pinned, and nothing of it is kept', async () => {
    answer = serve({
      '/charts/index.yaml': index('web.tgz'),
      '/charts/web.tgz': archive('web', { 'Chart.yaml': 'x' }),
    });
    await expect(open().open(pinned())).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(`is not what is pinned: expected ${digestOf(web)}`),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['an unknown name', { name: 'other' }, 'has no chart named other'],
    ['an unknown version', { version: '9.9.9' }, 'has no version 9.9.9 of web'],
  ])('says what is wrong with %s', async (_what, more, message) => {
    answer = serve({ '/charts/index.yaml': index('web.tgz') });
    await expect(open().open(pinned(more))).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(message),
    });
  });

  it('is not asked for where the operator has not allowed it, nor by way of a redirect or of the index', async () => {
    answer = serve({});
    await expect(open({ egress: () => false }).open(pinned())).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(asked).toEqual([]);
    const elsewhere = `http://localhost:${new URL(origin).port}/web.tgz`;
    answer = (request, response) => {
      if (request.url === '/charts/index.yaml') response.end(index(elsewhere));
      else response.writeHead(302, { location: elsewhere }).end();
    };
    await expect(open().open(pinned())).rejects.toMatchObject({ code: 'permission_denied' });
    answer = (_request, response) => response.writeHead(302, { location: elsewhere }).end();
    await expect(open().open(pinned())).rejects.toMatchObject({ code: 'permission_denied' });
    expect(asked.map(({ url }) => url)).toEqual(['/charts/index.yaml', '/charts/index.yaml']);
  });

  it('is asked for with the credentials of its prefix, which do not go on to another host', async () => {
    const other = createServer((request, response) => {
      asked.push({ url: `other${request.url}`, authorization: request.headers.authorization });
      response.end(web);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const otherOrigin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    answer = (request, response) => {
      if (request.url === '/charts/index.yaml') response.end(index('web.tgz'));
      else response.writeHead(307, { location: `${otherOrigin}/web.tgz` }).end();
    };
    const archives = open({
      egress: () => true,
      credentials: {
        forUrl: async (url) => (url.startsWith(origin) ? { username: 'u', password: 'p' } : undefined),
      },
    });
    await archives.open(pinned());
    other.close();
    const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
    expect(asked).toEqual([
      { url: '/charts/index.yaml', authorization: basic },
      { url: '/charts/web.tgz', authorization: basic },
      { url: 'other/web.tgz', authorization: undefined },
    ]);
  });

  it('leaves a repository that fails alone for a while', async () => {
    answer = (_request, response) => response.writeHead(503).end();
    const clock = createFakeClock();
    const archives = open({ clock });
    for (let times = 0; times < 5; times += 1)
      await expect(archives.open(pinned())).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toHaveLength(1);
    await clock.advance(61_000);
    answer = serve({ '/charts/index.yaml': index('web.tgz'), '/charts/web.tgz': web });
    expect(digestOf(await archives.open(pinned()))).toBe(digestOf(web));
  });

  it('takes the longest unused away when there is too much', async () => {
    answer = serve({ '/charts/index.yaml': index('web.tgz'), '/charts/web.tgz': web });
    const old = digestOf('old').replace(':', '-');
    writeFileSync(join(folder, old), 'x'.repeat(1_000));
    await open({ bytesMax: web.length + 10 }).open(pinned());
    expect(readdirSync(folder)).toEqual([digestOf(web).replace(':', '-')]);
  });
});

describe('a chart of an OCI registry', () => {
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: digestOf('{}'), size: 2 },
    layers: [
      {
        mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
        digest: digestOf(web),
        size: web.length,
      },
    ],
  });
  const pin = () =>
    pinned({ repository: origin.replace('http:', 'oci:') + '/org/charts', digest: digestOf(manifest) });
  const paths = {
    [`/v2/org/charts/web/manifests/${digestOf(manifest)}`]: manifest,
    [`/v2/org/charts/web/blobs/${digestOf(web)}`]: web,
  };

  it('is fetched by the digest of its manifest, and then had without its registry', async () => {
    answer = serve(paths);
    expect(digestOf(await open().open(pin()))).toBe(digestOf(web));
    answer = serve({});
    expect(digestOf(await open().open(pin()))).toBe(digestOf(web));
    expect(asked).toHaveLength(2);
  });

  it('is fetched with a token where the registry wants one, once for all requests', async () => {
    answer = (request, response) => {
      if (request.url?.startsWith('/token?')) response.end('{"token":"abc.def"}');
      else if (request.headers.authorization !== 'Bearer abc.def')
        response
          .writeHead(401, {
            'www-authenticate': `Bearer realm="${origin}/token",service="here",scope="repository:org/charts/web:pull"`,
          })
          .end();
      else serve(paths)(request, response);
    };
    const bound: string[] = [];
    const credentials = {
      forUrl: async (url: string) => {
        bound.push(url);
        return { username: 'u', password: 'p' };
      },
    };
    expect(digestOf(await open({ credentials }).open(pin()))).toBe(digestOf(web));
    expect(new Set(bound)).toEqual(new Set([`${origin}/org/charts/web`]));
    expect(asked.map(({ url }) => url.replace(/sha256:.*/, 'D'))).toEqual([
      '/v2/org/charts/web/manifests/D',
      '/token?service=here&scope=repository%3Aorg%2Fcharts%2Fweb%3Apull',
      '/v2/org/charts/web/manifests/D',
      '/v2/org/charts/web/blobs/D',
    ]);
  });

  it('is refused when manifest or archive are not what is pinned', async () => {
    answer = serve({ ...paths, [`/v2/org/charts/web/blobs/${digestOf(web)}`]: 'other' });
    await expect(open().open(pin())).rejects.toMatchObject({ code: 'failed_precondition' });
    answer = serve({ [`/v2/org/charts/web/manifests/${digestOf(manifest)}`]: `${manifest} ` });
    await expect(open().open(pin())).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(program === undefined)('rendering a chart of a repository', () => {
  it('takes value files from Git, and says what is wrong with a pin', async () => {
    answer = serve({ '/charts/index.yaml': index('web.tgz'), '/charts/web.tgz': web });
    const renderer = newRenderer({ charts: open() });
    const render = async (more = {}) => {
      const { name, ...pin } = pinned(more);
      const source = helmSource({ chart: name, pin });
      const result = await renderer.render({ source, cluster, tree: createMemoryTree({ 'app/x': '' }) });
      return result.ok
        ? [...result.rendered.objects.values()].map(({ content }) => content)
        : result.problems.map(describeProblem);
    };
    expect(await render()).toEqual([
      '{"apiVersion":"v1","data":{"v":"1.2.3"},"kind":"ConfigMap","metadata":{"name":"rel"}}',
    ]);
    expect(await render({ digest: digestOf('x') })).toEqual([
      expect.stringContaining('spec.source.helm.repository: web 1.2.3 of'),
    ]);
  });
});

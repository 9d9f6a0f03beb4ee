import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { askAnalysis, judge, readSamples } from './ask-analysis.ts';

const clock = createFakeClock(1_000);
const common = { name: 'errors', intervalMs: 1, count: 1, failureLimit: 0, inconclusiveLimit: 0 };
const subject = {
  ...{ application: 'web', wave: 'canary', clusters: ['eu-1', 'us-1', 'us-2'] },
  counted: ['eu-1', 'us-1'],
};
let server: Server;
let origin = '';
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url ?? ''));
    if (request.url?.startsWith('/us-1/bad')) return response.writeHead(500).end();
    if (request.url?.startsWith('/moved')) return response.writeHead(302, { location: '/' }).end();
    if (request.url?.startsWith('/down')) return response.writeHead(503).end('{}');
    if (request.url?.startsWith('/slow')) return undefined;
    const [, given] = /^\/gives\/([^/]*)/.exec(request.url ?? '') ?? [];
    if (given !== undefined) return response.end(decodeURIComponent(given));
    const result = [{ metric: {}, value: [1, '0.002'] }];
    return response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const ports = { fetch: (url: string, init: RequestInit) => fetch(url, init), egress: () => true, clock };
const prometheus = (url: string, success = 'value < 0.01') =>
  ({
    ...common,
    provider: {
      type: 'prometheus',
      url,
      query: 'rate({app="{{application}}",cluster=~"{{clusters}}"})',
      success,
      failure: '',
    },
  }) as const;
const http = (path: string) =>
  ({ ...common, provider: { type: 'http', url: `${origin}${path}`, status: 200 } }) as const;
const signal = new AbortController().signal;

/** Where nobody listens any more. */
async function closedOrigin(): Promise<string> {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('askAnalysis', () => {
  it('asks the server of each cluster that was counted, and names those that speak against it', async () => {
    asked.length = 0;
    const each = prometheus(`${origin}/{{cluster}}/prom`);
    expect(await askAnalysis(each, subject, ports, signal)).toEqual({
      ...{ atMs: 1_000, verdict: 'success' },
      detail: 'success in 2 of 2 clusters: eu-1: 0.002; us-1: 0.002',
    });
    expect(asked.map((url) => url.split('?')[0]).sort()).toEqual([
      '/eu-1/prom/api/v1/query',
      '/us-1/prom/api/v1/query',
    ]);
    expect(await askAnalysis(http('/{{cluster}}/bad'), subject, ports, signal)).toMatchObject({
      ...{ verdict: 'failure', detail: 'failure in 1 of 2 clusters: us-1: HTTP 500' },
    });
    // One of them cannot be asked: nothing is known of all.
    const some = { ...ports, egress: (url: string) => !url.includes('/us-1/') };
    expect(await askAnalysis(each, subject, some, signal)).toMatchObject({
      verdict: 'inconclusive',
      detail: expect.stringContaining('inconclusive in 1 of 2 clusters: us-1: '),
    });
    expect(await askAnalysis(each, { ...subject, counted: [] }, ports, signal)).toMatchObject({
      verdict: 'inconclusive',
    });
  });

  it('asks Prometheus for what is said of this wave, and judges the number', async () => {
    const answer = await askAnalysis(prometheus(`${origin}/prom/`), subject, ports, signal);
    expect(answer).toEqual({ atMs: 1_000, verdict: 'success', detail: '0.002' });
    expect(asked.at(-1)).toBe('/prom/api/v1/query?query=rate({app="web",cluster=~"eu-1|us-1|us-2"})');
    const bad = await askAnalysis(prometheus(origin, 'value < 0.001'), subject, ports, signal);
    expect(bad).toMatchObject({ verdict: 'failure', detail: '0.002' });
  });

  it('checks a status, and follows no redirect', async () => {
    expect(await askAnalysis(http('/'), subject, ports, signal)).toMatchObject({ verdict: 'success' });
    expect(await askAnalysis(http('/moved'), subject, ports, signal)).toMatchObject({
      detail: 'HTTP 302',
      verdict: 'failure',
    });
  });

  it('is inconclusive, with why, where nothing can be asked', async () => {
    const refused = await askAnalysis(http('/'), subject, { ...ports, egress: () => false }, signal);
    expect(refused).toMatchObject({
      verdict: 'inconclusive',
      detail: expect.stringContaining('egress.allow'),
    });
    expect(await askAnalysis(prometheus(`${origin}/down`), subject, ports, signal)).toMatchObject({
      ...{ verdict: 'inconclusive', detail: 'HTTP 503' },
    });
    const nobody = await askAnalysis(prometheus(await closedOrigin()), subject, ports, signal);
    expect(nobody).toMatchObject({
      verdict: 'inconclusive',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('an answer of a server that is not well', () => {
  const vector = (...values: readonly string[]) =>
    JSON.stringify({
      data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
    });
  const given = (text: string, success?: string) =>
    askAnalysis(prometheus(`${origin}/gives/${encodeURIComponent(text)}`, success), subject, ports, signal);

  it.each([
    ['no series', vector(), 'the query gave nothing'],
    ['no number', vector('NaN'), 'the query gave NaN'],
    ['infinity', vector('+Inf'), 'the query gave Infinity'],
    ['one number that is none among others', vector('0.001', 'NaN'), 'the query gave [0.001, NaN]'],
    [
      'a range',
      '{"data":{"resultType":"matrix","result":[]}}',
      'expected a vector or a scalar, found matrix',
    ],
    [
      'a histogram',
      '{"data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}',
      'the query gave NaN',
    ],
    [
      'a page for people',
      '<html>Sign in</html>',
      "the answer is no JSON: is the url that of Prometheus' own HTTP API?",
    ],
    ['nothing', '', "the answer is no JSON: is the url that of Prometheus' own HTTP API?"],
    ['null', 'null', 'expected a vector or a scalar, found something else'],
    ['too much', `${vector('0.001')}${' '.repeat(1024 * 1024)}`, 'the answer is longer than 1048576 bytes'],
  ])('is inconclusive where it gives %s', async (_, text, detail) => {
    // Not by the URL: that has bounds of its own.
    const asking = { ...ports, fetch: async () => new Response(text) };
    expect(await askAnalysis(prometheus(origin), subject, asking, signal)).toMatchObject({
      ...{ verdict: 'inconclusive', detail },
    });
  });

  it('is inconclusive where it gives several numbers and one of them is asked about', async () => {
    expect(await given(vector('0.001', '0.9'))).toMatchObject({
      ...{
        verdict: 'inconclusive',
        detail: expect.stringContaining('the query gave 2 numbers, [0.001, 0.9]'),
      },
    });
    const all = (text: string) => given(text, 'result.all(value, value < 0.01)');
    expect(await all(vector('0.001', '0.9'))).toMatchObject({ verdict: 'failure' });
    expect(await all(vector('0.001', '0.002'))).toMatchObject({ verdict: 'success' });
  });

  it('is inconclusive where it does not come', async () => {
    const soon = AbortSignal.timeout(50);
    const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(soon);
    try {
      expect(await askAnalysis(prometheus(`${origin}/slow`), subject, ports, signal)).toMatchObject({
        ...{ verdict: 'inconclusive', detail: 'no answer within 10 s' },
      });
    } finally {
      limit.mockRestore();
    }
  });
});

describe('judge', () => {
  it('compares whole numbers with fractions, lists by their items, and tells nothing from zero', () => {
    expect(judge([0], { success: 'value < 0.01', failure: '' }).verdict).toBe('success');
    expect(judge([1, 2], { success: 'result.all(one, one < 3.0)', failure: '' }).verdict).toBe('success');
    expect(judge([5], { success: 'value < 1.0', failure: 'value > 9.0' }).verdict).toBe('inconclusive');
    expect(judge([], { success: 'true', failure: '' })).toEqual({
      verdict: 'inconclusive',
      detail: 'the query gave nothing',
    });
    expect(judge([Number.NaN], { success: 'true', failure: '' }).verdict).toBe('inconclusive');
  });
});

describe('readSamples', () => {
  it('reads vectors and scalars, and nothing else', () => {
    expect(readSamples('{"data":{"resultType":"scalar","result":[1,"7"]}}')).toEqual([7]);
    expect(() => readSamples('{"data":{"resultType":"matrix","result":[]}}')).toThrow('found matrix');
  });
});

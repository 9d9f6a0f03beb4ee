/** `GET /api/v1/diff` by itself: what it takes, who may ask, and that work ends with the client. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PreviewPort } from '../../../hub/api/ports.ts';
import { type ServedApi, serveApi } from '../../../hub/api/server.ts';
import type { DiffReport } from '../../../hub/preview/report.ts';
import { createHarness, type Harness } from '../api/harness.ts';

const empty: DiffReport = {
  from: { name: 'running', commit: null },
  to: { name: 'main', commit: '3f2c1a0b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a' },
  differs: false,
  summary: { applications: 0, clusters: 0, added: 0, removed: 0, changed: 0 },
  applications: [],
  problems: [],
  omitted: 0,
};

let diff: PreviewPort['diff'];
let harness: Harness;
let served: ServedApi;
beforeEach(async () => {
  diff = async () => empty;
  const preview: PreviewPort = {
    diff: (request, signal) => diff(request, signal),
    manifests: (request) => Promise.reject(new Error(`${request.revision} is not asked for here`)),
  };
  harness = createHarness({ ports: { preview } });
  served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
});
afterEach(() => served.close());

const path = '/api/v1/diff?from=running&to=main';

describe('GET /api/v1/diff', () => {
  it('hands on what was asked for, to readers', async () => {
    const asked: unknown[] = [];
    diff = async (request) => {
      asked.push(request);
      return empty;
    };
    const answer = await harness.call('GET', `${path}&application=web&cluster=eu-1`, {
      token: harness.tokens.read,
    });
    expect([answer.status, answer.body['differs']]).toEqual([200, false]);
    expect(asked).toEqual([{ from: 'running', to: 'main', application: 'web', cluster: 'eu-1' }]);
    expect((await harness.call('GET', path)).status).toBe(401);
  });

  it('needs both revisions', async () => {
    const answer = await harness.call('GET', '/api/v1/diff?from=main', { token: harness.tokens.read });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('query.to');
  });

  it('ends the work when the client goes away', async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    diff = (_request, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.resolve();
          reject(signal.reason);
        });
        begun.resolve();
      });
    const client = new AbortController();
    const headers = { authorization: `Bearer ${harness.tokens.read}` };
    const request = fetch(served.url + path, { headers, signal: client.signal });
    await begun.promise;
    client.abort();
    await expect(request).rejects.toThrow();
    await ended.promise;
  });
});

/** The endpoint of `fairway explain` by itself: what it takes, who may ask, and that work ends with the client. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExplainPort } from '../../../hub/api/ports.ts';
import { type ServedApi, serveApi } from '../../../hub/api/server.ts';
import type { ExplainedPlace, Explanation } from '../../../hub/explain/explanation.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { createHarness, type Harness } from '../api/harness.ts';

const at: ExplainedPlace = {
  source: 'repository',
  file: 'apps/web/base/web.yaml',
  line: 7,
  field: '',
  holds: 'value',
  commit: {
    sha: '3f2c1a0b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a',
    author: 'Ada',
    email: 'ada@example.com',
    time: '2026-01-01T12:00:00.000Z',
    subject: 'Begin',
    file: 'apps/web/base/deployment.yaml',
    line: 6,
    orBefore: true,
  },
  uncommitted: false,
};

const action = { kind: 'resource', action: 'resources[0]', layer: 'apps/web/base' };

const explanation: Explanation = {
  application: 'web',
  cluster: 'eu-1',
  revision: { name: '', commit: '3f2c1a0b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a', repository: '' },
  object: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'eu-web', originName: 'web' },
  way: ['apps/web/base'],
  field: 'spec',
  state: 'set',
  secret: false,
  lines: [
    { text: 'replicas: 2', path: 'spec.replicas', origin: { ...action, at }, changes: 0 },
    { text: 'template:', path: '', origin: null, changes: 0 },
  ],
  fields: [
    {
      path: 'spec.replicas',
      state: 'set',
      value: '2',
      masked: false,
      steps: [
        {
          ...action,
          change: 'read',
          before: null,
          after: '2',
          at,
          configuredAt: { ...at, commit: null },
          through: null,
          from: { object: 'ConfigMap settings', field: 'data.host' },
        },
      ],
    },
  ],
  omitted: 0,
};

let explain: ExplainPort['explain'];
let harness: Harness;
let served: ServedApi;
beforeEach(async () => {
  explain = async () => explanation;
  harness = createHarness({
    ports: { explainer: { explain: (question, signal) => explain(question, signal) } },
  });
  served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
});
afterEach(() => served.close());

const path = '/api/v1/applications/web/clusters/eu-1/explain';

describe(`GET ${path}`, () => {
  it('hands on what was asked for, to readers, and answers as documented', async () => {
    const asked: unknown[] = [];
    explain = async (question) => {
      asked.push(question);
      return explanation;
    };
    const query =
      'kind=Deployment&name=web&namespace=shop&group=apps&apiVersion=apps/v1&field=spec.replicas&rev=main';
    const answer = await harness.call('GET', `${path}?${query}`, { token: harness.tokens.read });
    expect([answer.status, answer.body]).toEqual([200, explanation]);
    await harness.call('GET', `${path}?kind=Deployment&name=web`, { token: harness.tokens.read });
    expect(asked).toEqual([
      {
        application: 'web',
        cluster: 'eu-1',
        object: { kind: 'Deployment', name: 'web', namespace: 'shop', group: 'apps', apiVersion: 'apps/v1' },
        field: 'spec.replicas',
        revision: 'main',
      },
      {
        application: 'web',
        cluster: 'eu-1',
        object: { kind: 'Deployment', name: 'web' },
        field: '',
        revision: undefined,
      },
    ]);
    expect((await harness.call('GET', `${path}?kind=Deployment&name=web`)).status).toBe(401);
  });

  it.each([
    ['name=web', 'query.kind'],
    ['kind=Deployment', 'query.name'],
    ['kind=Deployment&name=web&fields=spec', 'fields'],
  ])('refuses %s for %s', async (query, said) => {
    const answer = await harness.call('GET', `${path}?${query}`, { token: harness.tokens.read });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(said);
  });

  it.each([
    ['not_found', 404],
    ['invalid_manifest', 422],
    ['resource_exhausted', 429],
    ['failed_precondition', 412],
  ] as const)('tells %s as %i', async (code, status) => {
    explain = async () => {
      throw new FairwayError(code, 'for a reason');
    };
    const answer = await harness.call('GET', `${path}?kind=Deployment&name=web`, {
      token: harness.tokens.read,
    });
    expect([answer.status, answer.body['detail']]).toEqual([status, 'for a reason']);
  });

  it('ends the work when the client goes away', async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    explain = (_question, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          ended.resolve();
          reject(signal.reason);
        });
        begun.resolve();
      });
    const client = new AbortController();
    const headers = { authorization: `Bearer ${harness.tokens.read}` };
    const request = fetch(`${served.url}${path}?kind=Deployment&name=web`, {
      headers,
      signal: client.signal,
    });
    await begun.promise;
    client.abort();
    await expect(request).rejects.toThrow();
    await ended.promise;
  });
});

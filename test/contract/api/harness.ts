/** The API on fakes of its ports; every answer that passes through `call` is held to the OpenAPI document. */
import { Registry } from 'prom-client';
import { type Api, type ApiOptions, createApi } from '../../../hub/api/app.ts';
import { createAccessToken } from '../../../hub/api/auth/access-token.ts';
import type { AgentAnswer, AgentQuestion, ApiPorts } from '../../../hub/api/ports.ts';
import { createEvent } from '../../../hub/model/event.ts';
import { versionWarning } from '../../../hub/model/kubernetes-version.ts';
import { type Scope, scopes } from '../../../hub/model/registry.ts';
import type { RolloutReport } from '../../../hub/rollout/report/describe-rollout.ts';
import { createFakeClock, type FakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { createLogger } from '../../../shared/log/log.ts';
import { failoverPort } from './failover-fixtures.ts';
import { createFakeStore, type FakeStore } from './fake-store.ts';
import { applicationView, clusterView, fillState, placementView, startMs } from './fixtures.ts';
import { parityPort } from './parity-fixtures.ts';
import { rolloutPlanner } from './plan-fixture.ts';
import { rolloutHistory } from './rollout-fixtures.ts';
import { checkSchema } from './schema-check.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON; empty for other answers. */
  readonly body: Readonly<Record<string, unknown>>;
  /** `items` of a list. */
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly raw?: string;
}

export interface Harness {
  readonly api: Api;
  readonly ports: ApiPorts;
  readonly fake: FakeStore;
  readonly clock: FakeClock;
  readonly tokens: Readonly<Record<Scope, string>>;
  readonly logLines: string[];
  /** What the fake ports were asked. */
  readonly calls: string[];
  answers: (question: AgentQuestion) => AgentAnswer;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface HarnessOptions {
  readonly api?: ApiOptions;
  readonly ports?: Partial<ApiPorts>;
}

export function createHarness(options: HarnessOptions = {}): Harness {
  const clock = createFakeClock(startMs);
  const random = createSeededRandom(7);
  const fake = createFakeStore();
  fillState(fake.state);
  const logLines: string[] = [];
  const calls: string[] = [];
  const tokens = {} as Record<Scope, string>;
  for (const scope of scopes) {
    const made = createAccessToken({ name: `${scope}er`, scope, ttlMs: 3_600_000 }, startMs, random);
    fake.state.accessTokens.push(made.row);
    tokens[scope] = made.token;
  }
  const ports: ApiPorts = {
    ...createFakePorts(fake, calls, () => harness.answers),
    clock,
    random,
    log: createLogger({ write: (line) => logLines.push(line), now: () => clock.now() }),
    ...options.ports,
  };
  const api = createApi(ports, options.api);
  let document: Record<string, unknown> | undefined;
  const harness: Harness = {
    api,
    ports,
    fake,
    clock,
    tokens,
    logLines,
    calls,
    answers: (question) => {
      throw new FairwayError('unavailable', `nobody answers ${question.kind}`);
    },
    async call(method, path, { token, body, headers, raw } = {}) {
      const init: RequestInit = {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(raw === undefined ? {} : { body: raw }),
      };
      const response = await api.fetch(new Request(`http://hub.test${path}`, init));
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      const answer: Answer = {
        status: response.status,
        headers: response.headers,
        text,
        body: type.includes('json') ? JSON.parse(text) : {},
        get items() {
          return answer.body['items'] as Answer['items'];
        },
      };
      document ??= (await (
        await api.fetch(new Request('http://hub.test/api/v1/openapi.json'))
      ).json()) as Record<string, unknown>;
      const errors = checkAnswer(document, method, new URL(path, 'http://hub.test').pathname, answer);
      if (errors.length > 0)
        throw new Error(`${method} ${path} breaks the OpenAPI document:\n${errors.join('\n')}\n${text}`);
      return answer;
    },
  };
  return harness;
}

function createFakePorts(
  fake: FakeStore,
  calls: string[],
  answers: () => (question: AgentQuestion) => AgentAnswer,
): Omit<ApiPorts, 'clock' | 'random' | 'log'> {
  const clusters = [
    clusterView('eu-1', {
      role: 'standby',
      roleOverride: { failover: 'failover-1', roleInGit: 'primary', untilMs: startMs + 3_600_000 },
    }),
    clusterView('us-1', {
      ...{ connected: false, region: 'us' },
      warnings: [versionWarning('us-1', '1.34', 'v1.36.3')],
    }),
  ];
  const placements = [
    placementView('eu-1', 'shop'),
    placementView('us-1', 'shop', {
      connected: false,
      stage: 'Assigned',
      sync: 'Unknown',
      health: 'Unknown',
    }),
  ];
  const applications = [applicationView('shop', placements), applicationView('mail', [])];
  return {
    store: fake.store,
    views: {
      clusters: async () => clusters,
      cluster: async (name) => clusters.find((one) => one.name === name),
      applications: async () => applications,
      application: async (name) => applications.find((one) => one.name === name),
      placements: async ({ cluster, application }) =>
        placements.filter(
          (one) =>
            (cluster === undefined || one.cluster === cluster) &&
            (application === undefined || one.application === application),
        ),
    },
    agents: {
      sync(cluster, application) {
        calls.push(`sync ${cluster} ${application}`);
        return cluster === 'eu-1';
      },
      async query(cluster, question) {
        calls.push(`query ${cluster} ${JSON.stringify(question)}`);
        return answers()(question);
      },
      disconnect: (cluster, reason) => void calls.push(`disconnect ${cluster} ${reason}`),
      sessions: () => [{ cluster: 'eu-1', connectedAtMs: startMs }],
    },
    registry: {
      async createToken({ cluster, ttlMs, actor }) {
        const event = createEvent({
          type: 'audit.token.created',
          actor,
          timeMs: startMs,
          cluster,
          message: `enrolment token for ${cluster}`,
        });
        await fake.store.events.append([event]);
        return { id: 'enrol-2', token: 'enrolment-secret', expiresAtMs: startMs + ttlMs };
      },
      revokeToken: (id, actor) =>
        fake.store.registry.revokeToken(
          id,
          createEvent({ type: 'audit.token.revoked', actor, timeMs: startMs, message: 'revoked' }),
        ),
      async revoke(cluster, reason, actor) {
        const event = createEvent({
          type: 'audit.certificate.revoked',
          actor,
          timeMs: startMs,
          cluster,
          message: reason,
        });
        await fake.store.events.append([event]);
        return 1;
      },
      async forget(cluster, reason, actor) {
        if (cluster === 'eu-1')
          throw new FairwayError('failed_precondition', `cluster ${cluster} is declared: take it out of Git`);
        const event = createEvent({
          type: 'audit.cluster.forgotten',
          actor,
          timeMs: startMs,
          cluster,
          message: reason,
        });
        await fake.store.events.append([event]);
        return { certificates: 1, tokens: 0, assignments: 3, removals: 2 };
      },
    },
    sources: {
      poke: (urls) => urls?.length ?? 3,
      async webhook({ headers }) {
        if (headers['x-signature'] !== 'good')
          throw new FairwayError('unauthenticated', 'The signature is not right.');
        return ['https://git.example/fleet.git'];
      },
    },
    preview: {
      async diff() {
        throw new FairwayError('unavailable', 'no preview in this test');
      },
      async manifests() {
        throw new FairwayError('unavailable', 'no preview in this test');
      },
    },
    explainer: {
      async explain() {
        throw new FairwayError('unavailable', 'nothing is explained in this test');
      },
    },
    rollouts: {
      reports: async () => [rolloutReport],
      report: async (application) => (application === 'shop' ? rolloutReport : undefined),
      async act(application, { type }, { actor, reason }) {
        if (application !== 'shop') throw new FairwayError('not_found', 'no rollout');
        const event = createEvent({
          type: 'audit.rollout',
          actor,
          timeMs: startMs,
          application,
          message: reason,
        });
        await fake.store.events.append([event]);
        calls.push(`${type} ${application}`);
        return rolloutReport;
      },
    },
    history: rolloutHistory,
    parity: parityPort,
    failovers: failoverPort,
    planner: rolloutPlanner,
    install: { manifests: ({ cluster, token }) => `# ${cluster} ${token}\n` },
    schemas: () => ({ Cluster: { type: 'object' }, Application: { type: 'object' } }),
    backup: async () => {
      throw new FairwayError('unavailable', 'no backup in this test');
    },
    metrics: new Registry(),
    ready: async () => [{ name: 'store', ok: true, message: '' }],
    version: '0.1.0',
  };
}

const rolloutReport: RolloutReport = {
  ...{ application: 'shop', releaseId: 'release-1', revisionId: 'r1', strategy: 'careful' },
  phase: 'Progressing',
  message: 'waits for wave rest: 1 of 1 not healthy: eu-1 waits on health; 1 held',
  held: {
    clusters: ['eu-2'],
    message: 'they keep what they have until it differs, or a retry releases what is held',
  },
  startedAtMs: startMs,
  endedAtMs: undefined,
  waves: [
    {
      ...{ name: 'rest', state: 'Running', waitsOn: '1 of 1 not healthy: eu-1 waits on health' },
      startedAtMs: startMs,
      ...{ settledAtMs: undefined, endedAtMs: undefined },
      counts: { clusters: 1, healthy: 0, failed: 0, excluded: 0, rolledBack: 0, untouched: 0 },
      clusters: [
        {
          ...{ cluster: 'eu-1', step: 'Applied', waitsOn: 'health' },
          ...{ assignedAtMs: startMs, appliedAtMs: startMs + 2_000, healthyAtMs: undefined },
          next: { atMs: startMs + 602_000, what: 'times-out' },
        },
      ],
      next: { atMs: startMs + 602_000, what: 'times-out' },
    },
  ],
  next: { atMs: startMs + 602_000, what: 'times-out' },
  promotion: {
    ...{ after: 'shop-staging', soakMs: 86_400_000, healthySinceMs: startMs - 3_600_000 },
    waiting: [
      {
        ...{ releaseId: 'release-2', revisionId: 'r2', commit: 'c'.repeat(40), createdAtMs: startMs },
        waitsOn:
          'shop-staging has been healthy with commit cccccccc, and soaks until 2026-01-01T23:00:00.000Z',
      },
    ],
  },
};

/** What in an answer is not as the document says: its status, its media type or its body. */
function checkAnswer(
  document: Readonly<Record<string, unknown>>,
  method: string,
  path: string,
  answer: Answer,
): string[] {
  const paths = document['paths'] as Record<string, Record<string, Operation>>;
  const pattern = Object.keys(paths).find((candidate) =>
    new RegExp(`^${candidate.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  const operation = pattern === undefined ? undefined : paths[pattern]?.[method.toLowerCase()];
  if (operation === undefined)
    return answer.status === 404 || answer.status === 405 ? [] : ['not documented'];
  const { responses } = operation;
  const response = responses[answer.status] ?? (answer.status >= 400 ? responses['default'] : undefined);
  if (response === undefined) return [`status ${answer.status} is not documented`];
  if (response.content === undefined) return answer.text === '' ? [] : ['has a body'];
  const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
  const media = response.content[type];
  if (media === undefined) return [`media type ${type} is not documented for ${answer.status}`];
  return type.includes('json') ? checkSchema(answer.body, media.schema, document) : [];
}

interface Operation {
  readonly responses: Readonly<
    Record<
      string,
      { readonly content?: Readonly<Record<string, { readonly schema: Record<string, unknown> }>> }
    >
  >;
}

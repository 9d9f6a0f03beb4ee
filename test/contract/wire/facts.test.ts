/** Facts over the wire: the agent says, unasked, that they have changed. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { KubeClient, ListRequest } from '../../../agent/kube/kube-client.ts';
import { createFactCollector, type FactsPorts } from '../../../agent/loops/facts/collect-facts.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FactSection } from '../../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { type Agent, enrolAgent, type Hub, startAgent, startHub, until } from './harness.ts';

const hubs: Hub[] = [];
const agents: Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.connection.stop();
  for (const hub of hubs.splice(0)) await hub.stop();
});

const value = 'seven-green-lanterns';
const base64 = Buffer.from(value).toString('base64');
const byHand = (kind: string, name: string, rest: object) => ({
  ...{ apiVersion: 'v1', kind, ...rest },
  metadata: {
    ...{ name, namespace: 'shop', uid: name, resourceVersion: '1' },
    // As `kubectl apply` leaves it.
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(rest) },
  },
});
const held: readonly KubeObject[] = [
  byHand('Secret', 'plain', { type: 'Opaque', data: { password: base64 } }),
  byHand('Secret', 'tls', { type: 'kubernetes.io/tls', data: { 'tls.crt': base64, 'tls.key': base64 } }),
  byHand('ConfigMap', 'settings', { data: { password: value }, binaryData: { password: base64 } }),
];

/** The agent's own collector over a cluster where somebody has made these by hand. */
function collectorOf(objects: readonly KubeObject[]) {
  const resources = ['Secret', 'ConfigMap'].map((kind) => ({
    ...{ group: '', version: 'v1', kind, namespaced: true, resource: `${kind.toLowerCase()}s` },
    verbs: ['list', 'watch'],
  }));
  const kube = {
    discover: async () => resources,
    staleGroups: () => new Set(),
    version: async () => 'v1.36.3',
    list: async ({ resource: { kind } }: ListRequest) => ({
      ...{ resourceVersion: '1', continue: undefined, items: objects.filter((one) => one.kind === kind) },
    }),
  } as unknown as KubeClient;
  const target = { sync: { namespace: 'shop' }, set: { entries: [{ key: { namespace: 'shop' } }] } };
  const desired = {
    applications: () => new Map([['web', { application: 'web', target }]]),
    object: () => '{}',
    subscribe: () => () => {},
  } as unknown as FactsPorts['desired'];
  return createFactCollector({
    ...{ kube, desired, clock: systemClock, random: createSeededRandom(1), log: silentLogger },
    ...{ reveal: async (text) => text, namespace: 'fairway-agent' },
  });
}

describe('facts', () => {
  it('have no value of what somebody made by hand, nor what it could be guessed by', async () => {
    const hub = await startHub();
    hubs.push(hub);
    const collector = collectorOf(held);
    const queries = {
      object: async () => undefined,
      logs: async () => ({ content: Buffer.alloc(0), truncated: false }),
      diagnostics: async () => 'here',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: collector.collect,
      run: async () => ({ state: 'gone', message: '', logTail: '' }),
    };
    const agent = await startAgent(await enrolAgent(hub, 'eu-1'), { queries });
    agents.push(agent);
    const question = { type: 'facts', salt: new Uint8Array(32).fill(5), known: {}, watch: false } as const;
    const answer = await until('the answer', () =>
      hub.server.query('eu-1', { ...question, unowned: [] }).catch(() => undefined),
    );
    collector.stop();
    const told = JSON.stringify(answer);
    // They are told of, each by its name.
    for (const { metadata } of held) expect(told).toContain(`shop/${metadata.name}`);
    const hashed = [value, base64].map((text) => createHash('sha256').update(text).digest('hex'));
    const found = [value, base64, ...hashed].filter((text) => told.includes(text));
    expect(found).toEqual([]);
  });

  it('says what a cluster is in sections, and leaves out what the hub knows', async () => {
    const hub = await startHub();
    hubs.push(hub);
    const agent = await startAgent(await enrolAgent(hub, 'eu-1'));
    agents.push(agent);
    await until('connected', () => agent.connection.state().connected);
    const unowned = [{ kind: 'Deployment', path: '/spec/replicas' }];
    const denied = { kind: '', reason: 'denied', message: 'may not' };
    const part = { salt: new Uint8Array(3), known: { apis: 'b'.repeat(64) } };
    const question = { type: 'facts', ...part, watch: true, unowned } as const;
    const answer = await until('the answer', () => hub.server.query('eu-1', question).catch(() => undefined));
    expect(answer).toEqual({
      type: 'facts',
      sections: [
        { section: 'version', digest: 'a'.repeat(64), values: { kubernetes: 'v3' }, failure: '', gaps: [] },
        { section: 'apis', digest: 'b'.repeat(64), values: undefined, failure: '', gaps: [] },
        { section: 'secrets', digest: '', values: undefined, failure: 'may not', gaps: [denied] },
        {
          section: 'unowned',
          digest: 'c'.repeat(64),
          values: { watched: true, unowned },
          failure: '',
          gaps: [],
        },
      ],
    });
  });

  it('tells that facts have changed, unasked, for as long as it is connected', async () => {
    const told: string[] = [];
    const hub = await startHub({ onFactsChanged: (cluster) => told.push(cluster) });
    hubs.push(hub);
    const listeners = new Set<() => void>();
    const onFactsChanged = (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const queries = {
      object: async () => undefined,
      logs: async () => ({ content: Buffer.alloc(0), truncated: false }),
      diagnostics: async () => 'here',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: async () => [],
      run: async () => ({ state: 'gone', message: '', logTail: '' }),
      onFactsChanged,
    };
    const agent = await startAgent(await enrolAgent(hub, 'eu-1'), { queries });
    agents.push(agent);
    await until('its Query stream', () =>
      hub.server.query('eu-1', { type: 'diagnostics' }).catch(() => undefined),
    );
    // It has come, and watches nothing yet.
    expect(told).toEqual(['eu-1']);
    for (const listener of listeners) listener();
    await until('the word of it', () => told.length > 1);
    expect(told).toEqual(['eu-1', 'eu-1']);
    await agent.connection.stop();
    await until('nobody listens', () => listeners.size === 0);
  });

  it('tells what finds no room beside other sections as that, and what finds none at all as too large', async () => {
    const hub = await startHub();
    hubs.push(hub);
    const section = (name: FactSection, characters: number, known: Readonly<Record<string, string>>) => {
      const digest = name === 'secrets' ? 'a'.repeat(64) : 'b'.repeat(64);
      const values = known[name] === digest ? undefined : { name: 'x'.repeat(characters) };
      return { section: name, digest, values, failure: '' };
    };
    const queries = {
      object: async () => undefined,
      logs: async () => ({ content: Buffer.alloc(0), truncated: false }),
      diagnostics: async () => 'here',
      adoption: async () => ({ findings: [], truncated: false }),
      facts: async ({ known }: { readonly known: Readonly<Record<string, string>> }) => [
        section('secrets', 3 * 2 ** 20, known),
        section('configMaps', 2 * 2 ** 20, known),
        { ...section('unmanaged', 5 * 2 ** 20, known), digest: 'c'.repeat(64) },
      ],
      run: async () => ({ state: 'gone', message: '', logTail: '' }),
    };
    const agent = await startAgent(await enrolAgent(hub, 'eu-1'), { queries });
    agents.push(agent);
    const ask = async (known: Readonly<Record<string, string>>) => {
      const question = { type: 'facts', salt: new Uint8Array(32), known, watch: true, unowned: [] } as const;
      const answer = await until('the answer', () =>
        hub.server.query('eu-1', question).catch(() => undefined),
      );
      if (answer.type !== 'facts') throw new Error('what is this?');
      return answer.sections;
    };
    const [secrets, configMaps, unmanaged] = await ask({});
    expect([secrets?.digest, secrets?.gaps]).toEqual(['a'.repeat(64), []]);
    expect(configMaps).toMatchObject({ digest: '', values: undefined, gaps: [{ reason: 'failed' }] });
    expect(unmanaged).toMatchObject({
      ...{ digest: '', values: undefined },
      gaps: [{ kind: '', reason: 'bound', message: expect.stringContaining('5242891 bytes') }],
    });
    const [, next] = await ask({ secrets: 'a'.repeat(64) });
    expect([next?.digest, next?.gaps]).toEqual(['b'.repeat(64), []]);
  });
});

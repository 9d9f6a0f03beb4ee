/**
 * Agents of other releases against this hub, over real sockets: their messages are bytes as those releases wrote them (recorded by their own generated code in `frames/`), or bytes of a release
 * to come, with fields, answers and sections that nobody here knows. Nobody is taken for Ready of whom nothing is known.
 */
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { channelOptions, createCredentials } from '../../../agent/stream/channel.ts';
import { createFactsLoop, type FactsLoop } from '../../../hub/loops/parity/parity-facts.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import {
  FactsAnswerSchema,
  QueryRequestSchema,
  QueryResponseSchema,
  SessionResponseSchema,
} from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { factSections } from '../../../shared/manifest/cluster-facts.ts';
import { digestToWire, encode } from '../../../shared/stream/wire-base.ts';
import { enrolAgent, type Hub, startHub, until } from './harness.ts';

const frame = (name: string) => readFileSync(new URL(`frames/${name}.bin`, import.meta.url));
/** Field 900 with a text: https://protobuf.dev/programming-guides/encoding/ */
const unknownField = Buffer.concat([Buffer.from([0xa2, 0x38, 5]), Buffer.from('later')]);
const withId = (id: string, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([0x0a, id.length]), Buffer.from(id), bytes]);

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** An agent of which the test writes every byte. @param answer to each question about facts. */
async function startRawAgent(
  hub: Hub,
  cluster: string,
  hello: Buffer,
  answer: (id: string) => readonly Buffer[],
) {
  const identity = await enrolAgent(hub, cluster);
  const client = new Client(
    `127.0.0.1:${hub.agentPort}`,
    createCredentials(identity),
    channelOptions(identity.serverName),
  );
  const raw = (value: Buffer) => value;
  const open = (name: string): ClientDuplexStream<Buffer, Buffer> => {
    const stream = client.makeBidiStreamRequest(`/fairway.v1.AgentService/${name}`, raw, raw);
    stream.on('error', () => undefined);
    closers.push(() => stream.cancel());
    return stream;
  };
  closers.push(() => client.close());
  const welcomes: string[] = [];
  const session = open('Session');
  session.on('data', (bytes: Buffer) => {
    const { message } = fromBinary(SessionResponseSchema, bytes);
    if (message.case === 'welcome') welcomes.push(message.value.cluster);
  });
  session.write(hello);
  await until('its welcome', () => welcomes.includes(cluster));
  const query = open('Query');
  query.on('data', (bytes: Buffer) => {
    const { queryId, question } = fromBinary(QueryResponseSchema, bytes);
    if (question.case === 'facts') for (const reply of answer(queryId)) query.write(reply);
  });
  // QueryReady: field 2, empty.
  query.write(Buffer.from([0x12, 0x00]));
  return { session, query };
}

function follow(hub: Hub, cluster: string): FactsLoop {
  const facts = createFactsLoop({
    digestKey: new Uint8Array(32),
    ask: (name, question, signal) => hub.server.query(name, question, { signal }),
    onChanged: () => undefined,
    ...{ clock: systemClock, random: createSeededRandom(1), log: silentLogger },
  });
  closers.push(() => facts.loop.stop());
  facts.follow(new Map([['dr', { clusters: [cluster], unowned: [] }]]));
  return facts;
}
async function bed(hello: Buffer, answer: (id: string) => readonly Buffer[]) {
  const hub = await startHub();
  closers.push(() => hub.stop());
  await startRawAgent(hub, 'eu-1', hello, answer);
  const facts = follow(hub, 'eu-1');
  return { hub, known: await until('an answer', () => facts.factsOf('eu-1', 'dr')), facts };
}
const hello = frame('before-facts-hello');

describe('an agent of an older release', () => {
  it('that does not know the question has no word for anything, which is no failure', async () => {
    const { known, hub, facts } = await bed(hello, (id) => [withId(id, frame('before-facts-unsupported'))]);
    expect(known).toMatchObject({ untold: factSections, values: new Map() });
    expect(facts.loop.state()).toMatchObject([{ failures: 0, lastError: undefined }]);
    expect((await hub.store.registry.cluster('eu-1'))?.connected).toBe(true);
  });

  it('that knows fewer sections is believed in those, and named for the others', async () => {
    const { known } = await bed(hello, (id) => [withId(id, frame('before-watched-facts'))]);
    expect([...known.values]).toEqual([
      ['version', { kubernetes: 'v1.34.0' }],
      ['apis', {}],
    ]);
    expect(known.gaps.get('secrets')).toMatchObject([{ message: 'may not list secrets' }]);
    expect(known.untold).toEqual(factSections.filter((one) => !['version', 'apis', 'secrets'].includes(one)));
  });

  it('is asked again when it comes back, renewed', async () => {
    let sections: readonly string[] = [];
    const hub = await startHub();
    closers.push(() => hub.stop());
    const answer = (id: string) => [withId(id, answerOf(sections))];
    const { query, session } = await startRawAgent(hub, 'eu-1', hello, answer);
    const facts = follow(hub, 'eu-1');
    await until('an answer', () => facts.factsOf('eu-1', 'dr'));
    query.cancel();
    session.cancel();
    await until('it to be away', async () => !(await hub.store.registry.cluster('eu-1'))?.connected);
    sections = factSections;
    await startRawAgent(hub, 'eu-1', hello, answer);
    facts.wake('eu-1');
    await until('all sections', () => facts.factsOf('eu-1', 'dr')?.untold?.length === 0);
  });
});

/** An answer to a question about facts, without its id. */
function answerOf(sections: readonly string[]): Buffer {
  const value = encode(FactsAnswerSchema, {
    sections: sections.map((name) => ({
      ...{ $typeName: 'fairway.v1.FactsSection' as const, name, digest: digestToWire('a'.repeat(64)) },
      ...{ content: Buffer.from('{}'), failure: '', gaps: [] },
    })),
  } as never);
  const message = encode(QueryRequestSchema, { queryId: '', answer: { case: 'facts', value } });
  return Buffer.from(toBinary(QueryRequestSchema, message));
}

describe('an agent of a release to come', () => {
  it('is heard in what is known here, whatever else it says', async () => {
    const later = (id: string) => [
      // An answer of a kind that is not known, to no question that was asked.
      Buffer.concat([Buffer.from([0x0a, 1, 0x78]), unknownField]),
      Buffer.concat([withId(id, answerOf([...factSections, 'quantum'])), unknownField]),
    ];
    const { known, hub } = await bed(Buffer.concat([hello, unknownField]), later);
    expect(known.untold).toEqual([]);
    expect([...known.values.keys()]).toEqual([...factSections]);
    expect((await hub.store.registry.cluster('eu-1'))?.connected).toBe(true);
  });
});

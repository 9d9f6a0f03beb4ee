import { create } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  LogsAnswerSchema,
  ObjectAnswerSchema,
  QueryFailureSchema,
  QueryReadySchema,
  type QueryRequest,
  QueryRequestSchema,
  type QueryResponse,
  type LogsQuestion as WireLogsQuestion,
  type ObjectQuestion as WireObjectQuestion,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { keyFromWire } from '../../shared/stream/wire.ts';
import { encode, reads, required } from '../../shared/stream/wire-base.ts';
import { fromServiceError } from './channel.ts';

export interface ObjectQuestion {
  readonly key: ObjectKey;
  readonly apiVersion: string;
}

export interface LogsQuestion {
  readonly namespace: string;
  readonly pod: string;
  /** Empty: the only or first container. */
  readonly container: string;
  /** 1 to 1,000. */
  readonly tailLines: number;
  readonly previous: boolean;
}

/** Who answers. A FairwayError thrown is told to the hub with its code and message. */
export interface QueryHandlers {
  /** JSON of the live object, Secret values masked; undefined: there is none. */
  object(question: ObjectQuestion, signal: AbortSignal): Promise<string | undefined>;
  logs(
    question: LogsQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly content: Uint8Array; readonly truncated: boolean }>;
}

/** Questions worked on at once; more are told to come later. */
const underwayMax = 8;
const tailLinesMax = 1_000;
const tailLinesDefault = 100;
const answerBytesMax = 4 * 1024 * 1024;
const timeoutMsMax = 60_000;

export interface QuerierOptions {
  readonly client: Client;
  readonly queries: QueryHandlers;
  readonly clock: Clock;
  readonly abort: AbortController;
  readonly finish: (error: FairwayError) => void;
}

/** Opens the Query stream and answers until the link ends. */
export function answerQueries({ client, queries, clock, abort, finish }: QuerierOptions): void {
  const method = toMethodDefinition(AgentService.method.query);
  const stream: ClientDuplexStream<QueryRequest, QueryResponse> = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
  );
  let underway = 0;
  const reply = (queryId: string, answer: QueryRequest['answer']) => {
    if (!abort.signal.aborted) stream.write(create(QueryRequestSchema, { queryId, answer }));
  };
  const take = async (message: QueryResponse) => {
    const timeout = new AbortController();
    const timeoutMs = Math.min(message.timeoutMs || timeoutMsMax, timeoutMsMax);
    const cancel = clock.after(timeoutMs, () => timeout.abort(new DOMException('too late', 'TimeoutError')));
    underway += 1;
    try {
      if (underway > underwayMax)
        throw new FairwayError('resource_exhausted', 'the agent works on too many questions');
      reply(message.queryId, await answer(queries, message, AbortSignal.any([abort.signal, timeout.signal])));
    } catch (caught) {
      const error = toFairwayError(timeout.signal.aborted ? timeout.signal.reason : caught);
      const value = encode(QueryFailureSchema, { code: error.code, message: error.message });
      reply(message.queryId, { case: 'failure', value });
    } finally {
      underway -= 1;
      cancel();
    }
  };
  stream.on('data', (message: QueryResponse) => void take(message));
  stream.on('error', (error) => finish(fromServiceError(error)));
  stream.on('end', () => finish(new FairwayError('unavailable', 'the hub has ended the queries')));
  abort.signal.addEventListener('abort', () => stream.cancel(), { once: true });
  reply('', { case: 'ready', value: create(QueryReadySchema) });
}

reads<WireObjectQuestion>({ key: true, apiVersion: true });
reads<WireLogsQuestion>({ namespace: true, pod: true, container: true, tailLines: true, previous: true });
async function answer(
  queries: QueryHandlers,
  { question }: QueryResponse,
  signal: AbortSignal,
): Promise<QueryRequest['answer']> {
  if (question.case === 'object') {
    const { key, apiVersion } = question.value;
    const content = await queries.object({ key: keyFromWire(required(key, 'key')), apiVersion }, signal);
    const bytes = Buffer.from(content ?? '');
    if (bytes.length > answerBytesMax)
      throw new FairwayError('resource_exhausted', 'the object is too large');
    return {
      case: 'object',
      value: encode(ObjectAnswerSchema, { found: content !== undefined, content: bytes }),
    };
  }
  if (question.case === 'logs') {
    const { namespace, pod, container, previous } = question.value;
    const tailLines = Math.min(question.value.tailLines || tailLinesDefault, tailLinesMax);
    const { content, truncated } = await queries.logs(
      { namespace, pod, container, tailLines, previous },
      signal,
    );
    const cut = content.subarray(0, answerBytesMax);
    const isCut = truncated || cut.length < content.length;
    return { case: 'logs', value: encode(LogsAnswerSchema, { content: cut, truncated: isCut }) };
  }
  throw new FairwayError('unsupported', 'this agent does not know the question');
}

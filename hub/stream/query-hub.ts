/** Questions to agents: each connected cluster has one Query stream, and each question on it an id, a time limit and a caller who may leave. */
import { create } from '@bufbuild/protobuf';
import type { Clock } from '../../shared/clock/clock.ts';
import { type ErrorCode, errorTable, FairwayError } from '../../shared/error/error.ts';
import {
  LogsQuestionSchema,
  ObjectQuestionSchema,
  type QueryRequest,
  type QueryResponse,
  QueryResponseSchema,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { keyToWire } from '../../shared/stream/wire.ts';
import { encode } from '../../shared/stream/wire-base.ts';
import type { Answer, AskOptions, Question } from '../model/query.ts';

const defaultTimeoutMs = 10_000;
const timeoutMsMax = 60_000;
const tailLinesMax = 1_000;
/** Questions that may wait for one cluster's answers. */
const waitingMax = 32;

interface Waiting {
  readonly type: Question['type'];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: FairwayError) => void;
}

interface Line {
  readonly send: (message: QueryResponse) => void;
  readonly waiting: Map<string, Waiting>;
}

export interface QueryHub {
  /** A cluster's Query stream is open; the result takes its messages and must be told of its end. */
  attach(
    cluster: string,
    send: (message: QueryResponse) => void,
  ): { receive(message: QueryRequest): void; detach(): void };
  /** @throws unavailable when the agent is away, deadline_exceeded, cancelled, resource_exhausted, or what the agent says. */
  ask(cluster: string, question: Question, options?: AskOptions): Promise<Answer>;
}

export function createQueryHub(clock: Clock): QueryHub {
  const lines = new Map<string, Line>();
  let lastId = 0;
  return {
    attach(cluster, send) {
      const line: Line = { send, waiting: new Map() };
      lines.set(cluster, line);
      return {
        receive: (message) => settle(line, message),
        detach() {
          if (lines.get(cluster) === line) lines.delete(cluster);
          for (const { reject } of line.waiting.values()) reject(away(cluster));
          line.waiting.clear();
        },
      };
    },
    ask(cluster, question, { timeoutMs = defaultTimeoutMs, signal } = {}) {
      const line = lines.get(cluster);
      if (!line) return Promise.reject(away(cluster));
      if (line.waiting.size >= waitingMax)
        return Promise.reject(
          new FairwayError('resource_exhausted', 'too many questions wait for this agent'),
        );
      if (signal?.aborted) return Promise.reject(new FairwayError('cancelled', 'cancelled'));
      lastId += 1;
      return ask(
        { clock, line, id: String(lastId), timeoutMs: Math.min(timeoutMs, timeoutMsMax), signal },
        question,
      );
    },
  };
}

const away = (cluster: string) =>
  new FairwayError('unavailable', `the agent of ${cluster} is not connected`, { subject: cluster });

interface Ask {
  readonly clock: Clock;
  readonly line: Line;
  readonly id: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

function ask({ clock, line, id, timeoutMs, signal }: Ask, question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      line.waiting.delete(id);
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: FairwayError) => {
      finish();
      reject(error);
    };
    const onAbort = () => fail(new FairwayError('cancelled', 'cancelled'));
    const cancelTimer = clock.after(timeoutMs, () =>
      fail(new FairwayError('deadline_exceeded', 'the agent did not answer in time')),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    line.waiting.set(id, {
      type: question.type,
      resolve(answer) {
        finish();
        resolve(answer);
      },
      reject: fail,
    });
    line.send(questionToWire(id, timeoutMs, question));
  });
}

function questionToWire(queryId: string, timeoutMs: number, question: Question): QueryResponse {
  if (question.type === 'object') {
    const { key, apiVersion } = question;
    const value = encode(ObjectQuestionSchema, { key: keyToWire(key), apiVersion });
    return create(QueryResponseSchema, { queryId, timeoutMs, question: { case: 'object', value } });
  }
  const { namespace, pod, container, previous } = question;
  const tailLines = Math.min(Math.max(1, question.tailLines), tailLinesMax);
  const value = encode(LogsQuestionSchema, { namespace, pod, container, tailLines, previous });
  return create(QueryResponseSchema, { queryId, timeoutMs, question: { case: 'logs', value } });
}

function settle(line: Line, { queryId, answer }: QueryRequest): void {
  const waiting = line.waiting.get(queryId);
  // Too late, or `ready`: nobody waits for it.
  if (!waiting) return;
  if (answer.case === 'failure') {
    const { code, message } = answer.value;
    const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal';
    waiting.reject(new FairwayError(known, message.slice(0, 4_096)));
  } else if (answer.case === 'object' && waiting.type === 'object') {
    const { found, content } = answer.value;
    waiting.resolve({ type: 'object', found, content: Buffer.from(content).toString() });
  } else if (answer.case === 'logs' && waiting.type === 'logs') {
    const { content, truncated } = answer.value;
    waiting.resolve({ type: 'logs', content: Buffer.from(content).toString(), truncated });
  } else {
    waiting.reject(new FairwayError('internal', 'the agent answered something else'));
  }
}

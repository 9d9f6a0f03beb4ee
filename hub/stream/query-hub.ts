/** Questions to agents: each connected cluster has one Query stream, and each question on it an id, a time limit and a caller who may leave. */
import { create } from '@bufbuild/protobuf';
import type { Clock } from '../../shared/clock/clock.ts';
import { type ErrorCode, errorTable, FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AdoptionQuestionSchema,
  DiagnosticsQuestionSchema,
  FactsQuestionSchema,
  LogsQuestionSchema,
  ObjectQuestionSchema,
  type QueryRequest,
  type QueryResponse,
  QueryResponseSchema,
  RunQuestionSchema,
  UnownedFieldSchema,
  type AdoptionFinding as WireFinding,
  type FactsGap as WireGap,
  type FactsSection as WireSection,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { BlobSchema } from '../../shared/gen/fairway/v1/common_pb.ts';
import {
  type FactGap,
  type FactValues,
  factSections,
  gapReasons,
  gapsMax,
  type SectionFacts,
} from '../../shared/manifest/cluster-facts.ts';
import { keyFromWire, keyToWire, targetToWire } from '../../shared/stream/wire.ts';
import {
  digestFromWire,
  digestToWire,
  encode,
  reads,
  required,
  wordOr,
} from '../../shared/stream/wire-base.ts';
import { changeFromWire } from '../../shared/stream/wire-drift.ts';
import type { AdoptionFinding, Answer, AskOptions, Question } from '../model/query.ts';

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

/** @param onFactsChanged an agent says that what it was asked to watch has changed, or it has just come and watches nothing yet. */
export function createQueryHub(clock: Clock, onFactsChanged: (cluster: string) => void): QueryHub {
  const lines = new Map<string, Line>();
  let lastId = 0;
  return {
    attach(cluster, send) {
      const line: Line = { send, waiting: new Map() };
      lines.set(cluster, line);
      return {
        receive(message) {
          const { case: kind } = message.answer;
          if (kind === 'factsChanged' || kind === 'ready') onFactsChanged(cluster);
          else settle(line, message);
        },
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
  const say = (asked: QueryResponse['question']) =>
    create(QueryResponseSchema, { queryId, timeoutMs, question: asked });
  switch (question.type) {
    case 'object': {
      const { key, apiVersion } = question;
      return say({
        case: 'object',
        value: encode(ObjectQuestionSchema, { key: keyToWire(key), apiVersion }),
      });
    }
    case 'diagnostics':
      return say({ case: 'diagnostics', value: encode(DiagnosticsQuestionSchema, {}) });
    case 'facts': {
      const { salt, known, watch } = question;
      const unowned = question.unowned.map((field) => encode(UnownedFieldSchema, field));
      const value = encode(FactsQuestionSchema, { salt, known: { ...known }, watch, unowned });
      return say({ case: 'facts', value });
    }
    case 'adoption': {
      const { application, target } = question;
      const blobs = question.blobs.map(({ digest, content }) =>
        encode(BlobSchema, { digest: digestToWire(digest), content: Buffer.from(content) }),
      );
      const value = encode(AdoptionQuestionSchema, { application, target: targetToWire(target), blobs });
      return say({ case: 'adoption', value });
    }
    case 'run': {
      const { application, job, begin, remove } = question;
      const value = encode(RunQuestionSchema, { application, job: Buffer.from(job), begin, remove });
      return say({ case: 'run', value });
    }
    case 'logs': {
      const { namespace, pod, container, previous } = question;
      const tailLines = Math.min(Math.max(1, question.tailLines), tailLinesMax);
      return say({
        case: 'logs',
        value: encode(LogsQuestionSchema, { namespace, pod, container, tailLines, previous }),
      });
    }
  }
}

const results = ['create', 'own', 'take', 'refuse', 'error'] as const;
const runStates = ['running', 'succeeded', 'failed', 'gone'] as const;
const findingsMax = 5_000;
const textMax = 4_096;
/** A kind or a group: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const gapKindMax = 253;

reads<WireFinding>({ key: true, result: true, owners: true, changes: true, conflicts: true, message: true });
/** An unknown result counts as an error: it cannot be told what would be. */
function findingFromWire(wire: WireFinding): AdoptionFinding {
  const cut = (text: string) => text.slice(0, textMax);
  return {
    key: keyFromWire(required(wire.key, 'key')),
    result: wordOr(results, wire.result, 'error'),
    owners: wire.owners.slice(0, 50).map(({ tool, name }) => ({ tool: cut(tool), name: cut(name) })),
    changes: wire.changes.slice(0, 200).map(changeFromWire),
    conflicts: wire.conflicts
      .slice(0, 200)
      .map(({ field, manager }) => ({ field: cut(field), manager: cut(manager) })),
    message: cut(wire.message),
  };
}

reads<WireSection>({ name: true, digest: true, content: true, failure: true, gaps: true });
reads<WireGap>({ kind: true, reason: true, message: true });
/** A section of a later agent is passed over. */
function sectionFromWire({ name, digest, content, failure, gaps }: WireSection): readonly SectionFacts[] {
  const section = factSections.find((known) => known === name);
  if (section === undefined) return [];
  const values = content.length === 0 ? undefined : readFactValues(Buffer.from(content).toString());
  const text = failure.slice(0, textMax);
  const told = gaps.slice(0, gapsMax).map(
    ({ kind, reason, message }): FactGap => ({
      kind: kind.slice(0, gapKindMax),
      reason: wordOr(gapReasons, reason, 'failed'),
      message: message.slice(0, textMax),
    }),
  );
  return [
    {
      ...{ section, values, failure: text, gaps: told },
      digest: digest.length === 0 ? '' : digestFromWire(digest),
    },
  ];
}

/** @throws invalid_argument */
function readFactValues(text: string): FactValues {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw new FairwayError('invalid_argument', 'facts are no JSON', { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new FairwayError('invalid_argument', 'facts are no object of values by name');
  return values as FactValues;
}

/** The answer of a type; undefined when it answers something else. @throws invalid_argument */
function answerFromWire(type: Question['type'], answer: QueryRequest['answer']): Answer | undefined {
  if (answer.case !== type) return undefined;
  switch (answer.case) {
    case 'object':
      return {
        type: 'object',
        found: answer.value.found,
        content: Buffer.from(answer.value.content).toString(),
      };
    case 'logs': {
      const { content, truncated } = answer.value;
      return { type: 'logs', content: Buffer.from(content).toString(), truncated };
    }
    case 'diagnostics':
      return { type: 'diagnostics', content: Buffer.from(answer.value.content).toString() };
    case 'facts':
      return { type: 'facts', sections: answer.value.sections.flatMap(sectionFromWire) };
    case 'run': {
      const { state, message, logTail } = answer.value;
      return {
        type: 'run',
        // A word of a later agent is not an end.
        state: wordOr(runStates, state, 'running'),
        message: message.slice(0, textMax),
        logTail: logTail.slice(-textMax),
      };
    }
    default: {
      const { findings, truncated } = answer.value;
      const some = findings.slice(0, findingsMax);
      return {
        type: 'adoption',
        findings: some.map(findingFromWire),
        truncated: truncated || some.length < findings.length,
      };
    }
  }
}

function settle(line: Line, { queryId, answer }: QueryRequest): void {
  const waiting = line.waiting.get(queryId);
  // Too late: nobody waits for it.
  if (!waiting) return;
  if (answer.case === 'failure') {
    const { code, message } = answer.value;
    const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal';
    waiting.reject(new FairwayError(known, message.slice(0, 4_096)));
    return;
  }
  try {
    const given = answerFromWire(waiting.type, answer);
    if (given) waiting.resolve(given);
    else waiting.reject(new FairwayError('internal', 'the agent answered something else'));
  } catch (caught) {
    waiting.reject(toFairwayError(caught));
  }
}

import { create, toBinary } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AdoptionAnswerSchema,
  AdoptionConflictSchema,
  AdoptionFindingSchema,
  AdoptionOwnerSchema,
  AgentService,
  DiagnosticsAnswerSchema,
  FactsAnswerSchema,
  FactsChangedSchema,
  FactsGapSchema,
  FactsSectionSchema,
  LogsAnswerSchema,
  ObjectAnswerSchema,
  QueryFailureSchema,
  QueryReadySchema,
  type QueryRequest,
  QueryRequestSchema,
  type QueryResponse,
  RunAnswerSchema,
  type AdoptionQuestion as WireAdoptionQuestion,
  type FactsQuestion as WireFactsQuestion,
  type AdoptionFinding as WireFinding,
  type LogsQuestion as WireLogsQuestion,
  type ObjectQuestion as WireObjectQuestion,
  type RunQuestion as WireRunQuestion,
  type UnownedField as WireUnownedField,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import type { Digest } from '../../shared/manifest/canonical.ts';
import {
  type FactGap,
  gapsMax,
  type SectionFacts,
  type UnownedField,
} from '../../shared/manifest/cluster-facts.ts';
import type { FieldChange } from '../../shared/manifest/health.ts';
import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { Target } from '../../shared/manifest/target.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { keyFromWire, keyToWire, targetFromWire } from '../../shared/stream/wire.ts';
import { digestFromWire, digestToWire, encode, reads, required } from '../../shared/stream/wire-base.ts';
import { changeToWire } from '../../shared/stream/wire-drift.ts';
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
  /** JSON of what the agent knows of itself, without secrets. */
  diagnostics(): Promise<string>;
  adoption(
    question: AdoptionQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly findings: readonly AdoptionFinding[]; readonly truncated: boolean }>;
  run(
    question: RunQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly state: string; readonly message: string; readonly logTail: string }>;
  /** Every section of the cluster's facts; values of those alone that the hub does not know. */
  facts(question: FactsQuestion, signal: AbortSignal): Promise<readonly SectionFacts[]>;
  /** Calls back when facts have changed that the hub wanted to know of; the result ends that. Default: it is never told. */
  onFactsChanged?(listener: () => void): () => void;
}

export interface FactsQuestion {
  readonly salt: Uint8Array;
  readonly known: Readonly<Record<string, string>>;
  readonly watch: boolean;
  readonly unowned: readonly UnownedField[];
}

/** A Job of the hub's, begun or looked at. */
export interface RunQuestion {
  readonly application: string;
  /** JSON of a batch/v1 Job. */
  readonly job: string;
  readonly begin: boolean;
  readonly remove: boolean;
}

/** What would a target do to objects that are there? */
export interface AdoptionQuestion {
  readonly application: string;
  readonly target: Target;
  readonly content: (digest: Digest) => string | undefined;
}

export interface AdoptionFinding {
  readonly key: ObjectKey;
  readonly result: string;
  readonly owners: readonly { readonly tool: string; readonly name: string }[];
  readonly changes: readonly FieldChange[];
  readonly conflicts: readonly { readonly field: string; readonly manager: string }[];
  readonly message: string;
}

/** Questions worked on at once; more are told to come later. */
const underwayMax = 8;
const tailLinesMax = 1_000;
const tailLinesDefault = 100;
const answerBytesMax = 4 * 1024 * 1024;
const timeoutMsMax = 60_000;
const runTextMax = 4_096;
/** Fields that nobody applies and a hub asks for. */
const unownedMax = 100;

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
  const unsubscribe = queries.onFactsChanged?.(() =>
    reply('', { case: 'factsChanged', value: create(FactsChangedSchema) }),
  );
  const end = () => {
    unsubscribe?.();
    stream.cancel();
  };
  abort.signal.addEventListener('abort', end, { once: true });
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
  if (question.case === 'diagnostics') {
    const content = Buffer.from(await queries.diagnostics());
    return {
      case: 'diagnostics',
      value: encode(DiagnosticsAnswerSchema, { content: content.subarray(0, answerBytesMax) }),
    };
  }
  if (question.case === 'adoption') return answerAdoption(queries, question.value, signal);
  if (question.case === 'run') return answerRun(queries, question.value, signal);
  if (question.case === 'facts') return answerFacts(queries, question.value, signal);
  throw new FairwayError('unsupported', 'this agent does not know the question');
}

reads<WireFactsQuestion>({ salt: true, known: true, watch: true, unowned: true });
reads<WireUnownedField>({ kind: true, path: true });
async function answerFacts(
  queries: QueryHandlers,
  { salt, known, watch, unowned }: WireFactsQuestion,
  signal: AbortSignal,
): Promise<QueryRequest['answer']> {
  let left = answerBytesMax;
  const fields = unowned.slice(0, unownedMax).map(({ kind, path }) => ({ kind, path }));
  const told = await queries.facts({ salt, known, watch, unowned: fields }, signal);
  const sections = told.map((facts) => {
    const content = facts.values === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(facts.values));
    const fits = content.length <= left;
    left -= fits ? content.length : 0;
    const gaps = fits ? (facts.gaps ?? []) : [tooMuch(content.length)];
    return encode(FactsSectionSchema, {
      name: facts.section,
      digest: digestToWire(fits ? facts.digest : ''),
      content: fits ? content : Buffer.alloc(0),
      failure: facts.failure.slice(0, runTextMax),
      gaps: gaps
        .slice(0, gapsMax)
        .map(({ kind, reason, message }) =>
          encode(FactsGapSchema, { kind, reason, message: message.slice(0, runTextMax) }),
        ),
    });
  });
  return { case: 'facts', value: encode(FactsAnswerSchema, { sections }) };
}

/** Beside others it comes with the next answer, of which those that were sent now are no part. */
function tooMuch(bytes: number): FactGap {
  if (bytes <= answerBytesMax)
    return { kind: '', reason: 'failed', message: 'there was no room left for it in the answer' };
  const message = `it has ${bytes} bytes, and an answer ${answerBytesMax} at most`;
  return { kind: '', reason: 'bound', message };
}

reads<WireRunQuestion>({ application: true, job: true, begin: true, remove: true });
async function answerRun(
  queries: QueryHandlers,
  { application, job, begin, remove }: WireRunQuestion,
  signal: AbortSignal,
): Promise<QueryRequest['answer']> {
  const question = { application, job: Buffer.from(job).toString(), begin, remove };
  const { state, message, logTail } = await queries.run(question, signal);
  const value = encode(RunAnswerSchema, {
    state,
    message: message.slice(0, runTextMax),
    logTail: logTail.slice(-runTextMax),
  });
  return { case: 'run', value };
}

reads<WireAdoptionQuestion>({ application: true, target: true, blobs: true });
async function answerAdoption(
  queries: QueryHandlers,
  wire: WireAdoptionQuestion,
  signal: AbortSignal,
): Promise<QueryRequest['answer']> {
  const blobs = new Map(
    wire.blobs.map(({ digest, content }) => [digestFromWire(digest), Buffer.from(content).toString()]),
  );
  const target = targetFromWire(required(wire.target, 'target'));
  const question = { application: wire.application, target, content: (digest: Digest) => blobs.get(digest) };
  const { findings, truncated } = await queries.adoption(question, signal);
  const rows: WireFinding[] = [];
  let bytes = 0;
  for (const finding of findings) {
    const row = findingToWire(finding);
    bytes += toBinary(AdoptionFindingSchema, row).length;
    if (bytes > answerBytesMax - 64 * 1024) break;
    rows.push(row);
  }
  const value = encode(AdoptionAnswerSchema, {
    findings: rows,
    truncated: truncated || rows.length < findings.length,
  });
  return { case: 'adoption', value };
}

function findingToWire({ key, result, owners, changes, conflicts, message }: AdoptionFinding): WireFinding {
  return encode(AdoptionFindingSchema, {
    key: keyToWire(key),
    result,
    owners: owners.map(({ tool, name }) => encode(AdoptionOwnerSchema, { tool, name })),
    changes: changes.map(changeToWire),
    conflicts: conflicts.map(({ field, manager }) => encode(AdoptionConflictSchema, { field, manager })),
    message,
  });
}

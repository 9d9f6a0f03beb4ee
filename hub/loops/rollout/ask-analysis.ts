/** Answers the questions of a rollout's analyses: Prometheus' instant queries and plain HTTP checks. Whatever cannot be asked is inconclusive, and says why. */
import { truthOf } from '../../../shared/cel/cel.ts';
import { compileCel } from '../../../shared/cel/compile.ts';
import type { Clock } from '../../../shared/clock/clock.ts';
import type { AnalysisSpec } from '../../model/strategy.ts';
import { runClustersMax } from '../../rollout/job-runs.ts';
import type { AnalysisAnswer, Verdict } from '../../rollout/rollout-state.ts';

export interface AskAnalysisPorts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Whether the hub may connect there. */
  readonly egress: (url: string) => boolean;
  readonly clock: Clock;
}

/** What the texts of a query may name as `{{application}}`, `{{wave}}`, `{{clusters}}` (joined by `|`, for a regular expression) and `{{cluster}}`. */
export interface AnalysisSubject {
  readonly application: string;
  readonly wave: string;
  readonly clusters: readonly string[];
  /** Those of them that were counted: each is asked about where `{{cluster}}` is named. */
  readonly counted: readonly string[];
}

const timeoutMs = 10_000;
const answerBytesMax = 1024 * 1024;
const samplesMax = 1_000;
const detailMax = 500;
/** Servers of clusters that are asked at once. */
const atOnceMax = 10;
/** All of them together: an answer that takes longer is none. */
const eachTimeoutMs = 30_000;

interface Named extends AnalysisSubject {
  /** Empty: no single one is asked about. */
  readonly cluster: string;
}

function fillIn(text: string, { application, wave, clusters, cluster }: Named): string {
  const values: Readonly<Record<string, string>> = {
    ...{ application, wave, cluster },
    clusters: clusters.join('|'),
  };
  return text.replaceAll(
    /\{\{(application|wave|clusters|cluster)\}\}/g,
    (_, name: string) => values[name] ?? '',
  );
}

/** @throws with why, in words for people. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** As Prometheus writes them: `+Inf`, `-Inf`, `NaN`, and decimals. */
function numberOf(text: unknown): number {
  if (typeof text === 'string' && /^[+-]?Inf$/.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

interface PrometheusAnswer {
  readonly data?: { readonly resultType?: string; readonly result?: readonly unknown[] };
}

function parseAnswer(text: string): PrometheusAnswer {
  try {
    return (JSON.parse(text) ?? {}) as PrometheusAnswer;
  } catch {
    throw new Error("the answer is no JSON: is the url that of Prometheus' own HTTP API?");
  }
}

/** The numbers of an instant query's answer. Shape: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
export function readSamples(text: string): readonly number[] {
  const { data } = parseAnswer(text);
  const pairs =
    data?.resultType === 'vector'
      ? (data.result ?? []).map((sample) => (sample as { readonly value?: unknown }).value)
      : data?.resultType === 'scalar'
        ? [data.result]
        : undefined;
  if (pairs === undefined)
    throw new Error(`expected a vector or a scalar, found ${data?.resultType ?? 'something else'}`);
  return pairs.slice(0, samplesMax).map((pair) => (Array.isArray(pair) ? numberOf(pair[1]) : Number.NaN));
}

/** In which order a server gives several numbers it does not say: an expression about one of them would pass over all others. */
function namesValue(text: string): boolean {
  return text !== '' && !compileCel(text, { variables: ['result'] }).ok;
}

/** Success goes before failure; neither is inconclusive. Without `failure`, what is no success is a failure. */
export function judge(
  samples: readonly number[],
  { success, failure }: { readonly success: string; readonly failure: string },
): { readonly verdict: Verdict; readonly detail: string } {
  const shown =
    samples.length === 1
      ? String(samples[0])
      : `[${samples.slice(0, 5).join(', ')}${samples.length > 5 ? ', ...' : ''}]`;
  if (samples.length === 0) return { verdict: 'inconclusive', detail: 'the query gave nothing' };
  if (samples.some((sample) => !Number.isFinite(sample)))
    return { verdict: 'inconclusive', detail: `the query gave ${shown}` };
  const unclear = samples.length > 1 && [success, failure].find(namesValue);
  if (unclear)
    return {
      verdict: 'inconclusive',
      detail: `the query gave ${samples.length} numbers, ${shown}, and value is only one: let it give one, or judge result`,
    };
  const bindings = { value: samples[0] ?? 0, result: samples };
  const holds = (text: string): boolean | string => {
    const compiled = compileCel(text, { variables: ['value', 'result'] });
    if (!compiled.ok) return compiled.problem.message;
    const truth = truthOf(compiled.program.evaluate(bindings));
    return truth.ok ? truth.value : truth.message;
  };
  const good = holds(success);
  if (typeof good === 'string') return { verdict: 'inconclusive', detail: `success: ${good}` };
  if (good) return { verdict: 'success', detail: shown };
  if (failure === '') return { verdict: 'failure', detail: shown };
  const bad = holds(failure);
  if (typeof bad === 'string') return { verdict: 'inconclusive', detail: `failure: ${bad}` };
  return { verdict: bad ? 'failure' : 'inconclusive', detail: shown };
}

/** A question to a server; Jobs are run by agents (run-analysis.ts). */
export type ServerSpec = AnalysisSpec & {
  readonly provider: Exclude<AnalysisSpec['provider'], { type: 'job' }>;
};

interface Said {
  readonly verdict: Verdict;
  readonly detail: string;
}

async function ask(
  { provider }: ServerSpec,
  subject: Named,
  { fetch, egress }: AskAnalysisPorts,
  signal: AbortSignal,
): Promise<Said> {
  const url = new URL(fillIn(provider.url, subject));
  if (provider.type === 'prometheus') {
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`;
    url.searchParams.set('query', fillIn(provider.query, subject));
  }
  if (!egress(url.href))
    return {
      verdict: 'inconclusive',
      detail: `${url.host} is not among the addresses that the hub may connect to (egress.allow)`,
    };
  // A redirect would lead where nobody allowed it.
  const response = await fetch(url.href, {
    signal,
    redirect: 'manual',
    headers: { accept: 'application/json' },
  });
  if (provider.type === 'http') {
    await response.body?.cancel();
    const { status } = response;
    return { verdict: status === provider.status ? 'success' : 'failure', detail: `HTTP ${status}` };
  }
  const text = await readText(response);
  if (!response.ok) return { verdict: 'inconclusive', detail: `HTTP ${response.status}` };
  return judge(readSamples(text), provider);
}

/** Never throws but for `signal`. */
async function askOnce(
  spec: ServerSpec,
  subject: Named,
  ports: AskAnalysisPorts,
  signal: AbortSignal,
  all?: AbortSignal,
): Promise<Said> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs), ...(all ? [all] : [])]);
  try {
    return await ask(spec, subject, ports, limit);
  } catch (caught) {
    signal.throwIfAborted();
    const late = all?.aborted ? eachTimeoutMs : timeoutMs;
    const why = limit.aborted ? `no answer within ${late / 1_000} s` : describe(caught);
    return { verdict: 'inconclusive', detail: why };
  }
}

/** One failure is one of all; one that says nothing leaves it open. */
async function askEach(
  spec: ServerSpec,
  subject: AnalysisSubject,
  ports: AskAnalysisPorts,
  signal: AbortSignal,
): Promise<Said> {
  const clusters = subject.counted.slice(0, runClustersMax);
  if (clusters.length === 0)
    return { verdict: 'inconclusive', detail: 'no cluster of the wave was healthy for long enough' };
  const all = AbortSignal.timeout(eachTimeoutMs);
  const said: (Said & { readonly cluster: string })[] = [];
  for (let at = 0; at < clusters.length; at += atOnceMax) {
    const some = clusters.slice(at, at + atOnceMax).map(async (cluster) => {
      return { cluster, ...(await askOnce(spec, { ...subject, cluster }, ports, signal, all)) };
    });
    said.push(...(await Promise.all(some)));
  }
  const verdict =
    (['failure', 'inconclusive'] as const).find((one) => said.some((each) => each.verdict === one)) ??
    'success';
  const telling = said.filter((one) => one.verdict === verdict);
  const words = telling.map(({ cluster, detail }) => `${cluster}: ${detail}`).join('; ');
  return { verdict, detail: `${verdict} in ${telling.length} of ${said.length} clusters: ${words}` };
}

function namesCluster({ provider }: ServerSpec): boolean {
  const texts = provider.type === 'prometheus' ? [provider.url, provider.query] : [provider.url];
  return texts.some((text) => text.includes('{{cluster}}'));
}

/** Never throws but for `signal`. */
export async function askAnalysis(
  spec: ServerSpec,
  subject: AnalysisSubject,
  ports: AskAnalysisPorts,
  signal: AbortSignal,
): Promise<AnalysisAnswer> {
  const { verdict, detail } = namesCluster(spec)
    ? await askEach(spec, subject, ports, signal)
    : await askOnce(spec, { ...subject, cluster: '' }, ports, signal);
  return { atMs: ports.clock.now(), verdict, detail: detail.slice(0, detailMax) };
}

/** Of fetch's errors the cause says what is wrong. */
function describe(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  return caught.cause instanceof Error ? caught.cause.message : caught.message;
}

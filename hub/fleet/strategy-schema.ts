/** How a RolloutStrategy is written: its fields, and the model that they become with defaults filled in. */
import { Cron } from 'croner';
import { z } from 'zod';
import { celCharactersMax } from '../../shared/cel/cel.ts';
import { compileCel } from '../../shared/cel/compile.ts';
import type { JsonObject } from '../../shared/manifest/object.ts';
import {
  type Amount,
  type AnalysisSpec,
  defaultStrategy,
  defaultWave,
  type PromotionSpec,
  type RolloutStrategy,
  type WaveSpec,
} from '../model/strategy.ts';
import { dnsLabel, durationMs, selector } from './common-schemas.ts';

/** `3` or `25%`. */
const amount = z
  .union(
    [z.number().int().min(0).max(100_000), z.string().regex(/^(?:100|\d{1,2})%$/)],
    'expected a number of clusters, or a share such as 25%',
  )
  .meta({ description: 'a number of clusters, or a share such as 25%' });
const positive = amount.refine(
  (value) => value !== 0 && value !== '0%',
  'expected more than none: a wave that may touch no cluster never ends',
);

const celText = z
  .string()
  .max(celCharactersMax)
  .superRefine((text, context) => {
    const compiled = compileCel(text, { variables: ['value', 'result'] });
    if (!compiled.ok) context.addIssue({ code: 'custom', message: compiled.problem.message });
  });
/** What the hub fills in; anything else in braces would be asked for as it stands. */
const templateWords = new Set(['{{application}}', '{{wave}}', '{{clusters}}', '{{cluster}}']);
const analysisUrl = z
  .string()
  .max(2_048)
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'expected an https:// or http:// URL')
  .refine(
    (text) => (text.match(/\{\{.*?\}\}/g) ?? []).every((one) => templateWords.has(one)),
    'expected nothing in braces but {{application}}, {{wave}}, {{clusters}} or {{cluster}}',
  )
  .refine((text) => !URL.parse(text)?.username, 'a URL may not hold a user name or password');

/** `spec` of a batch/v1 Job; the API server checks the rest of it. */
const jobSpec = z
  .record(z.string().max(63), z.unknown())
  .superRefine((spec, context) => {
    const refuse = (path: readonly string[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    if (JSON.stringify(spec).length > jobCharactersMax)
      refuse([], `expected at most ${jobCharactersMax} characters: it is kept with each release`);
    if (spec['ttlSecondsAfterFinished'] !== undefined)
      refuse(['ttlSecondsAfterFinished'], 'remove it: the hub puts a Job away once its end is known');
    const template = spec['template'] as
      | { spec?: { containers?: unknown; restartPolicy?: unknown } }
      | undefined;
    const containers = template?.spec?.containers;
    if (!Array.isArray(containers) || containers.length === 0)
      refuse(['template'], 'expected spec.containers in it, as in a Job');
    const policy = template?.spec?.restartPolicy;
    if (policy !== undefined && policy !== 'Never' && policy !== 'OnFailure')
      refuse(['template', 'spec', 'restartPolicy'], 'expected Never (the default) or OnFailure');
  })
  .meta({ description: 'spec of a batch/v1 Job', additionalProperties: true });
const jobCharactersMax = 32_768;

const analysis = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/),
    interval: durationMs.prefault('30s'),
    count: z.number().int().min(1).max(100).default(1),
    failureLimit: z.number().int().min(0).max(100).default(0),
    inconclusiveLimit: z.number().int().min(0).max(100).default(3),
    prometheus: z
      .strictObject({
        url: analysisUrl,
        query: z.string().min(1).max(4_096),
        success: celText,
        failure: celText.optional(),
      })
      .optional(),
    http: z
      .strictObject({ url: analysisUrl, status: z.number().int().min(100).max(599).default(200) })
      .optional(),
    job: z
      .strictObject({
        clusters: z.enum(['one', 'each']).default('one'),
        timeout: durationMs.prefault('10m').refine((ms) => ms > 0, 'expected more than no time'),
        spec: jobSpec,
      })
      .optional(),
  })
  .refine(
    ({ prometheus, http, job }) => [prometheus, http, job].filter((one) => one !== undefined).length === 1,
    'expected one of prometheus, http and job',
  );

const wave = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/)
    .meta({ description: 'a name of at most 63 lower-case letters, digits and dashes' }),
  selector: selector.optional(),
  groupBy: z.string().min(1).max(317).optional(),
  take: positive.optional(),
  maxConcurrent: positive.default('100%'),
  maxUnavailable: positive.default('100%'),
  minHealthySeconds: z.number().int().min(0).max(86_400).default(0),
  soak: durationMs.prefault('0s'),
  approval: z
    .strictObject({
      when: z.enum(['before', 'after']),
      approvers: z.array(z.string().min(1).max(253)).max(100).default([]),
    })
    .optional(),
  failureBudget: amount.default(0),
  offlineBudget: amount.default('100%'),
  analysis: z.array(analysis).max(20).default([]),
});

/** Why an expression cannot be used; undefined: it can. */
function checkCron(cron: string): string | undefined {
  let first: Date | null;
  try {
    first = new Cron(cron, { mode: '5-part', paused: true, timezone: 'UTC' }).nextRun(new Date(0));
  } catch {
    return 'expected five fields as crontab(5) has them, such as 0 9 * * 1-5';
  }
  return first === null ? 'the expression names no time' : undefined;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const window = z.strictObject({
  cron: z
    .string()
    .max(200)
    .meta({ description: 'five fields as crontab(5) has them, such as 0 9 * * 1-5' })
    .superRefine((cron, context) => {
      const message = checkCron(cron);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }),
  duration: durationMs.refine((ms) => ms > 0, 'expected more than no time'),
  timeZone: z
    .string()
    .max(64)
    .default('UTC')
    .meta({ description: 'an IANA time zone such as Europe/Berlin' })
    .refine(isTimeZone, 'expected an IANA time zone such as Europe/Berlin'),
});

const moment = z.iso.datetime({ offset: true }).meta({ description: 'a time such as 2026-12-24T00:00:00Z' });
const freeze = z
  .strictObject({ from: moment, until: moment, reason: z.string().max(1_024).default('') })
  .refine(({ from, until }) => Date.parse(from) < Date.parse(until), {
    path: ['until'],
    message: 'expected a time after from',
  });

const soak = durationMs.prefault('0s').meta({ description: 'for how long it must have been healthy there' });

/** What a strategy may say of environments: names of Applications belong to Applications. */
const strategyAfter = z.strictObject({ environment: dnsLabel, soak });

/** `spec.rollout.after` of an Application. */
export const applicationAfter = z
  .strictObject({ application: dnsLabel.optional(), environment: dnsLabel.optional(), soak })
  .refine(
    ({ application, environment }) => (application === undefined) !== (environment === undefined),
    'expected application, the name of another Application, or environment, where the one of the same component runs',
  );

export function toPromotion({
  application = '',
  environment = '',
  soak: soakMs,
}: z.output<typeof applicationAfter>): PromotionSpec {
  return { application, environment, soakMs };
}

/** `spec` of a RolloutStrategy, and `spec.rollout` of an Application that has one of its own. */
export const strategySpec = z
  .strictObject({
    waves: z.array(wave).max(100).default([]),
    windows: z.array(window).max(50).default([]),
    freezes: z.array(freeze).max(100).default([]),
    healthTimeout: durationMs.prefault('10m'),
    failureBudget: amount.optional(),
    onFailure: z.enum(['pause', 'rollback', 'continue']).default(defaultStrategy.onFailure),
    rollbackSpeed: z.enum(['waves', 'at-once']).default(defaultStrategy.rollbackSpeed),
    regions: z.enum(['apart', 'any']).default(defaultStrategy.regions),
    pairs: z.enum(['apart', 'together', 'any']).default(defaultStrategy.pairs),
    after: strategyAfter.optional(),
    revert: z.enum(['none', 'branch', 'commit']).optional(),
  })
  .superRefine(({ revert = 'none', onFailure }, context) => {
    if (revert === 'none' || onFailure === 'rollback') return;
    const message = 'counts with onFailure: rollback only: a revert is written after a rollback';
    context.addIssue({ code: 'custom', path: ['revert'], message });
  });

export type StrategyDocument = z.output<typeof strategySpec>;

function toAmount(value: string | number): Amount {
  if (typeof value === 'number') return { unit: 'clusters', value };
  return { unit: 'percent', value: Number(value.slice(0, -1)) };
}

function toAnalysis(
  document: StrategyDocument['waves'][number]['analysis'][number],
): readonly AnalysisSpec[] {
  const { name, interval, count, failureLimit, inconclusiveLimit, prometheus, http, job } = document;
  const common = { name, intervalMs: interval, count, failureLimit, inconclusiveLimit };
  if (http) return [{ ...common, provider: { type: 'http', ...http } }];
  if (job) {
    const { spec, clusters, timeout } = job;
    return [{ ...common, provider: { type: 'job', spec: spec as JsonObject, clusters, timeoutMs: timeout } }];
  }
  if (!prometheus) return [];
  return [{ ...common, provider: { type: 'prometheus', ...prometheus, failure: prometheus.failure ?? '' } }];
}

function toWave(document: StrategyDocument['waves'][number]): WaveSpec {
  const { name, selector: picked, groupBy, take, minHealthySeconds, soak, approval } = document;
  return {
    ...defaultWave,
    ...{ name, selector: picked, groupBy: groupBy ?? '', approval, soakMs: soak },
    take: take === undefined ? undefined : toAmount(take),
    maxConcurrent: toAmount(document.maxConcurrent),
    maxUnavailable: toAmount(document.maxUnavailable),
    minHealthyMs: minHealthySeconds * 1_000,
    failureBudget: toAmount(document.failureBudget),
    offlineBudget: toAmount(document.offlineBudget),
    analysis: document.analysis.flatMap(toAnalysis),
  };
}

/** Without waves of its own it has those of the built-in strategy. */
export function toStrategy(name: string, document: StrategyDocument): RolloutStrategy {
  const { waves, windows, freezes, healthTimeout, failureBudget, after, ...rest } = document;
  return {
    name,
    waves: waves.length === 0 ? defaultStrategy.waves : waves.map(toWave),
    windows: windows.map(({ cron, duration, timeZone }) => ({ cron, durationMs: duration, timeZone })),
    freezes: freezes.map(({ from, until, reason }) => ({
      fromMs: Date.parse(from),
      untilMs: Date.parse(until),
      reason,
    })),
    healthTimeoutMs: healthTimeout,
    failureBudget: failureBudget === undefined ? undefined : toAmount(failureBudget),
    ...(after && { after: toPromotion(after) }),
    ...rest,
  };
}

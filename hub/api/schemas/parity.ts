import { z } from '@hono/zod-openapi';
import { type Failover, failoverPhases } from '../../model/failover.ts';
import {
  type DifferenceClass,
  differenceClasses,
  type Expectation,
  type FieldSource,
  type ParityDifference,
  type ParityMoment,
  type ParityReport,
} from '../../model/parity.ts';
import type { ObjectiveReport } from '../../parity/assess-objective.ts';
import type { ParityView } from '../ports.ts';
import { keySchema, orNull, pageOf, timeSchema, toTime } from './common.ts';

export const verdictSchema = z.enum(['Ready', 'Degraded', 'NotReady', 'Unknown']);
export const classSchema = z.enum(differenceClasses);
export const severitySchema = z.enum(['info', 'warning', 'critical']);

const countsSchema = z
  .object(Object.fromEntries(differenceClasses.map((name) => [name, z.number().int()])))
  .openapi('ParityCounts');

export const parityReasonSchema = z.object({
  type: z.string().openapi({
    description:
      'A class of difference, agent-away, agent-old, not-told, not-compared, environment, problem, objective, stale, expiring or expired',
  }),
  standby: z.string().openapi({ description: 'Empty: of the whole group' }),
  severity: severitySchema,
  owner: z.string().openapi({ description: 'Who answers for it; empty: not known' }),
  message: z.string(),
  action: z.string().openapi({ description: 'What to do' }),
  count: z.number().int().openapi({ description: 'Differences that it stands for' }),
});

const pairSchema = z.object({
  standby: z.string(),
  verdict: verdictSchema,
  score: z.number().int(),
  whole: z.boolean().openapi({ description: 'No difference but declared ones' }),
  objects: z.number().int(),
  counts: countsSchema,
  catchUpSeconds: z
    .number()
    .nullable()
    .openapi({ description: 'Until it has caught up, as its past tells; null: not behind, or not known' }),
});

export const expectationStateSchema = z.enum(['active', 'stale', 'expired']);

const expectationSchema = z.object({
  name: z.string(),
  owner: z.string(),
  reason: z.string(),
  type: z.enum(['fields', 'rule', 'only', 'scaledToZero']),
  paths: z.array(z.string()),
  rule: z.string(),
  side: z.string().openapi({ description: 'Of `only`: where the object is' }),
  expiresAt: timeSchema.nullable(),
  state: expectationStateSchema.openapi({
    description: 'stale: it covers nothing any more; expired: it does not count any more',
  }),
});

export const expectationPageSchema = pageOf(
  'ParityExpectationPage',
  expectationSchema
    .extend({
      applications: z.array(z.string()),
      kinds: z.array(z.string()),
      namespaces: z.array(z.string()),
      names: z.array(z.string()).openapi({ description: 'Empty lists mean all' }),
      covers: z.number().int().openapi({ description: 'Differences that it covers now' }),
      breaks: z
        .number()
        .int()
        .openapi({ description: 'Differences that it is about, while its rule does not hold' }),
    })
    .openapi('ParityExpectation'),
);

const objectiveSchema = z
  .object({
    targetPercent: z.number().openapi({ description: 'Of the window, that parity is to be whole' }),
    windowSeconds: z.number(),
    heldPercent: z.number().openapi({ description: 'Of the part of the window that is known; rounded down' }),
    spent: z.number().openapi({ description: 'Of what may be missed in the window; 1 and more: missed' }),
    leftSeconds: z.number().openapi({ description: 'That may still be missed, in whole minutes' }),
    state: z
      .enum(['held', 'burning', 'missed'])
      .openapi({ description: 'burning: a span has reached the rate from which somebody has to know' }),
    burns: z.array(
      z.object({
        spanSeconds: z.number(),
        rate: z.number().openapi({ description: '1: spent evenly, the window just ends with nothing left' }),
        alertAt: z.number(),
      }),
    ),
  })
  .openapi('ParityObjective');

const openFailoverSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['failover', 'back', 'drill']),
    phase: z.enum(failoverPhases),
    message: z.string(),
    from: z.string(),
    to: z.string(),
    actor: z.string(),
    reason: z.string(),
    startedAt: timeSchema,
    overrideUntil: timeSchema
      .nullable()
      .openapi({ description: "Its roles are the hub's own word until then; null: they are not" }),
  })
  .openapi('OpenFailover');

export const paritySchema = z
  .object({
    group: z.string(),
    primary: z.string(),
    owner: z.string(),
    verdict: verdictSchema,
    verdictSince: timeSchema,
    score: z.number().int().openapi({ description: '0 to 100, of the worst standby' }),
    whole: z.boolean(),
    wholeSince: timeSchema.openapi({ description: 'Since when it is whole, or has not been' }),
    lastWholeAt: timeSchema
      .nullable()
      .openapi({ description: 'When parity was last whole; null: it is, or it never was' }),
    standbys: z.array(pairSchema),
    reasons: z.array(parityReasonSchema),
    expectations: z.array(expectationSchema),
    objective: orNull(objectiveSchema).openapi({ description: 'null: not known yet' }),
    failover: orNull(openFailoverSchema).openapi({ description: 'Under way; null: none is' }),
  })
  .openapi('Parity');

export const parityPageSchema = pageOf('ParityPage', paritySchema);
export type ApiParity = z.infer<typeof paritySchema>;

const sourceSchema = z.object({
  layer: z.string(),
  file: z.string(),
  line: z.number().int(),
  author: z.string(),
  commit: z.string(),
});

const differenceSchema = z
  .object({
    id: z.string(),
    standby: z.string(),
    application: z.string(),
    originId: z.string().openapi({ description: 'Group/kind/namespace/name before prefixes and suffixes' }),
    primaryKey: orNull(keySchema),
    standbyKey: orNull(keySchema),
    path: z.string().openapi({ description: 'Empty: the object as a whole' }),
    class: classSchema,
    side: z.enum(['primary', 'standby', 'both']),
    primaryValue: z.string().nullable().openapi({
      description: 'JSON text; `(not shown)` in place of what is secret; null: there is none',
    }),
    standbyValue: z.string().nullable(),
    message: z.string(),
    expectation: z.string().openapi({ description: 'That covers it; empty: none does' }),
    brokenExpectations: z
      .array(z.string())
      .openapi({ description: 'That are about it, and whose rules do not hold' }),
    owner: z.string(),
    action: z.string(),
    severity: severitySchema,
    since: timeSchema.nullable(),
    primarySource: orNull(sourceSchema).openapi({ description: 'Where Git gives the value' }),
    standbySource: orNull(sourceSchema),
  })
  .openapi('ParityDifference');

export type ApiDifference = z.infer<typeof differenceSchema>;
export const differencePageSchema = pageOf('ParityDifferencePage', differenceSchema);

const momentSchema = z
  .object({
    sequence: z.number().int(),
    at: timeSchema,
    verdict: verdictSchema,
    whole: z.boolean(),
    score: z.number().int(),
    counts: countsSchema,
    message: z.string(),
  })
  .openapi('ParityMoment');

export const momentPageSchema = pageOf('ParityTimeline', momentSchema);

export const comparisonSchema = z
  .object({
    primary: z.string(),
    standby: z.string(),
    objects: z.number().int(),
    whole: z.boolean(),
    counts: countsSchema,
    differences: z.array(differenceSchema),
    omitted: z.number().int().openapi({ description: 'Differences beyond 5,000' }),
  })
  .openapi('ClusterComparison');

export type ApiComparison = z.infer<typeof comparisonSchema>;

/** Rounded, so that the same answer is given again as long as nothing happens. */
function toObjective(report: ObjectiveReport | undefined): z.infer<typeof objectiveSchema> | null {
  if (report === undefined) return null;
  const { objective, held, spent, leftMs, state, burns } = report;
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return {
    targetPercent: Math.round(objective.share * 100_000) / 1_000,
    windowSeconds: objective.windowMs / 1_000,
    heldPercent: Math.floor(held * 100_000) / 1_000,
    ...{ spent: rounded(spent), leftSeconds: Math.floor(leftMs / 60_000) * 60, state },
    burns: burns.map(({ spanMs, rate, alertAt }) => ({
      ...{ spanSeconds: spanMs / 1_000, rate: rounded(rate), alertAt: rounded(alertAt) },
    })),
  };
}

function toOpenFailover(failover: Failover | undefined): ApiParity['failover'] {
  if (failover === undefined) return null;
  const { id, kind, phase, message, from, to, actor, reason, startedAtMs, override } = failover;
  return {
    ...{ id, kind, phase, message, from, to, actor, reason, startedAt: toTime(startedAtMs) },
    overrideUntil: override === undefined || override.ended !== undefined ? null : toTime(override.untilMs),
  };
}

/** @param open failovers that are under way. */
export function toParity({ group, state, objective }: ParityView, open: readonly Failover[]): ApiParity {
  const { report, verdictSinceMs, wholeSinceMs, lastWholeAtMs } = state;
  const { pairs, reasons, staleExpectations: _stale, expiredExpectations: _expired, ...rest } = report;
  return {
    ...rest,
    verdictSince: toTime(verdictSinceMs),
    wholeSince: toTime(wholeSinceMs),
    lastWholeAt: report.whole ? null : toTime(lastWholeAtMs),
    standbys: pairs.map(({ catchUpMs, counts, ...pair }) => ({
      ...pair,
      counts: { ...counts },
      catchUpSeconds: catchUpMs === undefined ? null : Math.ceil(catchUpMs / 1_000),
    })),
    reasons: reasons.map((reason) => ({ ...reason })),
    expectations: group.expectations.map((one) => toExpectation(one, report)),
    objective: toObjective(objective),
    failover: toOpenFailover(open.find((one) => one.group === group.name)),
  };
}

function toExpectation(
  { name, owner, reason, kind, expiresAtMs }: Expectation,
  { staleExpectations, expiredExpectations }: ParityReport,
): z.infer<typeof expectationSchema> {
  const over = expiredExpectations.includes(name);
  const state = over ? 'expired' : staleExpectations.includes(name) ? 'stale' : 'active';
  return {
    ...{ name, owner, reason, state, type: kind.type, expiresAt: toTime(expiresAtMs) },
    paths: 'paths' in kind ? [...kind.paths] : [],
    rule: kind.type === 'rule' ? kind.holds : '',
    side: kind.type === 'only' ? kind.side : '',
  };
}

/** Every expectation of a group with what it is about, and what it does now. */
export function toExpectations(
  { group, state }: ParityView,
  differences: readonly ParityDifference[],
): readonly z.infer<typeof expectationPageSchema>['items'][number][] {
  const covers = new Map<string, number>();
  const breaks = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { expectation, broken = [] } of differences) {
    if (expectation !== '') count(covers, expectation);
    for (const name of broken) count(breaks, name);
  }
  return group.expectations.map((one) => ({
    ...toExpectation(one, state.report),
    applications: [...one.scope.applications],
    kinds: [...one.scope.kinds],
    namespaces: [...one.scope.namespaces],
    names: [...one.scope.names],
    covers: covers.get(one.name) ?? 0,
    breaks: breaks.get(one.name) ?? 0,
  }));
}

function toSource(source: FieldSource | undefined): z.infer<typeof sourceSchema> | null {
  return source ? { ...source } : null;
}

export function toDifference(difference: ParityDifference): ApiDifference {
  const { apiVersion: _apiVersion, sinceMs, primaryKey, standbyKey, broken = [], ...rest } = difference;
  return {
    ...rest,
    brokenExpectations: [...broken],
    primaryKey: primaryKey ? { ...primaryKey } : null,
    standbyKey: standbyKey ? { ...standbyKey } : null,
    primaryValue: difference.primaryValue ?? null,
    standbyValue: difference.standbyValue ?? null,
    since: toTime(sinceMs),
    primarySource: toSource(difference.primarySource),
    standbySource: toSource(difference.standbySource),
  };
}

export function toMoment({
  group: _group,
  atMs,
  counts,
  ...rest
}: ParityMoment): z.infer<typeof momentSchema> {
  return { ...rest, counts: { ...counts }, at: toTime(atMs) };
}

export function countDifferences(differences: readonly ParityDifference[]): Record<DifferenceClass, number> {
  const counts = Object.fromEntries(differenceClasses.map((name) => [name, 0])) as Record<
    DifferenceClass,
    number
  >;
  for (const { class: name } of differences) counts[name] += 1;
  return counts;
}

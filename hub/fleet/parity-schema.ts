/** How a ParityGroup is written: its fields, and the model that they become with defaults filled in. */
import { z } from 'zod';
import { celCharactersMax } from '../../shared/cel/cel.ts';
import { compileCel } from '../../shared/cel/compile.ts';
import type { Origin } from '../model/fleet.ts';
import {
  defaultFreshness,
  defaultObjective,
  type Expectation,
  type ExpectationKind,
  type FailoverSpec,
  fencingAfterMaxMs,
  fencingAfterMinMs,
  type ParityGroup,
} from '../model/parity.ts';
import { dnsLabel, durationMs, labelValue, listMax, selector } from './common-schemas.ts';
import { checkOverlayTemplate } from './overlay-template.ts';

/** Names that a rule may use. */
const ruleVariables = ['primary', 'standby'] as const;

const words = (max: number) => z.array(z.string().min(1).max(253)).max(max).default([]);

const paths = z
  .array(
    z
      .string()
      .max(1_024)
      .regex(/^(?:\/(?:[^~/]|~[01])+)+$/)
      .meta({
        description:
          'a path such as /spec/replicas, with items of lists by key ([name=web]) or * for any one part',
      }),
  )
  .min(1)
  .max(100);

const holds = z
  .string()
  .min(1)
  .max(celCharactersMax)
  .superRefine((text, context) => {
    const compiled = compileCel(text, { variables: ruleVariables });
    if (!compiled.ok) context.addIssue({ code: 'custom', message: compiled.problem.message });
  })
  .meta({
    description: 'a CEL expression over both objects, such as standby.spec.replicas <= primary.spec.replicas',
  });

/** RFC 3339 with a zone. */
const time = z
  .string()
  .refine((text) => /T.*(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)), {
    message: 'expected a time with its zone, such as 2026-12-31T00:00:00Z',
  })
  .meta({ description: 'a time with its zone, such as 2026-12-31T00:00:00Z' });

const kinds = ['fields', 'rule', 'only', 'scaledToZero'] as const;

const expectation = z
  .strictObject({
    name: dnsLabel,
    owner: z.string().min(1).max(253).meta({ description: 'who answers for the difference' }),
    reason: z.string().min(1).max(1_000).meta({ description: 'why the clusters differ here' }),
    expires: time.optional(),
    match: z
      .strictObject({
        applications: z.array(dnsLabel).max(listMax).default([]),
        kinds: words(100),
        namespaces: words(listMax),
        names: words(listMax),
      })
      .prefault({}),
    fields: z.strictObject({ paths }).optional(),
    rule: z.strictObject({ paths, holds }).optional(),
    only: z.enum(['primary', 'standby']).optional(),
    scaledToZero: z.literal(true).optional(),
  })
  .superRefine((document, context) => {
    const given = kinds.filter((kind) => document[kind] !== undefined);
    if (given.length === 1) return;
    const found = given.length === 0 ? 'none' : given.join(' and ');
    const message = `expected exactly one of ${kinds.join(', ')}, found ${found}`;
    context.addIssue({ code: 'custom', message });
  });

/** Shorter than a few answers of the hub take, it would stop what is well. */
const fencingAfter = durationMs
  .refine((ms) => ms >= fencingAfterMinMs, 'expected at least 10s: each answer of the hub takes its time')
  .refine((ms) => ms <= fencingAfterMaxMs, 'expected at most 1d')
  .meta({ description: 'a duration such as 2m, from 10s to 1d' });

const template = z
  .string()
  .min(1)
  .max(1_024)
  .superRefine((text, context) => {
    const message = checkOverlayTemplate(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
    else if (!text.includes('{{'))
      context.addIssue({
        code: 'custom',
        message: 'is the same in every cluster: write what differs, such as {{cluster.region}}',
      });
  })
  .meta({ description: 'a template such as {{cluster.region}}' });

/** Kinds that one group may have watched in each cluster. */
const unownedKindsMax = 20;

const unowned = z
  .array(
    z.strictObject({
      kind: z
        .string()
        .regex(/^[A-Z][A-Za-z0-9]{0,62}$/)
        .meta({ description: 'a kind such as Deployment' }),
      path: z
        .string()
        .max(1_024)
        .regex(/^(?:\/(?:[^~/[\]*]|~[01])+)+$/)
        .meta({ description: 'a path of names such as /spec/replicas, without items of lists' }),
    }),
  )
  .max(100)
  .superRefine((fields, context) => {
    const kinds = new Set(fields.map(({ kind }) => kind));
    if (kinds.size > unownedKindsMax)
      context.addIssue({
        code: 'custom',
        message: `expected fields of at most ${unownedKindsMax} kinds, found ${kinds.size}`,
      });
    fields.forEach(({ kind, path }, at) => {
      const first = fields.findIndex((one) => one.kind === kind && one.path === path);
      if (first < at)
        context.addIssue({
          code: 'custom',
          path: [at, 'path'],
          message: `${path} of ${kind} is listed twice: take one out`,
        });
    });
  });

export const paritySpec = z
  .strictObject({
    primary: dnsLabel,
    standbys: z
      .strictObject({ clusters: z.array(dnsLabel).max(100).default([]), region: labelValue.optional() })
      .refine(
        ({ clusters, region }) => clusters.length > 0 || region !== undefined,
        'expected clusters, the names of the standbys, or region, whose clusters of role standby they are',
      ),
    applications: z
      .strictObject({ names: z.array(dnsLabel).max(listMax).default([]), selector: selector.optional() })
      .prefault({}),
    expectations: z.array(expectation).max(500).default([]),
    variables: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z_][\w.-]{0,62}$/)
          .meta({ description: 'a name of letters, digits, _ . and -' }),
        template,
      )
      .default({}),
    freshness: z
      .strictObject({
        report: durationMs.prefault('2m'),
        lag: durationMs.prefault('15m'),
        backup: durationMs.prefault('1d'),
        certificate: durationMs.prefault('14d'),
      })
      .prefault({}),
    objective: z
      .strictObject({
        target: z
          .number()
          .min(1)
          .max(99.999)
          .default(defaultObjective.share * 100)
          .meta({ description: 'percent of the window; 100 would leave nothing to miss' }),
        window: durationMs.refine((ms) => ms >= 86_400_000, 'expected at least 1d').prefault('30d'),
      })
      .optional(),
    owner: z.string().max(253).default(''),
    compare: z.strictObject({ unowned: unowned.default([]) }).optional(),
    failover: z
      .strictObject({
        strategy: dnsLabel.default('failover'),
        commit: z.enum(['commit', 'branch']).default('commit'),
        fencing: z
          .strictObject({ after: fencingAfter })
          .optional()
          .meta({ description: 'whether the primary stops what it runs when it has not heard from the hub' }),
      })
      .optional(),
  })
  .superRefine(({ primary, standbys, expectations }, context) => {
    const index = standbys.clusters.indexOf(primary);
    if (index >= 0)
      context.addIssue({
        code: 'custom',
        path: ['standbys', 'clusters', index],
        message: `${primary} is the primary: a cluster cannot stand by for itself`,
      });
    expectations.forEach(({ name }, at) => {
      const first = expectations.findIndex((one) => one.name === name);
      if (first < at)
        context.addIssue({
          code: 'custom',
          path: ['expectations', at, 'name'],
          message: `${name} is taken by spec.expectations[${first}]: give each a name of its own`,
        });
    });
  });

export type ParityDocument = z.output<typeof paritySpec>;

function kindOf(document: ParityDocument['expectations'][number]): ExpectationKind {
  if (document.fields) return { type: 'fields', ...document.fields };
  if (document.rule) return { type: 'rule', ...document.rule };
  if (document.only) return { type: 'only', side: document.only };
  return { type: 'scaledToZero' };
}

function toFailover({ fencing, ...rest }: NonNullable<ParityDocument['failover']>): FailoverSpec {
  return { ...rest, ...(fencing && { fencing: { afterMs: fencing.after } }) };
}

export function toParityGroup(name: string, spec: ParityDocument, origin: Origin): ParityGroup {
  const { standbys, applications, expectations, freshness, objective, failover, ...rest } = spec;
  return {
    name,
    ...rest,
    standbys: { clusters: standbys.clusters, region: standbys.region },
    applications: { names: applications.names, selector: applications.selector },
    expectations: expectations.map(
      (one): Expectation => ({
        name: one.name,
        owner: one.owner,
        reason: one.reason,
        expiresAtMs: one.expires === undefined ? undefined : Date.parse(one.expires),
        scope: one.match,
        kind: kindOf(one),
      }),
    ),
    freshness: {
      ...defaultFreshness,
      reportWithinMs: freshness.report,
      lagWithinMs: freshness.lag,
      backupWithinMs: freshness.backup,
      certificateMs: freshness.certificate,
    },
    // 99.9 / 100 is not 0.999 to the last digit.
    objective: objective && {
      share: Math.round(objective.target * 1_000) / 100_000,
      windowMs: objective.window,
    },
    ...(failover && { failover: toFailover(failover) }),
    origin,
  };
}

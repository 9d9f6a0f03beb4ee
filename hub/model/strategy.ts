/** How a release goes over its clusters, as an operator wrote it in a RolloutStrategy, with defaults filled in. Plain JSON: it is snapshotted with each release. */
import type { JsonObject } from '../../shared/manifest/object.ts';
import type { LabelSelector } from './label-selector.ts';

/** A number of clusters, or a share of them. */
export type Amount =
  | { readonly unit: 'clusters'; readonly value: number }
  | { readonly unit: 'percent'; readonly value: number };

/** Open at each time the cron expression names, for so long. */
export interface RolloutWindow {
  /** Five fields, as crontab(5). */
  readonly cron: string;
  readonly durationMs: number;
  /** IANA name such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/** Nothing is assigned in this time. */
export interface RolloutFreeze {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

export interface Approval {
  /** Before the wave begins, or before the one after it may. */
  readonly when: 'before' | 'after';
  /** Names of API users who may; empty: whoever may approve at all. */
  readonly approvers: readonly string[];
}

export interface WaveSpec {
  readonly name: string;
  /** Which clusters of those that no earlier wave took; undefined: all. */
  readonly selector: LabelSelector | undefined;
  /** A label: one wave for each of its values, in their order, named `name/value`. Empty: one wave. */
  readonly groupBy: string;
  /** At most so many, of all that take part; a share is rounded up. Undefined: no bound. */
  readonly take: Amount | undefined;
  /** In flight at once, of the wave; a share is rounded up, at least one. */
  readonly maxConcurrent: Amount;
  /** Not healthy at once, of the wave, in flight or not; a share is rounded down, at least one. */
  readonly maxUnavailable: Amount;
  /** A cluster counts once it was healthy for so long without a break. */
  readonly minHealthyMs: number;
  /** From the last cluster's counting to the wave's end. */
  readonly soakMs: number;
  readonly approval: Approval | undefined;
  /** Clusters of the wave that may fail; a share is rounded down. */
  readonly failureBudget: Amount;
  /** Clusters of the wave that may be away when it ends; they are brought in as they return. A share is rounded down. */
  readonly offlineBudget: Amount;
  readonly analysis: readonly AnalysisSpec[];
}

/** A question that is asked while a wave soaks; its answers decide whether the rollout goes on. */
export interface AnalysisSpec {
  readonly name: string;
  readonly intervalMs: number;
  /** Answers that are wanted; the wave ends no sooner. */
  readonly count: number;
  /** Failed answers that are borne. */
  readonly failureLimit: number;
  /** Answers that say neither, that are borne. */
  readonly inconclusiveLimit: number;
  readonly provider:
    | {
        readonly type: 'prometheus';
        readonly url: string;
        readonly query: string;
        /** CEL over `value` (the number, where it is one) and `result` (all of them). */
        readonly success: string;
        /** Empty: what is no success is a failure. */
        readonly failure: string;
      }
    | { readonly type: 'http'; readonly url: string; readonly status: number }
    | {
        readonly type: 'job';
        /** Of a batch/v1 Job. Its texts may name `{{application}}`, `{{wave}}` and `{{cluster}}`. */
        readonly spec: JsonObject;
        /** In the first of the wave's healthy clusters, or in each. */
        readonly clusters: 'one' | 'each';
        /** From its beginning to its end. */
        readonly timeoutMs: number;
      };
}

export interface RolloutStrategy {
  /** Of the RolloutStrategy; empty: the built-in one, or one written in the Application. */
  readonly name: string;
  readonly waves: readonly WaveSpec[];
  /** Nothing is assigned outside them; none: always. */
  readonly windows: readonly RolloutWindow[];
  readonly freezes: readonly RolloutFreeze[];
  /** From Applied to healthy, and from Received to Applied while the agent is there. Hooks have limits of their own: it begins anew when one has ended. */
  readonly healthTimeoutMs: number;
  /** Clusters that may fail over all waves; a share is rounded down. Undefined: only the waves' own budgets count. */
  readonly failureBudget: Amount | undefined;
  readonly onFailure: 'pause' | 'rollback' | 'continue';
  /** The last wave first, or all at once. */
  readonly rollbackSpeed: 'waves' | 'at-once';
  /** What becomes of Git after a rollback by itself: nothing (the default), a branch with the revert, or the revert on the branch that is followed. */
  readonly revert?: 'none' | 'branch' | 'commit' | undefined;
  /** Whether clusters of several regions may be in flight at once within a wave. */
  readonly regions: 'apart' | 'any';
  /** The sides of a DR pair: never in the same wave; in the same; or as it comes. */
  readonly pairs: 'apart' | 'together' | 'any';
  /** Clusters whose agent is away are assigned as well, and take it up when they return; else it is decided then. Default false. */
  readonly assignsAway?: boolean | undefined;
  /** For the Applications that take it and say nothing else. Undefined: releases wait for no other environment. */
  readonly after?: PromotionSpec | undefined;
  /** Clusters that it concerns: every other keeps what it has. Undefined: all. */
  readonly only?: readonly string[] | undefined;
  /** Of the assignments that it makes. Default `release`. */
  readonly reason?: 'failover' | undefined;
}

/** Another Application, in which a revision must have been healthy first. */
export interface PromotionSpec {
  /** Its name; empty: the one of the same component in `environment`. */
  readonly application: string;
  readonly environment: string;
  /** For how long without a break. */
  readonly soakMs: number;
}

/** A RolloutStrategy by name, or one of the Application's own. */
export type ApplicationRollout = ({ readonly strategy: string } | { readonly inline: RolloutStrategy }) & {
  /** Goes before the strategy's own. */
  readonly after?: PromotionSpec | undefined;
};

const everything: Amount = { unit: 'percent', value: 100 };
const nothing: Amount = { unit: 'clusters', value: 0 };

export const defaultWave: WaveSpec = {
  name: '',
  selector: undefined,
  groupBy: '',
  take: undefined,
  maxConcurrent: everything,
  maxUnavailable: everything,
  minHealthyMs: 0,
  soakMs: 0,
  approval: undefined,
  failureBudget: nothing,
  offlineBudget: everything,
  analysis: [],
};

/** Without any strategy: one cluster, then a quarter, then the rest, never two regions at once, and the first failure stops it. */
export const defaultStrategy: RolloutStrategy = {
  name: '',
  waves: [
    { ...defaultWave, name: 'first', take: { unit: 'clusters', value: 1 } },
    { ...defaultWave, name: 'quarter', take: { unit: 'percent', value: 25 } },
    { ...defaultWave, name: 'rest' },
  ],
  windows: [],
  freezes: [],
  healthTimeoutMs: 600_000,
  failureBudget: undefined,
  onFailure: 'pause',
  rollbackSpeed: 'waves',
  regions: 'apart',
  pairs: 'apart',
};

/** Everything in one wave, wherever its agent is and whatever becomes of it. */
export const allAtOnceStrategy: RolloutStrategy = {
  ...defaultStrategy,
  waves: [{ ...defaultWave, name: 'all', failureBudget: everything }],
  onFailure: 'continue',
  regions: 'any',
  pairs: 'any',
  assignsAway: true,
};

/** The label by which clusters are told apart by role. */
const roleLabel = 'fairway.dev/role';

/** The clusters that are primaries now go first, all at once; a failure there leaves the others as they are. */
export const failoverStrategy: RolloutStrategy = {
  ...allAtOnceStrategy,
  name: 'failover',
  waves: [
    {
      ...defaultWave,
      name: 'standby',
      selector: { matchLabels: { [roleLabel]: 'primary' }, matchExpressions: [] },
    },
    { ...defaultWave, name: 'rest', failureBudget: everything },
  ],
  onFailure: 'pause',
};

/** So many of `total`; never more than it. */
export function amountOf(amount: Amount, total: number, rounding: 'up' | 'down'): number {
  if (amount.unit === 'clusters') return Math.min(amount.value, total);
  const share = (amount.value * total) / 100;
  // 29 % of 100 is 28.999999999999996 in binary.
  const exact = Math.round(share * 1e6) / 1e6;
  return Math.min(total, rounding === 'up' ? Math.ceil(exact) : Math.floor(exact));
}

/** What an Application has that says nothing. */
export const defaultRollout: ApplicationRollout = { strategy: 'careful' };

/** Strategies that need not be written; one of the same name in the fleet repository goes before, also where nothing is said. */
export const builtInStrategies: Readonly<Record<string, RolloutStrategy>> = {
  careful: { ...defaultStrategy, name: 'careful' },
  'all-at-once': { ...allAtOnceStrategy, name: 'all-at-once' },
  failover: failoverStrategy,
};

/** Undefined: there is none of that name. */
export function strategyOf(
  rollout: ApplicationRollout,
  strategies: ReadonlyMap<string, { readonly strategy: RolloutStrategy }>,
): RolloutStrategy | undefined {
  if ('inline' in rollout) return rollout.inline;
  const { strategy } = rollout;
  const own = Object.hasOwn(builtInStrategies, strategy) ? builtInStrategies[strategy] : undefined;
  return strategies.get(strategy)?.strategy ?? own;
}

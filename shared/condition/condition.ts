/**
 * Conditions as Kubernetes' API conventions describe them: `Ready` sums up, `Reconciling` and `Stalled` appear while true (kstatus:
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md). A time changes only when the status does.
 */

export type ConditionType = 'Ready' | 'Reconciling' | 'Stalled';
export type ConditionStatus = 'True' | 'False' | 'Unknown';

export interface Condition {
  readonly type: ConditionType;
  readonly status: ConditionStatus;
  /** CamelCase, for machines. */
  readonly reason: string;
  /** For people; may be empty. */
  readonly message: string;
  /** When `status` last changed, Unix milliseconds. */
  readonly lastTransitionTimeMs: number;
}

/** Sets one condition: the transition time stays while the status does. The result is sorted by type; the input is untouched. */
export function mergeCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTimeMs'>,
  nowMs: number,
): readonly Condition[] {
  const before = conditions.find((condition) => condition.type === next.type);
  const lastTransitionTimeMs = before?.status === next.status ? before.lastTransitionTimeMs : nowMs;
  const rest = conditions.filter((condition) => condition.type !== next.type);
  return [...rest, { ...next, lastTransitionTimeMs }].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The one of that type, if there is any. */
export function findCondition(conditions: readonly Condition[], type: ConditionType): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Without the condition of that type. */
export function dropCondition(conditions: readonly Condition[], type: ConditionType): readonly Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

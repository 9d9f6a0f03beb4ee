import type { Health, HealthStatus } from '../manifest/health.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../manifest/object.ts';

/** How one kind is judged; pure. */
export type Judge = (object: KubeObject) => Health;

/** A verdict in one word, why, and what people read. */
export function verdict(status: HealthStatus, reason = '', message = ''): Health {
  return { status, reason, message };
}

export const current: Health = verdict('Current');

/** On its way, and on what it waits. */
export function progress(message: string, reason = 'Progressing'): Health {
  return verdict('InProgress', reason, message);
}

/** The value at a path of names; undefined where there is none. */
export function member(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  let at = value;
  for (const name of names) at = isJsonObject(at) ? at[name] : undefined;
  return at;
}

/** The number at a path; 0 where there is none. */
export function count(value: Json | undefined, ...names: readonly string[]): number {
  const found = member(value, ...names);
  return typeof found === 'number' ? found : 0;
}

/** The text at a path; empty where there is none. */
export function text(value: Json | undefined, ...names: readonly string[]): string {
  const found = member(value, ...names);
  return typeof found === 'string' ? found : '';
}

/** The objects of the list at a path. */
export function items(value: Json | undefined, ...names: readonly string[]): readonly JsonObject[] {
  const found = member(value, ...names);
  return Array.isArray(found) ? (found as readonly Json[]).filter(isJsonObject) : [];
}

/** https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number | undefined;
}

function readCondition(condition: JsonObject): StatusCondition {
  const observed = condition['observedGeneration'];
  return {
    type: text(condition, 'type'),
    status: text(condition, 'status'),
    reason: text(condition, 'reason'),
    message: text(condition, 'message'),
    observedGeneration: typeof observed === 'number' ? observed : undefined,
  };
}

/** The conditions in a list at a path of names; none where there is none. */
export function conditionsAt(
  value: Json | undefined,
  ...names: readonly string[]
): readonly StatusCondition[] {
  return items(value, ...names).map(readCondition);
}

/** `status.conditions`. */
export function conditionsOf(object: JsonObject): readonly StatusCondition[] {
  return conditionsAt(object, 'status', 'conditions');
}

/** One of `status.conditions` by type. */
export function findCondition(object: JsonObject, type: string): StatusCondition | undefined {
  const { status } = object;
  // Most objects have none, and each is asked for several.
  const conditions = isJsonObject(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return undefined;
  const found = (conditions as readonly Json[]).find(
    (condition) => isJsonObject(condition) && text(condition, 'type') === type,
  );
  return found === undefined ? undefined : readCondition(found as JsonObject);
}

/** The condition has that status; its words as a verdict. */
export function whenStatus(
  object: JsonObject,
  type: string,
  status: 'True' | 'False' | 'Unknown',
  health: HealthStatus,
): Health | undefined {
  const found = findCondition(object, type);
  return found?.status === status ? verdict(health, found.reason || type, found.message) : undefined;
}

import type { Health, HealthStatus } from '../../shared/manifest/health.ts';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import { isObject } from './fields-v1.ts';

export function verdict(status: HealthStatus, reason = '', message = ''): Health {
  return { status, reason, message };
}

export const current: Health = verdict('Current');

export function member(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  let at = value;
  for (const name of names) at = isObject(at) ? at[name] : undefined;
  return at;
}

export function count(value: Json | undefined, ...names: readonly string[]): number {
  const found = member(value, ...names);
  return typeof found === 'number' ? found : 0;
}

export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export function conditionsOf(object: JsonObject): readonly StatusCondition[] {
  const list = member(object, 'status', 'conditions');
  if (!Array.isArray(list)) return [];
  return (list as readonly Json[]).filter(isObject).map((condition) => ({
    type: String(condition['type'] ?? ''),
    status: String(condition['status'] ?? ''),
    reason: String(condition['reason'] ?? ''),
    message: String(condition['message'] ?? ''),
  }));
}

export function findStatus(object: JsonObject, type: string): StatusCondition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}

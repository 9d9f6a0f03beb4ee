import type { Drift } from '../../shared/manifest/health.ts';
import { describeKey, isSecret, parseKeyText } from '../../shared/manifest/object.ts';
import type { FleetEvent } from '../model/event.ts';

/** Fields named in one sentence; the data has all. */
const fieldsMax = 5;

/**
 * An event as a sentence for people. Drift is told whole: what, where, which fields from what to what, by which field manager, and how fast it was
 * undone.
 */
export function describeEvent(event: FleetEvent): string {
  const drift = driftOf(event);
  const key = parseKeyText(event.object);
  if (drift === undefined || key === undefined) return event.message;
  const what = `${describeKey(key)} in ${event.cluster}`;
  const change = describeChange(drift, isSecret(key));
  const writer = drift.managers[0];
  const by = writer === undefined ? '' : ` by ${writer.name} (${writer.operation})`;
  const at = writer?.timeMs === undefined ? '' : ` at ${new Date(writer.timeMs).toISOString()}`;
  const undone =
    drift.healedAtMs === undefined
      ? ''
      : `; undone after ${renderSeconds(drift.healedAtMs - drift.foundAtMs)}`;
  return `${what}: ${change}${by}${at}${undone}`;
}

function driftOf({ data }: FleetEvent): Drift | undefined {
  const drift = data['drift'] as Partial<Drift> | undefined;
  if (drift === undefined || !Array.isArray(drift.fields) || !Array.isArray(drift.managers)) return undefined;
  return typeof drift.kind === 'string' && typeof drift.foundAtMs === 'number' ? (drift as Drift) : undefined;
}

function describeChange({ kind, fields }: Drift, secret: boolean): string {
  if (kind === 'deleted') return 'deleted';
  if (fields.length === 0) return kind;
  const named = fields.slice(0, fieldsMax).map(({ path, desired, live }) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return secret ? `${name} changed` : `${name} ${desired ?? 'none'} -> ${live ?? 'none'}`;
  });
  const more = fields.length > fieldsMax ? ` and ${fields.length - fieldsMax} more` : '';
  return named.join(', ') + more;
}

function renderSeconds(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

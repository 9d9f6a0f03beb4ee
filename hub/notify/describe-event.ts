import { describeDrift } from '../../shared/manifest/describe-drift.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import { describeKey, isSecret, parseKeyText } from '../../shared/manifest/object.ts';
import type { FleetEvent } from '../model/event.ts';

/**
 * An event as a sentence for people. Drift is told whole: what, where, which fields from what to what, by which field manager, and how fast it was
 * undone.
 */
export function describeEvent(event: FleetEvent): string {
  const drift = driftOf(event);
  const key = parseKeyText(event.object);
  if (drift === undefined || key === undefined) return event.message;
  return `${describeKey(key)} in ${event.cluster}: ${describeDrift(drift, isSecret(key))}`;
}

function driftOf({ data }: FleetEvent): Drift | undefined {
  const drift = data['drift'] as Partial<Drift> | undefined;
  if (drift === undefined || !Array.isArray(drift.fields) || !Array.isArray(drift.managers)) return undefined;
  return typeof drift.kind === 'string' && typeof drift.foundAtMs === 'number' ? (drift as Drift) : undefined;
}

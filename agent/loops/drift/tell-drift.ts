import { describeDrift } from '../../../shared/manifest/describe-drift.ts';
import type { Drift } from '../../../shared/manifest/health.ts';
import { describeKey, isSecret, type ObjectKey } from '../../../shared/manifest/object.ts';
import { fieldManager } from '../../model/inventory.ts';
import type { AppliedRecord } from '../../model/record.ts';
import type { AgentContext, ApplicationState } from '../context.ts';

/** What another controller keeps writing into a field of its own is the same drift still. */
function driftText(drift: Drift): string {
  const values = drift.kind !== 'foreign';
  return `${drift.kind} ${drift.fields.map(({ path, live }) => (values ? `${path}=${live ?? ''}` : path)).join(' ')}`;
}

/** The drift as it was first found, where it still stands. */
export function standingDrift(
  state: ApplicationState,
  text: string,
  found: Drift | undefined,
): Drift | undefined {
  const before = state.objects.get(text)?.drift;
  const stands = before && found && before.healedAtMs === undefined && driftText(before) === driftText(found);
  return stands ? { ...found, fields: before.fields, foundAtMs: before.foundAtMs } : found;
}

function driftMessage(key: ObjectKey, drift: Drift): string {
  return `${describeKey(key)}: ${describeDrift(drift, isSecret(key))}`;
}

/** Says it once: a drift that stays (mode report) is no new event. */
export function tellFound(context: AgentContext, state: ApplicationState, text: string, drift: Drift): void {
  const before = state.objects.get(text)?.drift;
  if (before && before.healedAtMs === undefined && driftText(before) === driftText(drift)) return;
  const record = state.records.get(text);
  if (!record) return;
  context.metrics.driftFound += 1;
  context.reports.event({
    id: context.nextEventId(),
    type: 'drift.found',
    application: state.application,
    key: record.key,
    message: driftMessage(record.key, drift),
    timeMs: drift.foundAtMs,
    drift,
  });
}

/** Tells that a drift is put right, and counts the correction. */
export function tellHealed(context: AgentContext, state: ApplicationState, text: string): void {
  const object = state.objects.get(text);
  if (!object?.drift || object.drift.healedAtMs !== undefined) return;
  const drift = { ...object.drift, healedAtMs: context.clock.now() };
  state.objects.set(text, { ...object, drift });
  const paths = drift.fields.map(({ path }) => path);
  context.contest.corrected(text, paths.length > 0 ? paths : [drift.kind]);
  context.metrics.driftHealed += 1;
  context.reports.event({
    id: context.nextEventId(),
    type: 'drift.healed',
    application: state.application,
    key: object.key,
    message: driftMessage(object.key, drift),
    timeMs: drift.healedAtMs,
    drift,
  });
}

/** Both who fight, over what, and how often it was put right: `fairway and kubectl both set /spec/replicas (put right 6 times): ...`. */
export function describeContest(drift: Drift, record: AppliedRecord, corrections: number): string {
  const others = [...new Set(drift.managers.map(({ name }) => name))].filter((name) => name !== fieldManager);
  const other = others.length === 0 ? 'somebody else by the same name' : others.slice(0, 3).join(', ');
  const fields = drift.fields
    .map(({ path }) => path)
    .slice(0, 3)
    .join(', ');
  const words = describeDrift(drift, isSecret(record.key));
  return `${fieldManager} and ${other} both set ${fields || 'it'} (put right ${corrections} times): ${words}`;
}

/** What the reports say of an object's drift from now on. */
export function setDrift(
  state: ApplicationState,
  text: string,
  drift: Drift | undefined,
  status: 'Synced' | 'Drifted' | 'Contested',
  reason: string,
): void {
  const object = state.objects.get(text);
  if (!object) return;
  const message = drift === undefined ? '' : describeDrift(drift, isSecret(object.key));
  state.objects.set(text, { ...object, drift, status, reason, message });
}

/** Records of the last run: taken up at the start, compared with what the watches show, and handed on for the next. */
import { keyText } from '../../shared/manifest/object.ts';
import type { AppliedRecord, SavedApplication } from '../model/record.ts';
import type { TextPool } from '../model/text-pool.ts';
import { isSuspicious } from '../observe/facts.ts';
import type { AgentContext, ApplicationState } from './context.ts';

/** One copy of what many of them have in common: from disk each comes with texts of its own. */
function shareRecord(record: AppliedRecord, pool: TextPool): AppliedRecord {
  const { group, kind, namespace, name } = record.key;
  return {
    ...record,
    key: { group: pool(group), kind: pool(kind), namespace: pool(namespace), name },
    apiVersion: pool(record.apiVersion),
    application: pool(record.application),
    omitted: pool(record.omitted),
    fields: pool(record.fields),
  };
}

/** Takes over what the last run of the agent knew; nothing was kept: nothing happens. */
export function restoreRecords(
  state: ApplicationState,
  saved: SavedApplication | undefined,
  pool: TextPool,
): void {
  if (!saved) return;
  state.appliedDigest = saved.appliedDigest;
  state.appliedAtMs = saved.appliedAtMs;
  for (const record of saved.records) state.records.set(keyText(record.key), shareRecord(record, pool));
}

/**
 * Before the first step judges anything: what differs from its record, and what the watch does not show, is to be read. The list that a watch
 * begins with tells of no deletions.
 */
export function suspectRestored(context: AgentContext, state: ApplicationState): void {
  if (state.settled) return;
  for (const [text, record] of state.records) {
    if (state.objects.has(text) || !context.claims.desires(text, state.application)) continue;
    const seen = context.observer.get(record.key.group, record.key.kind, text);
    if (!seen || isSuspicious(record.facts, seen.facts)) state.suspects.set(text, 'event');
    else state.records.set(text, { ...record, facts: seen.facts });
    state.objects.set(text, {
      entry: undefined,
      key: record.key,
      status: 'Synced',
      action: 'unchanged',
      reason: '',
      message: '',
      drift: undefined,
      health: undefined,
    });
  }
}

/** For the next run. */
export function readRecords(context: AgentContext): readonly SavedApplication[] {
  return [...context.states.values()].map(({ application, appliedDigest, appliedAtMs, records }) => ({
    application,
    appliedDigest,
    appliedAtMs,
    records: [...records.values()],
  }));
}

import type { Drift } from '../../../shared/manifest/health.ts';
import type { SyncOptions } from '../../../shared/manifest/target.ts';
import type { LiveObject } from '../../kube/kube-client.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import type { AppliedRecord } from '../../model/record.ts';
import { factsOf } from '../../observe/facts.ts';
import { planRemoval } from '../../observe/foreign.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { writerOf } from '../release/writer.ts';
import { refOf } from '../resources.ts';
import type { Finding } from './judge-drift.ts';
import { describeContest, setDrift, standingDrift, tellFound, tellHealed } from './tell-drift.ts';

async function undoForeign(
  context: AgentContext,
  record: AppliedRecord,
  finding: Finding,
  sync: SyncOptions,
  signal: AbortSignal,
): Promise<LiveObject | undefined> {
  const ref = refOf(context.resources, record);
  if (finding.undo.length === 0 || !finding.live || !ref) return finding.live;
  const writer = writerOf(context.kube, sync, context.namespace);
  return writer.patch(ref, planRemoval(finding.undo, finding.live), 'json', signal);
}

/**
 * A controller has scaled the object: there may be an autoscaler that the watch has not shown yet. Healing would take its replicas away, so it is looked for first; once
 * found, the field is handed over.
 */
async function isAutoscaled(
  context: AgentContext,
  desired: DesiredApplication,
  record: AppliedRecord,
  drift: Drift,
  signal: AbortSignal,
): Promise<boolean> {
  const scaled = drift.fields.some(({ path }) => path === '/spec/replicas');
  const byController = drift.managers.some(
    ({ name, operation }) => operation === 'Update scale' && !name.startsWith('kubectl'),
  );
  return scaled && byController && (await context.scalers.confirm(desired, record.key, signal));
}

/** Applies the mode to a finding. @returns how long a contested object is left alone, in milliseconds; 0: it is not contested. */
export async function actOn(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  text: string,
  finding: Finding,
  mode: SyncOptions['selfHeal'],
  fence: () => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  const record = state.records.get(text);
  if (!record) return 0;
  const { live } = finding;
  const drift = standingDrift(state, text, finding.drift);
  const remember = (seen: LiveObject) => {
    state.records.set(text, { ...record, facts: factsOf(seen) });
    const object = state.objects.get(text);
    if (object) state.objects.set(text, { ...object, health: context.health.judge(seen, state.application) });
  };
  const enforce = mode === 'enforce';
  if (enforce && drift && (await isAutoscaled(context, desired, record, drift, signal))) return 0;
  if (enforce && drift) await fence();
  if (drift) tellFound(context, state, text, drift);
  if (!drift) {
    if (live) remember(live);
    if (enforce && finding.reapply) state.reapply.add(text);
    if (state.objects.get(text)?.drift?.healedAtMs === undefined)
      setDrift(state, text, undefined, 'Synced', '');
    return 0;
  }
  if (!enforce) {
    if (live) remember(live);
    setDrift(state, text, drift, 'Drifted', 'DriftReported');
    return 0;
  }
  const paths = drift.fields.map(({ path }) => path);
  const waitMs = context.contest.waitMs(text, paths.length > 0 ? paths : [drift.kind]);
  if (waitMs > 0) {
    setDrift(state, text, drift, 'Contested', 'Contested');
    const object = state.objects.get(text);
    const message = describeContest(drift, record, context.contest.corrections(text));
    if (object) state.objects.set(text, { ...object, message });
    return waitMs;
  }
  setDrift(state, text, drift, 'Synced', drift.kind === 'foreign' ? 'ForeignFields' : '');
  const after = await undoForeign(context, record, finding, desired.target.sync, signal);
  if (after) remember(after);
  if (finding.reapply) state.reapply.add(text);
  if (finding.undo.length > 0 && (drift.kind === 'foreign' || !finding.reapply))
    tellHealed(context, state, text);
  return 0;
}

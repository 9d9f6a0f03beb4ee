import type { ChangeAction } from '../../../shared/manifest/health.ts';
import { ignoredPaths } from '../../../shared/manifest/ignore.ts';
import { type KubeObject, keyText, type ObjectKey } from '../../../shared/manifest/object.ts';
import type { ManifestEntry, SyncOptions } from '../../../shared/manifest/target.ts';
import { type ApplyOutcome, type ApplyPorts, executeApplies } from '../../apply/execute-applies.ts';
import { findReferences } from '../../apply/hook-references.ts';
import { planSync, type SyncPlan } from '../../apply/plan-sync.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { findDriftWhileAway } from '../../observe/away.ts';
import { ownFields } from '../../observe/fields-v1.ts';
import { findForeign, foreignSinceOwn, hashForeignPaths, newForeign } from '../../observe/foreign.ts';
import { planHandOver } from '../../observe/hand-over.ts';
import { matchesDesired, projectFields } from '../../observe/projection.ts';
import { createRecord } from '../../observe/record.ts';
import type { AgentContext, ApplicationState, ObjectState } from '../context.ts';
import { healFormer } from '../drift/heal-former.ts';
import { tellFound, tellHealed } from '../drift/tell-drift.ts';
import { attemptOf, forgetRefusals, noteRefusal, standingRefusal } from './retries.ts';
import { checkWaves, type Holdup } from './wave-gate.ts';
import { writerOf } from './writer.ts';

/** Which kinds the set's own definitions define: `group/kind` to the definition's key. */
function readDefinitions(
  context: AgentContext,
  entries: readonly ManifestEntry[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { key, objectDigest } of entries) {
    if (key.kind !== 'CustomResourceDefinition') continue;
    const text = context.desired.object(objectDigest);
    if (text === undefined) continue;
    const spec = (JSON.parse(text) as KubeObject)['spec'] as
      | { group?: string; names?: { kind?: string } }
      | undefined;
    found.set(`${spec?.group}/${spec?.names?.kind}`, keyText({ ...key, namespace: '' }));
  }
  return found;
}

function readReferences(context: AgentContext, { target }: DesiredApplication): readonly ObjectKey[] {
  return target.set.entries.flatMap((entry) => {
    const text = entry.hook === 'pre-sync' ? context.desired.object(entry.objectDigest) : undefined;
    if (text === undefined) return [];
    const manifest = JSON.parse(text) as KubeObject;
    return findReferences(manifest, entry.key.namespace || target.sync.namespace);
  });
}

function planApplication(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): SyncPlan {
  const { observer, claims } = context;
  const livePartOf = (key: ObjectKey) => observer.get(key.group, key.kind, keyText(key))?.partOf;
  return planSync({
    target: desired.target,
    application: desired.application,
    applySetId: state.applySetId,
    resolve: (apiVersion, kind) => context.resources.find(apiVersion, kind),
    appliedDigest(text) {
      const record = state.records.get(text);
      if (!record || state.reapply.has(text)) return undefined;
      const omitted = ignoredPaths(desired.target.sync.ignore, record.key).join(' ');
      return record.omitted === omitted ? record.objectDigest : undefined;
    },
    recorded(text) {
      const record = state.records.get(text);
      return record && { digest: record.objectDigest, heal: state.reapply.has(text) };
    },
    refusedBefore: (text, { objectDigest }) =>
      standingRefusal(context, state, text, attemptOf(desired.generation, objectDigest)) !== undefined,
    livePartOf,
    holder(text, labelled) {
      // The watch may not have shown our own last apply yet.
      const recorded = [...context.states.values()].find(
        (other) => other.records.has(text) && claims.desires(text, other.application),
      );
      return claims.holder(text, labelled ?? recorded?.application, desired.application);
    },
    applicationOf: context.applicationOf,
    references: readReferences(context, desired),
    definitions: readDefinitions(context, desired.target.set.entries),
  });
}

/**
 * Whether our apply changed nothing: then the resourceVersion stays; where a status update came between, our entry, the generation and the
 * values are as they were. (The entry's time alone tells seconds only.)
 */
function wroteNothing(outcome: ApplyOutcome, context: AgentContext, state: ApplicationState): boolean {
  const { live, object } = outcome;
  if (!live) return true;
  const { keyText: text } = object;
  const after = context.factsOf(live);
  const record = state.records.get(text);
  // Not what the watch says now: it may show our write before the answer to it comes.
  const versions = [record?.facts.resourceVersion, outcome.before?.metadata['resourceVersion']];
  if (versions.includes(after.resourceVersion)) return true;
  if (!record || state.reapply.has(text)) return false;
  const { own, generation } = record.facts;
  if (own !== after.own || generation !== after.generation) return false;
  return projectFields(ownFields(live), live, context.secretKey).digest === record.liveDigest;
}

function actionOf(outcome: ApplyOutcome, context: AgentContext, state: ApplicationState): ChangeAction {
  switch (outcome.result) {
    case 'created':
      return state.recreating.has(outcome.object.keyText) ? 'recreated' : 'created';
    case 'recreated':
      return 'recreated';
    case 'failed':
      return 'failed';
    case 'waiting':
    case 'skipped':
      return 'skipped';
    case 'kept':
    case 'matched':
      return 'unchanged';
    default:
      return wroteNothing(outcome, context, state) ? 'unchanged' : 'configured';
  }
}

const statusOf = { failed: 'Failed', waiting: 'Pending', skipped: 'Skipped' } as const;

/** A record of what was applied or matched; additions by others since our last write are news even to an agent without memory. */
function remember(
  outcome: ApplyOutcome,
  action: ChangeAction,
  sync: SyncOptions,
  context: AgentContext,
  state: ApplicationState,
): void {
  const { live, object } = outcome;
  if (!live) return;
  context.recordsChanged();
  state.retainStale = true;
  const record = createRecord(live, {
    key: object.key,
    application: state.application,
    objectDigest: object.entry.objectDigest,
    omitted: ignoredPaths(sync.ignore, object.key).join(' '),
    action,
    appliedAtMs: context.clock.now(),
    secretKey: context.secretKey,
    pool: context.pool,
    factsOf: context.factsOf,
  });
  const before = state.records.get(object.keyText);
  // The same manifest again: what others have added is looked at still, and what a list that was ours as a whole had hidden.
  const known =
    before?.objectDigest === record.objectDigest &&
    before.omitted === record.omitted &&
    before.facts.uid === record.facts.uid
      ? before.foreignPaths
      : undefined;
  const matched = outcome.result === 'matched';
  const isKnown = known !== undefined;
  const foreign = matched || isKnown ? findForeign(ownFields(live), live) : [];
  const news = matched ? foreignSinceOwn(foreign, live) : isKnown ? newForeign(foreign, known) : [];
  if (news.length === 0) {
    state.records.set(object.keyText, record);
    return;
  }
  const old = foreign.filter((field) => !news.includes(field));
  state.records.set(object.keyText, { ...record, foreignPaths: hashForeignPaths(old) });
  state.suspects.set(object.keyText, 'again');
}

/** An agent without memory tells what it finds changed by others as it puts it right. */
function tellAway(outcome: ApplyOutcome, context: AgentContext, state: ApplicationState): void {
  const { before, live, object } = outcome;
  const drift = before && live && findDriftWhileAway(before, live, context.clock.now());
  const known = state.objects.get(object.keyText);
  if (!drift || !known) return;
  tellFound(context, state, object.keyText, drift);
  state.objects.set(object.keyText, { ...known, drift });
}

/** Remembers a refusal, or that there is none any more. What waited for a namespace or a definition goes on when one is made. */
function noteOutcome(
  outcome: ApplyOutcome,
  generation: number,
  context: AgentContext,
  state: ApplicationState,
): void {
  const { object, error, live, result } = outcome;
  const text = object.keyText;
  if (error && object.verb === 'apply')
    noteRefusal(context, state, text, attemptOf(generation, object.entry.objectDigest), error);
  else if (live) state.retries.delete(text);
  const { kind } = object.key;
  if (result !== 'created' || (kind !== 'Namespace' && kind !== 'CustomResourceDefinition')) return;
  for (const other of context.states.values())
    if (forgetRefusals(other, ({ code }) => code === 'not_found' || code === 'conflict'))
      context.wake(other.application);
}

/** What we delete ourselves is no drift: without a record nothing is missed when it goes. */
function noteLeaving(outcome: ApplyOutcome, context: AgentContext, state: ApplicationState): void {
  const text = outcome.object.keyText;
  if (outcome.leaving) {
    state.recreating.add(text);
    if (state.records.delete(text)) context.recordsChanged();
  } else if (outcome.live) state.recreating.delete(text);
}

function settle(
  outcome: ApplyOutcome,
  sameSync: boolean,
  sync: SyncOptions,
  context: AgentContext,
  state: ApplicationState,
): void {
  const { object, result } = outcome;
  const text = object.keyText;
  const before = state.objects.get(text);
  const action = sameSync && result === 'kept' && before ? before.action : actionOf(outcome, context, state);
  remember(outcome, action, sync, context, state);
  const lasting = result === 'kept' && before && before.status !== 'Failed' && before.status !== 'Pending';
  const status = lasting
    ? before.status
    : ((statusOf as Record<string, ObjectState['status']>)[result] ?? 'Synced');
  state.objects.set(text, {
    entry: object.entry,
    key: object.key,
    status,
    action,
    reason: lasting ? before.reason : result === 'failed' ? (outcome.error?.code ?? 'failed') : '',
    message: lasting ? before.message : outcome.message,
    drift: before?.drift,
    health: outcome.live ? context.health.judge(outcome.live, state.application) : before?.health,
  });
  if (!outcome.live || result === 'matched') return;
  state.reapply.delete(text);
  tellAway(outcome, context, state);
  // Applying takes away nobody's additions.
  if (state.objects.get(text)?.drift?.kind !== 'foreign') tellHealed(context, state, text);
}

/** What a sync did with the set. */
export interface ApplySummary {
  /** Of all that the set holds, and of what is applied still while a new version waits. */
  readonly keys: ReadonlySet<string>;
  readonly plan: SyncPlan;
  /** What the rest of the set waits for; undefined: all of it had its turn. */
  readonly holdup: Holdup | undefined;
}

function portsOf(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Omit<ApplyPorts, 'onOutcome'> {
  return {
    kube: writerOf(context.kube, desired.target.sync, context.namespace),
    clock: context.clock,
    signal,
    sync: desired.target.sync,
    applySetId: state.applySetId,
    objectText: (digest) => context.desired.object(digest),
    reveal: context.reveal,
    find: (apiVersion, kind) => context.resources.find(apiVersion, kind),
    resolve: (apiVersion, kind) => context.resources.resolve(apiVersion, kind, signal),
    knowledge(key) {
      if (state.records.has(keyText(key))) return 'known';
      const seen = context.observer.get(key.group, key.kind, keyText(key));
      if (seen) return 'labelled';
      return context.observer.synced(key.group, key.kind, [key.namespace]) ? 'absent' : 'labelled';
    },
    applicationOf: context.applicationOf,
    matches: matchesDesired,
    planHandOver,
  };
}

/**
 * Applies what the plan says, as far as the waves let it; what is applied already is healed whatever waits. Objects that left the set are forgotten
 * by the prune phase.
 * @param before what the whole set waits for (a hook); what that needs itself is applied all the same.
 */
export async function applyPhase(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  before: Holdup | undefined,
  signal: AbortSignal,
): Promise<ApplySummary> {
  const plan = planApplication(context, desired, state);
  const keys = new Set<string>();
  const heldUp = new Set<string>();
  const sameSync = state.generation === desired.generation;
  state.generation = desired.generation;
  if (!sameSync) state.deletions = 0;
  let holdup = before;
  const ports: ApplyPorts = {
    ...portsOf(context, desired, state, signal),
    async gate(wave) {
      const lower = plan.objects.filter(({ entry }) => entry.wave < wave);
      holdup ??= await checkWaves(context, desired, state, lower, signal);
      return holdup?.message;
    },
    onOutcome(outcome) {
      keys.add(outcome.object.keyText);
      if (outcome.heldUp) heldUp.add(outcome.object.keyText);
      noteOutcome(outcome, desired.generation, context, state);
      if (outcome.result !== 'held') settle(outcome, sameSync, desired.target.sync, context, state);
      noteLeaving(outcome, context, state);
    },
  };
  await executeApplies(plan, ports);
  state.heldUp = heldUp;
  // What a wave would have held up may be as it should already.
  if (before === undefined && heldUp.size === 0) holdup = undefined;
  if (holdup !== undefined) for (const text of await healFormer(context, state, plan, ports)) keys.add(text);
  return { keys, plan, holdup };
}

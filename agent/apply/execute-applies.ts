import { type Clock, sleep } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { ignoredPaths, resolvePaths } from '../../shared/manifest/ignore.ts';
import {
  describeKey,
  type JsonObject,
  type KubeObject,
  keyText,
  type ObjectKey,
} from '../../shared/manifest/object.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import type { ApiResource, KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import { isPassing } from '../kube/status-error.ts';
import { partOfLabel } from '../model/inventory.ts';
import { checkAdoption } from './adoption.ts';
import { effectiveKey, effectiveObject } from './effective-object.ts';
import { findLive } from './find-live.ts';
import { forEachBounded } from './parallel.ts';
import type { PlannedObject, SyncPlan } from './plan-sync.ts';
import { makeWay } from './recreate.ts';
import { isUnfinished, takeOver } from './take-over.ts';

/** What became of one object. */
export interface ApplyOutcome {
  readonly object: PlannedObject;
  /** matched: read and found as it should be, nothing written. held: not tried, what was said of it stands. waiting: cannot be done yet, which is nobody's fault. */
  readonly result:
    | 'created'
    | 'recreated'
    | 'applied'
    | 'matched'
    | 'kept'
    | 'failed'
    | 'held'
    | 'skipped'
    | 'waiting';
  readonly message: string;
  readonly error?: FairwayError;
  /** As returned or read; not kept by the executor. */
  readonly live?: LiveObject;
  readonly body?: KubeObject;
  /** As read before the write, where it was. */
  readonly before?: LiveObject;
  /** Its turn has not come: something before it is not done. */
  readonly heldUp?: boolean;
  /** It was deleted to be made anew, and is not gone yet. */
  readonly leaving?: boolean;
}

export interface ApplyPorts {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly sync: SyncOptions;
  readonly applySetId: string;
  /** Canonical JSON of a manifest, if it is here. */
  readonly objectText: (digest: string) => string | undefined;
  /** The manifest with its encrypted values opened. @throws where this cluster cannot. */
  readonly reveal: (text: string) => Promise<string>;
  /** The resource of a kind, as far as it is known. */
  readonly find: (apiVersion: string, kind: string) => ApiResource | undefined;
  /** The same, asking the API server again when the kind is unknown. */
  readonly resolve: (apiVersion: string, kind: string) => Promise<ApiResource | undefined>;
  /** absent: certainly without our label. known: we have a record. labelled: ours by label, but unknown to us. */
  readonly knowledge: (key: ObjectKey) => 'absent' | 'known' | 'labelled';
  /** The application of this agent behind an ApplySet id; undefined for a foreign ApplySet. */
  readonly applicationOf: (applySetId: string) => string | undefined;
  /** Whether applying would surely change nothing. */
  readonly matches: (body: KubeObject, live: LiveObject) => boolean;
  /** What to give to the second manager before these fields are dropped; undefined: nothing. */
  readonly planHandOver: (live: LiveObject, pointers: readonly string[]) => JsonObject | undefined;
  readonly onOutcome: (outcome: ApplyOutcome) => void;
  /** Look, but write nothing. Default false. */
  readonly matchOnly?: boolean;
  /** Why no new version may be applied in this wave yet; undefined: it may. Asked once for each wave that has one. Default: always. */
  readonly gate?: (wave: number) => Promise<string | undefined>;
}

/** The manager that holds a field between us and whoever comes to own it. */
const handOverManager = 'fairway-handover';
const parallelMax = 8;
const unsettled: ReadonlySet<ApplyOutcome['result']> = new Set(['failed', 'held', 'waiting']);
const establishLimitMs = 30_000;
const handOverTries = 5;

/** What the watch would have told, of an object that could only be read. @throws failed_precondition when it is a foreign ApplySet's. */
function isOurs(live: LiveObject, ports: ApplyPorts): boolean {
  const partOf = live.metadata.labels?.[partOfLabel];
  if (partOf === undefined || partOf === '') return false;
  if (partOf === ports.applySetId || ports.applicationOf(partOf) !== undefined) return true;
  throw new FairwayError('failed_precondition', `it belongs to another ApplySet (${partOf})`);
}

/** A field that we stop applying would fall back to its default (`replicas` to 1), were we its only owner. False: there is no object. */
async function handOver(ref: ResourceRef, paths: readonly string[], ports: ApplyPorts): Promise<boolean> {
  const { kube, signal } = ports;
  for (let tries = 1; ; tries += 1) {
    const live = await findLive(kube, ref, signal);
    const body = live && ports.planHandOver(live, resolvePaths(live, paths));
    if (!body) return live !== undefined;
    try {
      await kube.apply(ref, body, { fieldManager: handOverManager, force: false, signal });
      return true;
    } catch (caught) {
      // Somebody has written in between: the value may be another now, and would be set back.
      if (tries >= handOverTries || toFairwayError(caught).code !== 'conflict') throw caught;
    }
  }
}

/**
 * Fields that are left to others are handed over. A new object begins with what its manifest says of them: an autoscaler finds the replicas that it is to set. Whether it was
 * made here.
 */
async function prepareOmitted(
  ref: ResourceRef,
  omit: readonly string[],
  whole: () => KubeObject,
  ports: ApplyPorts,
): Promise<boolean> {
  const { kube, signal, sync } = ports;
  if (await handOver(ref, omit, ports)) return false;
  await kube.apply(ref, whole(), { force: sync.conflicts === 'take', signal });
  await handOver(ref, omit, ports);
  return true;
}

async function applyObject(object: PlannedObject, ports: ApplyPorts): Promise<ApplyOutcome> {
  const { kube, signal } = ports;
  const text = ports.objectText(object.entry.objectDigest);
  if (text === undefined) return { object, result: 'waiting', message: 'its content has not arrived yet' };
  const { apiVersion } = object.entry;
  const resource =
    ports.find(apiVersion, object.key.kind) ?? (await ports.resolve(apiVersion, object.key.kind));
  if (!resource)
    throw new FairwayError('not_found', `the API server serves no ${object.key.kind} in ${apiVersion}`);
  // It may have been planned before its kind was known.
  const key = effectiveKey(object, resource, ports.sync.namespace);
  const omit = ignoredPaths(ports.sync.ignore, key);
  const revealed = await ports.reveal(text);
  const body = effectiveObject(revealed, key, ports.applySetId, omit);
  const ref = { resource, namespace: key.namespace, name: key.name };
  const planned = key === object.key ? object : { ...object, key, keyText: keyText(key) };
  const knowledge = ports.knowledge(key);
  let before: LiveObject | undefined;
  if (knowledge === 'labelled') {
    before = await findLive(kube, ref, signal);
    if (before && ports.matches(body, before) && !isUnfinished(before))
      return { object: planned, result: 'matched', message: '', live: before, body };
  }
  if (ports.matchOnly) return { object: planned, result: 'waiting', message: '' };
  const foreign = knowledge === 'absent' || (before !== undefined && !isOurs(before, ports));
  if (foreign) await checkAdoption(body, ref, ports);
  const whole = () => effectiveObject(revealed, key, ports.applySetId);
  const made = omit.length > 0 && (await prepareOmitted(ref, omit, whole, ports));
  const force = ports.sync.conflicts === 'take';
  let created = false;
  const onStatus = (status: number) => {
    created = status === 201;
  };
  const write = () => kube.apply(ref, body, { force, signal, onStatus });
  let recreated = false;
  const applied = await write().catch(async (caught: unknown) => {
    const nowMs = ports.clock.now();
    const recreate = { kube, sync: ports.sync, nowMs, signal };
    const waits = await makeWay(toFairwayError(caught), key, body, ref, recreate);
    if (waits !== undefined) return waits;
    recreated = true;
    return write();
  });
  if (typeof applied === 'string')
    return { object: planned, result: 'waiting', message: applied, leaving: true };
  const result = recreated ? 'recreated' : created || made ? 'created' : 'applied';
  const taken = !created && !made && force && (foreign || (before !== undefined && isUnfinished(before)));
  const live = taken ? await takeOver(kube, ref, body, applied, signal) : applied;
  return { object: planned, result, message: '', live, body, ...(before && { before }) };
}

function isEstablished(definition: LiveObject): boolean {
  const status = definition['status'] as { conditions?: { type?: string; status?: string }[] } | undefined;
  return (
    status?.conditions?.some(({ type, status: value }) => type === 'Established' && value === 'True') ?? false
  );
}

function definedKinds(definition: KubeObject): readonly { apiVersion: string; kind: string }[] {
  const spec = definition['spec'] as
    | { group?: string; names?: { kind?: string }; versions?: { name?: string; served?: boolean }[] }
    | undefined;
  return (spec?.versions ?? [])
    .filter(({ served }) => served !== false)
    .map(({ name }) => ({ apiVersion: `${spec?.group}/${name}`, kind: spec?.names?.kind ?? '' }));
}

/** A definition is of use once it is Established and discovery serves it. @throws deadline_exceeded after 30 s. */
async function awaitDefinition(outcome: ApplyOutcome, ports: ApplyPorts): Promise<void> {
  const { kube, clock, signal } = ports;
  const { key, entry } = outcome.object;
  const resource = ports.find(entry.apiVersion, key.kind);
  if (!resource || !outcome.body) return;
  const until = clock.monotonic() + establishLimitMs;
  const kinds = definedKinds(outcome.body);
  let established = false;
  for (let waitMs = 50; clock.monotonic() < until && !signal.aborted; waitMs = Math.min(1_000, waitMs * 2)) {
    established ||= isEstablished(await kube.get({ resource, namespace: '', name: key.name }, signal));
    if (established) {
      const found = await Promise.all(kinds.map(({ apiVersion, kind }) => ports.resolve(apiVersion, kind)));
      if (found.every((served) => served !== undefined)) return;
    }
    await sleep(clock, waitMs, signal);
  }
  throw new FairwayError('deadline_exceeded', `${describeKey(key)} is not served after 30 s`);
}

async function applyGuarded(object: PlannedObject, ports: ApplyPorts): Promise<ApplyOutcome> {
  try {
    const outcome = await applyObject(object, ports);
    const isDefinition = object.key.kind === 'CustomResourceDefinition';
    if (isDefinition && (outcome.result === 'created' || outcome.result === 'applied'))
      await awaitDefinition(outcome, ports);
    return outcome;
  } catch (caught) {
    ports.signal.throwIfAborted();
    const error = toFairwayError(caught, object.keyText);
    return { object, result: isPassing(error) ? 'waiting' : 'failed', message: error.message, error };
  }
}

/**
 * An object whose turn has not come: what is applied there is put right by the manifest that made it, and the new one waits. Of an object without a
 * record it is found out whether it is as the new manifest says already.
 */
async function applyHeldUp(object: PlannedObject, why: string, ports: ApplyPorts): Promise<ApplyOutcome> {
  const waiting: ApplyOutcome = { object, result: 'waiting', message: why, heldUp: true };
  if (object.recorded !== undefined) {
    if (!object.heal || ports.objectText(object.recorded) === undefined) return waiting;
    const entry = { ...object.entry, objectDigest: object.recorded };
    ports.onOutcome(await applyGuarded({ ...object, entry }, ports));
    return waiting;
  }
  if (ports.knowledge(object.key) === 'absent') return waiting;
  const found = await applyGuarded(object, { ...ports, matchOnly: true });
  return found.result === 'matched' ? found : waiting;
}

/** Asks the gate once for each wave, and not again once it has said no: what is behind a closed gate is not reached. */
function createGate(ports: ApplyPorts): (object: PlannedObject) => Promise<string | undefined> {
  const answers = new Map<number, Promise<string | undefined>>();
  let closed: string | undefined;
  return async ({ entry, recorded, early }) => {
    if (early || recorded === entry.objectDigest) return undefined;
    if (closed !== undefined) return closed;
    const answer = answers.get(entry.wave) ?? ports.gate?.(entry.wave) ?? Promise.resolve(undefined);
    answers.set(entry.wave, answer);
    closed ??= await answer;
    return closed;
  };
}

/** Runs the plan. One object's refusal holds up what needs it, and the waves after its own. Throws only when aborted. */
export async function executeApplies(plan: SyncPlan, ports: ApplyPorts): Promise<void> {
  const missing = new Map<string, string>();
  const gate = createGate(ports);
  const settle = (outcome: ApplyOutcome) => {
    if (unsettled.has(outcome.result)) missing.set(outcome.object.keyText, describeKey(outcome.object.key));
    ports.onOutcome(outcome);
  };
  for (const stage of plan.stages)
    await forEachBounded(stage, parallelMax, async (object) => {
      const absent = object.needs.map((need) => missing.get(need)).find((name) => name !== undefined);
      if (object.verb === 'hold') settle({ object, result: 'held', message: '' });
      else if (object.verb === 'keep') settle({ object, result: 'kept', message: '' });
      else if (object.verb === 'skip') settle({ object, result: 'skipped', message: object.message });
      else if (object.verb === 'refuse')
        settle({
          object,
          result: 'failed',
          message: object.message,
          error: new FairwayError('failed_precondition', object.message),
        });
      else if (absent !== undefined)
        settle({ object, result: 'waiting', message: `waits for ${absent}, which could not be applied` });
      else {
        const why = await gate(object);
        settle(await (why === undefined ? applyGuarded(object, ports) : applyHeldUp(object, why, ports)));
      }
    });
}

/**
 * The agent's driver: one keyed loop over applications. Changes of the desired state, suspicions, health and timers only wake an application;
 * its step (sync-application.ts) rereads everything and moves it on. An idle agent sends nothing but watch renewals.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { planJitteredMs } from '../../shared/loop/backoff.ts';
import { createLoop, type KeyState } from '../../shared/loop/loop.ts';
import type { HealthStatus } from '../../shared/manifest/health.ts';
import { groupOf } from '../../shared/manifest/object.ts';
import { loadParents, type ParentContent } from '../apply/parent.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { isPassing } from '../kube/status-error.ts';
import type { Fences } from '../model/fencing.ts';
import { applySetId } from '../model/inventory.ts';
import type { Marks } from '../model/marks.ts';
import type { RecordStore } from '../model/record.ts';
import { createTextPool } from '../model/text-pool.ts';
import { type ContestOptions, createContestTracker } from '../observe/contest.ts';
import { createFactsReader, isSuspicious } from '../observe/facts.ts';
import { createHealthJudge } from '../observe/health-judge.ts';
import { createObserver } from '../observe/observer.ts';
import type { ObservedChange } from '../observe/watcher.ts';
import { createSecretOpener, type SecretOpener } from '../secrets/secret-opener.ts';
import { createClaims } from './claims.ts';
import {
  type AgentContext,
  type AgentMetrics,
  type AgentPorts,
  type ApplicationState,
  createApplicationState,
} from './context.ts';
import { forgetRefusals } from './release/retries.ts';
import { healthBy, reportError } from './report-phase.ts';
import { createResources, type Resources } from './resources.ts';
import { readRecords, restoreRecords } from './saved-records.ts';
import { createScalers } from './scalers.ts';
import { syncApplication } from './sync-application.ts';

export interface AgentLoopsOptions extends AgentPorts {
  /** Random for each start: makes event ids unique. */
  readonly instanceId: string;
  readonly contest?: ContestOptions;
  /** Opens encrypted manifests. Default: they are refused. */
  readonly secrets?: SecretOpener;
  /** Where targets are marked beside the inventory's parents. Default: there alone. */
  readonly marks?: Marks;
  /** Which applications are fenced. Default: none ever is. */
  readonly fences?: Fences;
  /** Keeps records across restarts. Default: they are rebuilt by reading. */
  readonly records?: RecordStore;
  /** 32 bytes that stay the same as long as `records` do. Default: random. */
  readonly secretKey?: Uint8Array;
}

export interface ApplicationSummary {
  readonly application: string;
  readonly health: HealthStatus;
  readonly appliedDigest: string | undefined;
  readonly objects: number;
  readonly failures: number;
}

export interface AgentLoops {
  /** Begins; the API server need not be there yet. Resolves once the loop is set up. */
  start(): Promise<void>;
  /** Looks at one application, or all, now. Sends nothing where nothing differs. */
  syncNow(application?: string): void;
  /** Reads every object of every application again, now. */
  checkNow(): void;
  stop(): Promise<void>;
  state(): {
    readonly loop: readonly KeyState[];
    readonly applications: readonly ApplicationSummary[];
    readonly watches: number;
    readonly observed: number;
    /** Objects that the API server has refused and that wait to be tried again. */
    readonly refused: number;
    /** Why the API server cannot be reached; undefined: it can. */
    readonly unreachable: string | undefined;
  };
  /** Resolves when no step runs or is queued. For tests and draining. */
  idle(): Promise<void>;
  readonly metrics: Readonly<AgentMetrics>;
}

/** Every object is read again about this often, as a net. */
const fullCheckIntervalMs = 3_600_000;
/** Applications worked on at once. */
const concurrencyMax = 4;

/** What a watch event means: nothing, a suspicion, or news of health. */
function onObserved(context: AgentContext, change: ObservedChange): void {
  const { keyText, before, after } = change;
  const owners = new Set([before?.partOf, after?.partOf]);
  for (const partOf of owners) {
    const application = partOf && context.applicationOf(partOf);
    const state = application ? context.states.get(application) : undefined;
    if (!state) continue;
    const record = state.records.get(keyText);
    if (!record) {
      // A hook may end before the first step does, and nothing else would tell.
      if (state.settled || after?.hookRun !== undefined) context.wake(state.application);
      continue;
    }
    if (!after || isSuspicious(record.facts, after.facts)) {
      state.suspects.set(keyText, state.suspects.get(keyText) ?? 'event');
      context.wake(state.application);
      continue;
    }
    const told = healthBy(before, state, keyText);
    // Mostly the answer to our own write has told of this version already.
    if (record.facts !== after.facts) state.records.set(keyText, { ...record, facts: after.facts });
    const { status, message } = healthBy(after, state, keyText);
    if (told.status !== status || told.message !== message) context.wake(state.application);
  }
}

function suspectAll(context: AgentContext): void {
  for (const state of context.states.values()) {
    for (const text of state.records.keys()) state.suspects.set(text, 'check');
    context.wake(state.application);
  }
}

function summarise({ states, observer, scalers }: AgentContext) {
  const all = [...states.values()];
  return {
    applications: all.map(({ application, health, appliedDigest, objects, failures }) => ({
      application,
      health,
      appliedDigest,
      objects: objects.size,
      failures,
    })),
    watches: observer.watches + scalers.watches,
    observed: observer.objects,
    refused: all.reduce((sum, { retries }) => sum + retries.size, 0),
    unreachable: observer.unreachable,
  };
}

function createMetrics(): AgentMetrics {
  return {
    syncs: 0,
    driftFound: 0,
    driftHealed: 0,
    driftMissedByWatch: 0,
    suspicions: 0,
    pruned: 0,
  };
}

/** A version that is not served says as much of where its objects lie as the one that is. */
function findAny(resources: Resources, apiVersion: string, kind: string): ApiResource | undefined {
  return resources.find(apiVersion, kind) ?? resources.findKind(groupOf(apiVersion), kind);
}

function createReveal(
  { secrets, namespace, clock }: AgentLoopsOptions,
  log: Logger,
): (text: string) => Promise<string> {
  const readKeys = () => Promise.resolve(undefined);
  const opener = secrets ?? createSecretOpener({ readKeys, namespace, clock, log });
  return (text) => opener.open(text);
}

/** What lies in the cluster from before: parents, and marks beside them. */
async function readInventory(
  { kube, namespace, marks, seenMarks }: AgentContext,
  onParent: (parent: ParentContent) => void,
  signal: AbortSignal,
): Promise<void> {
  const [parents, read] = await Promise.all([loadParents(kube, namespace, signal), marks?.read(signal)]);
  if (read) seenMarks.marks = read;
  for (const parent of parents) onParent(parent);
}

export function createAgentLoops(options: AgentLoopsOptions): AgentLoops {
  const { kube, desired, clock, random, namespace } = options;
  const log = options.log.with({ component: 'loops' });
  const states = new Map<string, ApplicationState>();
  const byApplySet = new Map<string, string>();
  const metrics = createMetrics();
  const common = { pool: createTextPool(), factsOf: createFactsReader() };
  let events = 0;
  let parentsRead: Promise<void> | undefined;
  /** Of applications that have no state yet. */
  const parents = new Map<string, ParentContent>();
  let unsubscribe = () => {};
  let cancelCheck = () => {};

  const stateOf = (application: string): ApplicationState => {
    const known = states.get(application);
    if (known) return known;
    const id = applySetId(application, namespace);
    const made = createApplicationState(application, id);
    restoreRecords(made, options.records?.take(application), common.pool);
    made.parent = parents.get(application);
    parents.delete(application);
    states.set(application, made);
    byApplySet.set(id, application);
    return made;
  };

  const takeParent = (parent: ParentContent) => {
    byApplySet.set(applySetId(parent.application, namespace), parent.application);
    const state = states.get(parent.application);
    // The hub may tell of the application later: what it has in the cluster is known then.
    if (state) state.parent = parent;
    else parents.set(parent.application, parent);
  };

  const step = async (application: string, signal: AbortSignal) => {
    try {
      parentsRead ??= readInventory(context, takeParent, signal).catch((caught: unknown) => {
        parentsRead = undefined;
        throw caught;
      });
      await parentsRead;
      return await syncApplication(context, application, signal, stateOf);
    } catch (caught) {
      const error = toFairwayError(caught, application);
      const wanted = desired.applications().get(application);
      if (wanted && error.code !== 'cancelled') reportError(context, wanted, stateOf(application), error);
      throw error;
    }
  };
  const loop = createLoop({ name: 'application', step, clock, random, log, concurrencyMax });
  const resources = createResources(kube, () => claims.invalidate());
  const claims = createClaims(desired, (apiVersion, kind) => findAny(resources, apiVersion, kind));
  const scalers = createScalers({
    ...{ kube, clock, random, log, desired, resources, claims },
    onTarget(text) {
      for (const name of desired.applications().keys()) if (claims.desires(text, name)) loop.wake(name);
    },
  });
  const health = createHealthJudge();
  const observer = createObserver({
    ...common,
    health,
    applicationOf: (partOf) => byApplySet.get(partOf),
    kube,
    clock,
    random,
    log,
    onChange: (change) => onObserved(context, change),
    // What can be seen decides what may be pruned and what is told of it.
    onState: () => {
      for (const state of states.values()) {
        if (observer.unreachable === undefined) forgetRefusals(state, isPassing);
        if (state.settled) loop.wake(state.application);
      }
    },
  });
  const context: AgentContext = {
    kube,
    desired,
    acks: options.acks,
    reports: options.reports,
    clock,
    random,
    log,
    namespace,
    observer,
    health,
    scalers,
    resources,
    contest: createContestTracker({ clock, random }, options.contest),
    claims,
    marks: options.marks,
    seenMarks: { marks: new Map() },
    ...common,
    fences: options.fences,
    states,
    secretKey: options.secretKey ?? random.bytes(32),
    reveal: createReveal(options, log),
    recordsChanged: () => options.records?.touch(() => readRecords(context)),
    metrics,
    nextEventId: () => `${options.instanceId}-${++events}`,
    wake: (application) => loop.wake(application),
    applicationOf: (id) => byApplySet.get(id),
  };

  const wakeAll = () => {
    for (const application of new Set([...desired.applications().keys(), ...states.keys()]))
      loop.wake(application);
  };
  const scheduleCheck = () => {
    cancelCheck = clock.after(planJitteredMs(fullCheckIntervalMs, random), () => {
      suspectAll(context);
      scheduleCheck();
    });
  };

  return {
    start() {
      const ends = [
        desired.subscribe(() => {
          claims.invalidate();
          scalers.invalidate();
          // What one application loses another may take, so a change of one concerns all. A step without a difference costs nothing.
          wakeAll();
        }),
        options.fences?.subscribe((applications) => {
          for (const application of applications) loop.wake(application);
        }),
      ];
      unsubscribe = () => {
        for (const end of ends) end?.();
      };
      // All of them now: what is not taken up is not kept for the next run.
      for (const application of desired.applications().keys()) stateOf(application);
      wakeAll();
      scheduleCheck();
      return Promise.resolve();
    },
    syncNow(application) {
      // Somebody asks for it: what was refused is tried again.
      for (const state of states.values())
        if (!application || state.application === application) {
          forgetRefusals(state);
          state.retryHooks = true;
        }
      if (application === undefined || application === '') wakeAll();
      else loop.wake(application);
    },
    checkNow: () => suspectAll(context),
    async stop() {
      unsubscribe();
      cancelCheck();
      observer.stop();
      scalers.stop();
      await loop.stop();
    },
    state: () => ({ loop: loop.state(), ...summarise(context) }),
    idle: () => loop.idle(),
    metrics,
  };
}

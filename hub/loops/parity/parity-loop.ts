/**
 * Watches parity groups: one key a group, single flight. Reports only mark what is dirty; a step reads that anew, compares it, and keeps the verdict with its time line
 * and events in one transaction. A hub that starts again compares everything once; everything is also looked at again from time to time, should a hint have been lost.
 */

import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import type { FairwayError } from '../../../shared/error/error.ts';
import type { Logger } from '../../../shared/log/log.ts';
import { createLoop, type Loop } from '../../../shared/loop/loop.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import type { ParityPort, ParityView } from '../../api/ports.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { ParityDifference, ParityGroup, ParityMoment, ParityState } from '../../model/parity.ts';
import {
  assessObjective,
  describeObjective,
  keepTurns,
  type ObjectiveReport,
  objectiveReasons,
  type Turn,
} from '../../parity/assess-objective.ts';
import { ageDifference, createAgeInput } from '../../parity/assess-readiness.ts';
import { describeOwners } from '../../parity/describe-owners.ts';
import { nextState } from '../../parity/next-state.ts';
import { parsePlacementKey } from '../../store/change-key.ts';
import type { Store, StoreTopic } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import type { Explainer } from '../preview/explain.ts';
import { createComparer } from './parity-between.ts';
import { createFactsLoop, type FollowedGroup } from './parity-facts.ts';
import { createGroupWatch, type Dirt, type GroupWatch } from './parity-group.ts';
import type { AskAgent } from './parity-live.ts';
import { createFieldSources } from './parity-sources.ts';
import { loadTurns } from './parity-turns.ts';
import { shareResolutions } from './shared-resolutions.ts';

export interface ParityLoopOptions {
  readonly store: Store;
  readonly digestKey: Uint8Array;
  readonly ask: AskAgent;
  readonly explain: Explainer['explain'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What is asked of parity, and what drives it. A group's differences are empty until it was compared. */
export interface ParityDriver extends ParityPort {
  readonly loops: readonly Loop[];
  /** Looks at every group. Does not wait. */
  wakeAll(): void;
  /** A change of the store. */
  changed(topic: StoreTopic, key: string): void;
  /** An agent says that facts have changed. */
  factsChanged(cluster: string): void;
  stop(): Promise<void>;
}

/** A key that no group has. */
const everyGroup = '*';
const gatherMs = 50;
/** Everything is compared again after this long. */
const fullMs = 600_000;
/** Time alone changes a verdict where somebody is away or behind. */
const ageMs = 10_000;
/** Until agents that answer are asked for the next few objects. */
const askMs = 1_000;
/** Between two writes of a state that nobody needs to be told of. */
const quietMs = 1_000;
const dirtyObjectsMax = 500;
const minuteMs = 60_000;

interface Watched {
  watch: GroupWatch;
  dirt: Dirt;
  comparedAtMs: number;
  /** When the last pass began. */
  lookedAtMs: number | undefined;
  savedAtMs: number;
  /** The state as it is in the store. */
  savedText: string;
  /** Of what its watch was made from. */
  readonly version: string;
  state: ParityState | undefined;
  /** Undefined: not read from the time line yet. */
  turns: readonly Turn[] | undefined;
  differences: readonly ParityDifference[];
}

function cleanDirt(): Dirt {
  return { all: false, placements: false, objects: new Set(), clusters: new Set() };
}

export function createParityLoop(options: ParityLoopOptions): ParityDriver {
  const { store, clock, log } = options;
  const watched = new Map<string, Watched>();
  const soon = new Map<string, () => void>();
  const onError = (error: FairwayError) =>
    log.debug('parity asks', { code: error.code, error: error.message });
  const sources = createFieldSources(options.explain, onError);
  const facts = createFactsLoop({
    ...options,
    onChanged(cluster, group, sections) {
      const one = watched.get(group);
      if (!one) return;
      // What encrypted values are is part of comparing objects; the rest is not.
      if (sections.has('sealed')) one.dirt.clusters.add(cluster);
      wakeSoon(group);
    },
  });
  const shared = shareResolutions(store);
  const ports = {
    store,
    resolutionOf: shared.resolution,
    factsOf: facts.factsOf,
    digestKey: options.digestKey,
    ask: options.ask,
    onError,
    now: () => clock.now(),
    turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };

  const compareBoth = createComparer(ports);

  /** Reads the groups anew; those that are gone are forgotten, with their time line. */
  const readFleet = async (): Promise<void> => {
    const fleet: Fleet = fleetOf(await store.fleet.load());
    const kept = new Map((await store.parity.states()).map((state) => [state.group, state]));
    sources.forget();
    const others = digestAround(fleet);
    for (const group of fleet.parityGroups.values()) {
      const before = watched.get(group.name);
      const version = `${JSON.stringify(group, withoutCommit)} ${others}`;
      if (before?.version === version) before.dirt.placements = true;
      else {
        const state = before?.state ?? kept.get(group.name);
        watched.set(group.name, {
          ...{
            watch: createGroupWatch(group, fleet, ports),
            version,
            state,
            savedText: JSON.stringify(state) ?? '',
          },
          ...{ dirt: { ...cleanDirt(), all: true }, differences: before?.differences ?? [] },
          ...{
            comparedAtMs: 0,
            lookedAtMs: undefined,
            savedAtMs: 0,
            turns: sameObjective(before, group) ? before?.turns : undefined,
          },
        });
      }
      loop.wake(group.name);
    }
    const gone = [...new Set([...watched.keys(), ...kept.keys()])].filter(
      (name) => !fleet.parityGroups.has(name),
    );
    for (const name of gone) {
      watched.delete(name);
      loop.forget(name);
    }
    facts.follow(followedGroups(watched));
    for (const name of gone) await store.parity.remove(name);
  };

  const step = async (name: string, signal: AbortSignal) => {
    if (name === everyGroup) {
      await readFleet();
      return undefined;
    }
    const one = watched.get(name);
    if (!one) return undefined;
    const dirt = one.dirt;
    if (clock.now() - one.comparedAtMs > fullMs) dirt.all = true;
    one.dirt = cleanDirt();
    const beganMs = clock.now();
    try {
      const { report, differences, asking, dueAtMs } = await one.watch.pass(dirt, one.state, signal);
      if (dirt.all) one.comparedAtMs = clock.now();
      const waitMs = await keep(one, report, differences);
      one.lookedAtMs = beganMs;
      if (asking === 'soon') return { requeueAfterMs: Math.min(waitMs ?? askMs, askMs) };
      if (asking === 'later' || differences.some(({ class: kind }) => kind === 'lagging'))
        return { requeueAfterMs: waitMs ?? ageMs };
      const quiet = report.verdict === 'Ready' ? Math.min(fullMs, Math.max(1, dueAtMs - clock.now())) : ageMs;
      return { requeueAfterMs: waitMs ?? quiet };
    } catch (caught) {
      // What was dirty is so still.
      one.dirt = { ...one.dirt, all: true };
      throw caught;
    }
  };

  /** @returns how long to wait before it may be kept, where that has time. */
  const keep = async (
    one: Watched,
    report: ParityState['report'],
    found: readonly ParityDifference[],
  ): Promise<number | undefined> => {
    const nowMs = clock.now();
    const { group } = one.watch;
    const explained = found.map((difference) => sources.describe(difference, group.primary));
    const described = describeOwners(report, explained);
    one.differences = described.differences;
    const before = one.state;
    one.turns ??= await loadTurns(store, group, nowMs);
    const objective = assessObjective(one.turns, nowMs, group.objective);
    const reasons = [...described.report.reasons, ...objectiveReasons(objective, report.owner)];
    const next = nextState(before, { ...described.report, reasons }, one.differences, nowMs);
    const { moment } = next;
    const state: ParityState = { ...next.state, objective: objective.state };
    learning.wake(group.name);
    const events: NewEvent[] = [];
    if (moment && before?.report.verdict !== report.verdict) events.push(changeEvent(state, moment));
    if (objective.state !== (before?.objective ?? 'held'))
      events.push(objectiveEvent(group.name, objective, nowMs));
    const text = JSON.stringify(state);
    const told = moment !== undefined || events.length > 0;
    if (told || (text !== one.savedText && nowMs - one.savedAtMs >= quietMs)) {
      // What cannot be kept is not taken for told: the next pass tells it.
      await store.parity.save(state, moment, events);
      if (moment) one.turns = keepTurns([...one.turns, moment], nowMs, group.objective);
      one.savedAtMs = nowMs;
      one.savedText = text;
    }
    one.state = state;
    if (moment) log.info('parity', { group: moment.group, message: moment.message });
    return text === one.savedText ? undefined : quietMs;
  };

  const learn = async (name: string, signal: AbortSignal) => {
    const one = watched.get(name);
    if (!one) return undefined;
    const { primary } = one.watch.group;
    const { learned, more } = await sources.learn(one.differences, primary, watched.size, signal);
    if (learned) loop.wake(name);
    return more ? { requeueAfterMs: learned ? 1 : quietMs } : undefined;
  };

  const loop = createLoop({ ...options, name: 'parity', step, concurrencyMax: 4, periodMs: fullMs });
  const learning = createLoop({ ...options, name: 'parity-sources', step: learn });

  const wakeSoon = (name: string) => {
    if (soon.has(name)) return;
    const wake = () => {
      soon.delete(name);
      loop.wake(name);
    };
    soon.set(name, clock.after(gatherMs, wake));
  };

  const mark = (cluster: string, change: (dirt: Dirt) => void) => {
    for (const [name, { watch, dirt }] of watched)
      if (watch.clusters.includes(cluster)) {
        change(dirt);
        wakeSoon(name);
      }
  };

  /** As of the last full minute, so that the same is told again while nothing happens; what it comes to is as it was told last. */
  const objectiveOf = (group: ParityGroup, state: ParityState, turns: readonly Turn[]): ObjectiveReport => {
    const minute = Math.floor(clock.now() / minuteMs) * minuteMs;
    const report = assessObjective(turns, Math.max(minute, turns.at(-1)?.atMs ?? 0), group.objective);
    return { ...report, state: state.objective ?? report.state };
  };

  const viewOf = ({ watch: { group }, state, turns, lookedAtMs }: Watched): ParityView | undefined =>
    state && { group, state, objective: turns && objectiveOf(group, state, turns), lookedAtMs };

  return {
    loops: [loop, learning, facts.loop],
    wakeAll: () => loop.wake(everyGroup),
    changed(topic, key) {
      if (topic === 'fleet') {
        shared.forget();
        loop.wake(everyGroup);
      }
      if (topic === 'registry') {
        mark(key, () => {});
        facts.wake(key);
      }
      if (topic === 'assignments' || topic === 'acknowledgements')
        mark(parsePlacementKey(key).cluster, (dirt) => {
          dirt.placements = true;
        });
      // A drill that is about to end waits for a look that is begun from here on.
      if (topic === 'failovers' && watched.has(key)) wakeSoon(key);
      if (topic === 'objects') mark(parsePlacementKey(key).cluster, (dirt) => addObject(dirt, key));
    },
    factsChanged: facts.changed,
    groups: () =>
      [...watched.values()]
        .map(viewOf)
        .filter((view) => view !== undefined)
        .sort((a, b) => (a.group.name < b.group.name ? -1 : 1)),
    group(name) {
      const one = watched.get(name);
      return one && viewOf(one);
    },
    differences(name) {
      const one = watched.get(name);
      if (!one) return [];
      const { freshness } = one.watch.group;
      const firstSeen = one.state?.firstSeen ?? {};
      const age = createAgeInput(freshness, one.state, clock.now());
      return one.differences.map((difference) => {
        const aged = ageDifference(difference, age);
        return { ...aged, sinceMs: aged.sinceMs ?? firstSeen[aged.id] };
      });
    },
    timeline: (name, page) => store.parity.timeline(name, page),
    compare: (primary, standby, application, signal) =>
      compareBoth({ primary, standby, application }, signal),
    async stop() {
      for (const cancel of soon.values()) cancel();
      await Promise.all([loop.stop(), learning.stop(), facts.loop.stop()]);
    },
  };
}

/** A window of another length needs another part of the time line. */
function sameObjective(before: Watched | undefined, { objective }: ParityGroup): boolean {
  return JSON.stringify(before?.watch.group.objective) === JSON.stringify(objective);
}

function followedGroups(watched: ReadonlyMap<string, Watched>): ReadonlyMap<string, FollowedGroup> {
  return new Map(
    [...watched].map(
      ([
        name,
        {
          watch: { clusters, group },
        },
      ]) => [name, { clusters, unowned: group.compare?.unowned ?? [] }],
    ),
  );
}

function addObject(dirt: Dirt, key: string): void {
  const [cluster = ''] = key.split('\n');
  if (!key.includes('\n') || dirt.objects.size >= dirtyObjectsMax) dirt.clusters.add(cluster);
  else dirt.objects.add(key);
}

/** A commit that changes nothing of what a watch is made from leaves all that was compared as it is. */
const withoutCommit = (key: string, value: unknown) => (key === 'commit' ? undefined : value);

/** What watches are made from besides their groups: once for all of them, and short, since each keeps it. */
function digestAround(fleet: Fleet): string {
  const labels = [...fleet.applications.values()].map((one) => [one.name, one.labels]);
  return digestText(JSON.stringify([[...fleet.clusters.values()], labels], withoutCommit));
}

function objectiveEvent(group: string, report: ObjectiveReport, timeMs: number): NewEvent {
  const { state, held, spent } = report;
  return createEvent({
    ...{ type: 'parity.objective', actor: 'hub', timeMs, message: `${group}: ${describeObjective(report)}` },
    data: { group, state, held, spent, target: report.objective.share },
  });
}

function changeEvent(state: ParityState, moment: Omit<ParityMoment, 'sequence'>): NewEvent {
  const { group, verdict, whole, score, counts, message, atMs } = moment;
  return createEvent({
    ...{ type: 'parity.changed', actor: 'hub', timeMs: atMs },
    message: `${group}: ${message}`,
    data: { group, verdict, whole, score, counts, primary: state.report.primary },
  });
}

/** A parity group as the hub watches it: what is dirty is read and compared again, and nothing else. */
import { type FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { isJsonObject } from '../../../shared/manifest/object.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import type {
  ParityDifference,
  ParityGroup,
  ParityReport,
  ParitySide,
  ParityState,
} from '../../model/parity.ts';
import type { RegisteredCluster } from '../../model/registry.ts';
import { assessReadiness, type PairFindings } from '../../parity/assess-readiness.ts';
import { compareFacts } from '../../parity/compare-facts.ts';
import type { PairContext } from '../../parity/compare-object.ts';
import { compareUnowned } from '../../parity/compare-unowned.ts';
import { createExpectationBook } from '../../parity/expectations.ts';
import type { ClusterFacts } from '../../parity/finding.ts';
import { createNormaliser } from '../../parity/normalise.ts';
import { schemaOf } from '../../preview/merge-keys.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { Store } from '../../store/store.ts';
import { estimateCatchUp } from './parity-catch-up.ts';
import { saltOf } from './parity-facts.ts';
import {
  loadContents,
  loadObserved,
  loadOneObserved,
  loadPlacements,
  loadPresentTargets,
  membersOf,
  type Placements,
  variablesOf,
} from './parity-inputs.ts';
import { type AskAgent, createLiveObjects } from './parity-live.ts';
import { type ApplicationPair, createApplicationPair, differencesOf, versionOf } from './parity-pair.ts';

export interface GroupPorts {
  readonly store: Store;
  /** Key of fingerprints, one for each group. */
  readonly digestKey: Uint8Array;
  readonly ask: AskAgent;
  /** As a group knows them; empty: as any does. */
  readonly factsOf: (cluster: string, group: string) => ClusterFacts | undefined;
  /** What the newest revision wants of an application. */
  readonly resolutionOf: (application: string) => Promise<Resolution | undefined>;
  readonly turn: () => Promise<void>;
  readonly now: () => number;
  readonly onError: (error: FairwayError) => void;
}

/** What may have changed since the last pass. */
export interface Dirt {
  /** The group, the fleet or everything that is observed. */
  all: boolean;
  /** Assignments. */
  placements: boolean;
  /** `cluster\napplication\nkey`. */
  readonly objects: Set<string>;
  /** All objects of these clusters. */
  readonly clusters: Set<string>;
}

export interface GroupResult {
  readonly report: ParityReport;
  readonly differences: readonly ParityDifference[];
  /** Whether live contents are still to be asked for. */
  readonly asking: 'nothing' | 'soon' | 'later';
  /** When time alone may make it another: a cluster is away for too long, an expectation ends. Infinity: never. */
  readonly dueAtMs: number;
}

export interface GroupWatch {
  readonly group: ParityGroup;
  /** The primary first. */
  readonly clusters: readonly string[];
  /** @param before what was told last: ages, and what clusters are besides until they have said it again. */
  pass(dirt: Dirt, before: ParityState | undefined, signal: AbortSignal): Promise<GroupResult>;
}

/** An agent that did not answer is not asked for so long. */
const silentMs = 5_000;
/** Rows of objects read side by side. */
const readsAtOnce = 50;
interface PairWatch {
  readonly standby: string;
  readonly applications: Map<string, ApplicationPair>;
  /** Applications that could not be compared, with the error's code. */
  readonly failures: Map<string, string>;
  /** What was found of the clusters themselves. */
  environment?: Found;
  /** What was found of fields that nobody applies. */
  unowned?: Found;
}

/** Differences, and what they were found from: by the same they need not be found again. */
interface Found {
  readonly from: readonly unknown[];
  readonly differences: readonly ParityDifference[];
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((part, at) => part === right[at]);
}

/** @param fleet what it was made from: another fleet needs another watch. */
export function createGroupWatch(group: ParityGroup, fleet: Fleet, ports: GroupPorts): GroupWatch {
  const { store } = ports;
  const { standbys, problems } = membersOf(group, fleet);
  const clusters = standbys.length === 0 ? [] : [group.primary, ...standbys];
  const pairs = standbys.map(
    (standby): PairWatch => ({ standby, applications: new Map(), failures: new Map() }),
  );
  const live = createLiveObjects(ports.ask, ports.onError);
  let placements: Placements = new Map();

  /** Expectations end: the book is made anew when one does. */
  let book: { readonly until: number; readonly made: PairContext['book'] } | undefined;
  const currentBook = () => {
    const nowMs = ports.now();
    if (book && nowMs < book.until) return book.made;
    const counting = group.expectations.filter(
      ({ expiresAtMs }) => (expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs,
    );
    const until = Math.min(...counting.map(({ expiresAtMs }) => expiresAtMs ?? Number.POSITIVE_INFINITY));
    book = { until, made: createExpectationBook(counting) };
    return book.made;
  };

  const factsOf = (cluster: string) => ports.factsOf(cluster, group.name);

  /** What agents say of encrypted values: the same whoever says it, under one salt. */
  const sealedOf = (standby: string) => {
    const [mine, other] = [factsOf(group.primary), factsOf(standby)];
    const told = [mine, other].map((one) => one?.values.get('sealed'));
    const saltedFor = mine && mine.saltedFor === other?.saltedFor ? mine.saltedFor : group.name;
    const find = (digest: string) =>
      told
        .map((values) => (values && Object.hasOwn(values, digest) ? values[digest] : undefined))
        .find(isJsonObject);
    return { saltedFor, find: mine?.saltedFor === other?.saltedFor ? find : () => undefined };
  };

  const contextOf =
    (standby: string) =>
    (parts: Pick<PairContext, 'contentOf' | 'normalisers' | 'ignore'>): PairContext => {
      const { saltedFor, find } = sealedOf(standby);
      let salt: Uint8Array | undefined;
      return {
        ...parts,
        primary: group.primary,
        standby,
        schemaOf,
        book: currentBook(),
        // Made where something is to be hidden at all.
        get salt() {
          salt ??= saltOf(saltedFor, ports.digestKey);
          return salt;
        },
        sealedOf: find,
        liveOf: (side, pair) => live.get(pair[side]),
      };
    };

  const rebuild = async (watch: PairWatch, application: string): Promise<void> => {
    const { standby } = watch;
    const [mine, other] = [group.primary, standby].map((cluster) =>
      placements.get(cluster)?.get(application),
    );
    const digests = [mine, other].flatMap((one) => [one?.wantedDigest, one?.assignment?.targetDigest]);
    const [targets, here, there] = await Promise.all([
      loadPresentTargets(
        store,
        digests.filter((digest) => digest !== undefined),
      ),
      loadObserved(store, group.primary, application),
      loadObserved(store, standby, application),
    ]);
    const made = await createApplicationPair({
      application,
      primary: { placed: mine, targets, observed: here },
      standby: { placed: other, targets, observed: there },
      variables: {
        primary: variablesOf(group, fleet.clusters.get(group.primary)),
        standby: variablesOf(group, fleet.clusters.get(standby)),
      },
      contextOf: contextOf(standby),
      ports: { contents: (wanted) => loadContents(store, wanted), turn: ports.turn },
    });
    await made.compare(made.all());
    watch.applications.set(application, made);
  };

  /** One that cannot be read leaves the others as they are: it is told, and tried again when anything of it changes, and from time to time. */
  const tryRebuild = async (watch: PairWatch, application: string): Promise<void> => {
    watch.failures.delete(application);
    try {
      await rebuild(watch, application);
    } catch (caught) {
      const error = toFairwayError(caught);
      if (error.retry) throw error;
      ports.onError(error);
      watch.applications.delete(application);
      watch.failures.set(application, error.code);
    }
  };

  /** Applications whose placement is another than what was compared, or that were observed anew as a whole. */
  const refresh = async (dirt: Dirt): Promise<void> => {
    if (dirt.all || dirt.placements)
      placements = await loadPlacements(store, group, clusters, fleet, ports.resolutionOf);
    for (const watch of pairs) {
      const names = new Set(
        [group.primary, watch.standby].flatMap((cluster) => [...(placements.get(cluster)?.keys() ?? [])]),
      );
      for (const known of [watch.applications, watch.failures])
        for (const name of known.keys()) if (!names.has(name)) known.delete(name);
      const whole = dirt.all || dirt.clusters.has(group.primary) || dirt.clusters.has(watch.standby);
      for (const name of [...names].sort()) {
        const [mine, other] = [group.primary, watch.standby].map((one) => placements.get(one)?.get(name));
        const known = watch.applications.get(name);
        if (whole || known?.version !== versionOf(mine, other)) await tryRebuild(watch, name);
      }
    }
  };

  const observeAll = async (texts: readonly string[]): Promise<void> => {
    // Whatever has no place yet, however many: each application is paired anew once.
    const again = new Map(pairs.map((watch) => [watch, new Set<string>()]));
    for (let at = 0; at < texts.length; at += readsAtOnce) {
      const places = texts.slice(at, at + readsAtOnce).map((text) => {
        const [cluster = '', application = '', object = ''] = text.split('\n');
        return { cluster, application, object };
      });
      const rows = await Promise.all(places.map((place) => loadOneObserved(store, place)));
      for (const [index, place] of places.entries()) await observeOne(place, rows[index], again);
    }
    for (const [watch, names] of again) for (const name of names) await tryRebuild(watch, name);
  };

  const observeOne = async (
    { cluster, application, object }: { cluster: string; application: string; object: string },
    row: ObjectObservation | undefined,
    again: ReadonlyMap<PairWatch, Set<string>>,
  ): Promise<void> => {
    for (const watch of pairs) {
      const side = cluster === group.primary ? 'primary' : cluster === watch.standby ? 'standby' : undefined;
      const known = watch.applications.get(application);
      if (!side || !known || again.get(watch)?.has(application)) continue;
      const pair = known.observe(side, object, row);
      if (pair) await known.compare([pair]);
      else again.get(watch)?.add(application);
    }
  };

  /** What is no object of the group is named by variables alone. */
  const wordsOf = (standby: string) => {
    const names = new Map<string, string>();
    const normaliserOf = (cluster: string) =>
      createNormaliser({ variables: variablesOf(group, fleet.clusters.get(cluster)), names });
    return { primary: normaliserOf(group.primary), standby: normaliserOf(standby) };
  };

  /** Thousands of facts are not compared again for each object that changes: only for other facts, another book, or a minute later. */
  const environmentOf = (watch: PairWatch, nowMs: number): readonly ParityDifference[] => {
    const { standby, applications } = watch;
    const used = new Set([...applications.values()].flatMap(({ apiVersions }) => [...apiVersions]));
    const facts = { primary: factsOf(group.primary), standby: factsOf(standby) };
    const made = currentBook();
    const minute = Math.floor(nowMs / 60_000);
    const inSide = (side: ParitySide) =>
      new Set([...applications.values()].flatMap(({ namespaces }) => [...namespaces[side]]));
    const namespaces = { primary: inSide('primary'), standby: inSide('standby') };
    const sets = [used, namespaces.primary, namespaces.standby].map((one) => [...one].sort().join(' '));
    const from = [facts.primary, facts.standby, made, minute, sets.join('\n')] as const;
    const known = watch.environment;
    if (known && isSame(known.from, from)) return known.differences;
    const { primary, freshness } = group;
    const differences = compareFacts({
      ...{ primary, standby, facts, used, namespaces, book: made, freshness, nowMs },
      normalisers: wordsOf(standby),
    });
    watch.environment = { from, differences };
    return differences;
  };

  /** Of other facts, another book or objects paired anew: what is reported of one object says nothing of such fields. */
  const unownedOf = (watch: PairWatch): readonly ParityDifference[] => {
    const { standby, applications, unowned: known } = watch;
    const fields = group.compare?.unowned ?? [];
    if (fields.length === 0) return [];
    const from = [factsOf(group.primary), factsOf(standby), currentBook(), ...applications.values()];
    if (known && isSame(known.from, from)) return known.differences;
    const differences = compareUnowned({
      ...{ primary: group.primary, standby, fields, book: currentBook() },
      facts: { primary: factsOf(group.primary), standby: factsOf(standby) },
      pairs: [...applications.values()].flatMap((one) => one.all()),
      normalisers: wordsOf(standby),
    });
    watch.unowned = { from, differences };
    return differences;
  };

  const askedIn = (watch: PairWatch, which: 'asking' | 'unseen'): number =>
    [...watch.applications.values()].reduce((sum, application) => sum + application[which]().size, 0);

  /** Clusters whose agents did not answer: a verdict waits for them once, and not with each object that changes. */
  const silent = new Set<string>();
  let silentUntilMs = 0;
  /** Asks agents for what reports do not tell. `soon`: they answer, and more is to be had. */
  const askLive = async (signal: AbortSignal): Promise<GroupResult['asking']> => {
    const seen = pairs.reduce((sum, one) => sum + askedIn(one, 'asking') - askedIn(one, 'unseen'), 0);
    live.keepOnly(seen, () =>
      pairs.flatMap(({ applications }) =>
        [...applications.values()].flatMap((one) => [...one.asking().values()]),
      ),
    );
    let open: GroupResult['asking'] = 'nothing';
    if (ports.now() >= silentUntilMs) silent.clear();
    const before = silent.size;
    for (const watch of pairs)
      for (const application of watch.applications.values()) {
        const unseen = [...application.unseen().values()];
        if (unseen.length === 0) continue;
        // Without both there is nothing to compare.
        if (silent.has(group.primary) || silent.has(watch.standby)) {
          if (open === 'nothing') open = 'later';
          continue;
        }
        const known = await live.ask(unseen, silent, signal);
        await application.compare(known);
        if (known.length < unseen.length && open !== 'soon') open = known.length > 0 ? 'soon' : 'later';
      }
    if (silent.size > before) silentUntilMs = ports.now() + silentMs;
    return open;
  };
  return {
    group,
    clusters,
    async pass(dirt, before, signal) {
      // Its own members alone: a fleet has a thousand more, and this is asked for each object that changes.
      const registering = Promise.all(clusters.map((name) => store.registry.cluster(name)));
      const ended = book !== undefined && ports.now() >= book.until;
      await refresh(ended ? { ...dirt, all: true } : dirt);
      if (!dirt.all) await observeAll([...dirt.objects]);
      const asking = await askLive(signal);
      const registered = await registering;
      const nowMs = ports.now();
      const findings = pairs.map((watch): PairFindings => {
        const owned = differencesOf(watch.applications.values());
        const unseen = askedIn(watch, 'unseen');
        const differences = [
          ...withoutTold(unownedOf(watch), owned),
          ...owned,
          ...environmentOf(watch, nowMs),
        ];
        return {
          standby: watch.standby,
          objects: [...watch.applications.values()].reduce((sum, { objects }) => sum + objects, 0),
          differences,
          failures: watch.failures,
          unseen,
          factsUnknown: [group.primary, watch.standby].filter((one) => factsOf(one) === undefined),
          gaps: [group.primary, watch.standby].flatMap((one) => [...(factsOf(one)?.gaps.keys() ?? [])]),
          asking: unseen > 0,
          untold: new Map(
            [group.primary, watch.standby].map((one) => [one, factsOf(one)?.untold ?? []] as const),
          ),
          presence: [group.primary, watch.standby].map((cluster) => presenceOf(cluster, registered)),
          catchUpMs: estimateCatchUp(differences, placements.get(watch.standby), nowMs),
        };
      });
      const differences = findings.flatMap((one) => one.differences);
      const report = assessReadiness({ group, pairs: findings, problems, before, nowMs });
      const silent = findings.flatMap(({ presence }) => presence).filter(({ connected }) => !connected);
      const { reportWithinMs } = group.freshness;
      // One that is away for too long already is told as that.
      const awayAtMs = silent
        .map(({ lastSeenAtMs = -Infinity }) => lastSeenAtMs + reportWithinMs + 1)
        .filter((atMs) => atMs > nowMs);
      const dueAtMs = Math.min(book?.until ?? Infinity, ...awayAtMs);
      return { report, differences, asking, dueAtMs };
    },
  };
}

/** A field that somebody applies after all is told as that. */
function withoutTold(
  unowned: readonly ParityDifference[],
  owned: readonly ParityDifference[],
): readonly ParityDifference[] {
  if (unowned.length === 0) return [];
  const told = new Set(owned.map(({ id }) => id));
  return unowned.filter(({ id }) => !told.has(id));
}

function presenceOf(cluster: string, registered: readonly (RegisteredCluster | undefined)[]) {
  const known = registered.find((one) => one?.name === cluster);
  return { cluster, connected: known?.connected ?? false, lastSeenAtMs: known?.lastSeenAtMs };
}

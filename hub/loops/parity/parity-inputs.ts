/** Loads what a parity group compares. The store is read for what may have changed alone. */
import type { Digest } from '../../../shared/manifest/canonical.ts';
import { hookReasons } from '../../../shared/manifest/hook-reasons.ts';
import { type KubeObject, keyText } from '../../../shared/manifest/object.ts';
import type { Target } from '../../../shared/manifest/target.ts';
import { matchesSelector } from '../../fleet/placement.ts';
import type { Application, Cluster, Fleet } from '../../model/fleet.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import type { ParityGroup } from '../../model/parity.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import { expandTemplate } from '../../render/overlay-templates.ts';
import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { AssignmentState } from '../../store/repositories/release-repository.ts';
import type { Store } from '../../store/store.ts';
import { loadTargets } from '../load-targets.ts';

const pageSize = 500;
const digestsAtOnce = 500;
/** Of the application's own labels, and this one. */
const applicationLabel = 'fairway.dev/application';

const hooks: ReadonlySet<string> = new Set(hookReasons);

export interface GroupMembers {
  readonly standbys: readonly string[];
  readonly problems: readonly string[];
}

/** Who stands by, and what is wrong with the names. Pure. */
export function membersOf(group: ParityGroup, fleet: Pick<Fleet, 'clusters'>): GroupMembers {
  const { clusters, region } = group.standbys;
  const problems = [group.primary, ...clusters]
    .filter((name) => !fleet.clusters.has(name))
    .map((name) => `there is no Cluster ${name}`);
  const found = new Set(clusters.filter((name) => fleet.clusters.has(name)));
  for (const cluster of fleet.clusters.values())
    if (region !== undefined && cluster.region === region && cluster.role === 'standby')
      found.add(cluster.name);
  found.delete(group.primary);
  return { standbys: fleet.clusters.has(group.primary) ? [...found].sort() : [], problems };
}

export function isSelected(
  { applications }: ParityGroup,
  name: string,
  application: Application | undefined,
): boolean {
  const { names, selector } = applications;
  if (names.length === 0 && selector === undefined) return true;
  if (names.includes(name)) return true;
  return (
    selector !== undefined && matchesSelector(selector, { ...application?.labels, [applicationLabel]: name })
  );
}

/** A group's variables with their values in a cluster; what a cluster does not state has none. */
export function variablesOf(group: ParityGroup, cluster: Cluster | undefined): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, template] of Object.entries(group.variables)) {
    const expanded = cluster && expandTemplate(template, cluster);
    if (expanded?.ok) values.set(name, expanded.path);
  }
  return values;
}

/** One application in one cluster, without what was observed. */
export interface Placed {
  readonly wantedDigest: Digest | undefined;
  readonly assignment: AssignmentState | undefined;
  /** Why the newest revision cannot be had: then what it has is what it shall have. */
  readonly stuck?: string | undefined;
}

/** By cluster and application: what the newest revision wants, and what is assigned. */
export type Placements = ReadonlyMap<string, ReadonlyMap<string, Placed>>;

export async function loadPlacements(
  store: Store,
  group: ParityGroup,
  clusters: readonly string[],
  fleet: Pick<Fleet, 'applications'>,
  resolutionOf: (application: string) => Promise<Resolution | undefined>,
): Promise<Placements> {
  const placements = new Map<string, Map<string, Placed>>();
  const applications = new Set<string>();
  const assigned = await Promise.all(clusters.map((cluster) => store.releases.assignments({ cluster })));
  const byPlace = new Map(assigned.flat().map((one) => [`${one.cluster}/${one.application}`, one]));
  for (const name of [...fleet.applications.keys(), ...assigned.flat().map((one) => one.application)])
    if (isSelected(group, name, fleet.applications.get(name))) applications.add(name);
  const resolutions = await Promise.all(
    [...applications].map(async (name) => [name, await resolutionOf(name)] as const),
  );
  for (const cluster of clusters) {
    const places = new Map<string, Placed>();
    for (const [application, resolution] of resolutions) {
      const assignment = byPlace.get(`${cluster}/${application}`);
      const current = assignment?.removed ? undefined : assignment?.targetDigest;
      const found = resolution?.targets[cluster];
      const problem = found === undefined ? problemOf(resolution, cluster) : undefined;
      const wantedDigest = resolution && problem === undefined ? found : current;
      const stuck = problem && describeProblem(problem);
      if (wantedDigest !== undefined || assignment || stuck !== undefined)
        places.set(application, { wantedDigest, assignment, stuck });
    }
    placements.set(cluster, places);
  }
  return placements;
}

/** What is wrong with an application in a cluster that stays at what it has for it. */
function problemOf(resolution: Resolution | undefined, cluster: string): Problem | undefined {
  return resolution?.problems.find((one) => one.cluster === cluster || one.cluster === '')?.problem;
}

/** Targets by digest; one that takes an application out is left out. */
export async function loadPresentTargets(
  store: Store,
  digests: readonly Digest[],
): Promise<ReadonlyMap<Digest, Target>> {
  const targets = await loadTargets(store, digests);
  return new Map([...targets].filter(([, { removed }]) => !removed));
}

/** By keyText; hooks are left out. */
export async function loadObserved(
  store: Store,
  cluster: string,
  application: string,
): Promise<Map<string, ObjectObservation>> {
  const observed = new Map<string, ObjectObservation>();
  let cursor: string | undefined;
  do {
    const page = await store.observations.objects({ cluster, application }, { limit: pageSize, cursor });
    for (const row of page.items) if (!hooks.has(row.reason)) observed.set(keyText(row.key), row);
    cursor = page.next;
  } while (cursor !== undefined);
  return observed;
}

export async function loadOneObserved(
  store: Store,
  place: { readonly cluster: string; readonly application: string; readonly object: string },
): Promise<ObjectObservation | undefined> {
  const [row] = (await store.observations.objects(place, { limit: 1 })).items;
  return row && !hooks.has(row.reason) ? row : undefined;
}

/** Parsed contents by digest. */
export async function loadContents(
  store: Store,
  digests: ReadonlySet<Digest>,
): Promise<ReadonlyMap<Digest, KubeObject>> {
  const all = [...digests];
  const contents = new Map<Digest, KubeObject>();
  for (let at = 0; at < all.length; at += digestsAtOnce)
    for (const [digest, { content }] of await store.content.objects(all.slice(at, at + digestsAtOnce)))
      contents.set(digest, JSON.parse(content) as KubeObject);
  return contents;
}

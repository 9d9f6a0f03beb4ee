import { digestJson } from '../../shared/manifest/canonical.ts';
import type { Problem } from '../model/problem.ts';
import type {
  ApplicationReport,
  ChangeVariant,
  ClusterList,
  DiffReport,
  DiffSide,
  FieldReport,
  ObjectReport,
  ProblemReport,
  SettingsVariant,
} from './report.ts';

/** A change of one object, ready to be told; clusters whose variantId is the same are told together. */
export interface PreparedChange {
  readonly objectId: string;
  readonly variantId: string;
  readonly variant: Omit<ChangeVariant, 'clusters'>;
}

export interface PreparedSettings {
  readonly variantId: string;
  readonly fields: readonly FieldReport[];
  readonly fieldsOmitted: number;
}

export interface PlacementChange {
  readonly application: string;
  readonly cluster: string;
  readonly placement: 'placed' | 'withdrawn' | 'kept';
  readonly changes: readonly PreparedChange[];
  readonly settings: PreparedSettings | undefined;
}

export interface GroupLimits {
  readonly variantsMax: number;
  readonly problemsMax: number;
  readonly clusterNamesMax: number;
}

/** Takes changes cluster by cluster and gives one report; what is beyond the bounds is counted, never silently lost. */
export interface Grouping {
  add(change: PlacementChange): void;
  /** @param cluster empty: of none in particular. */
  addProblem(side: 'from' | 'to', application: string, cluster: string, problem: Problem): void;
  report(from: DiffSide, to: DiffSide): DiffReport;
}

/** Different changes held while the most frequent are looked for, for each that may be told. */
const heldForEachTold = 20;

interface Variant<T> {
  readonly value: T;
  readonly clusters: Set<string>;
}

interface ApplicationState {
  readonly clusters: Set<string>;
  readonly placed: Set<string>;
  readonly withdrawn: Set<string>;
  readonly settings: Map<string, Variant<PreparedSettings>>;
  readonly objects: Map<string, Map<string, Variant<PreparedChange['variant']>>>;
}

interface ProblemState {
  readonly sides: Set<'from' | 'to'>;
  readonly application: string;
  readonly clusters: Set<string>;
  readonly problem: Problem;
}

export function createGrouping(limits: GroupLimits): Grouping {
  const applications = new Map<string, ApplicationState>();
  const problems = new Map<string, ProblemState>();
  const clusters = new Set<string>();
  const counts = { added: 0, removed: 0, changed: 0 };
  let held = 0;
  let dropped = 0;
  const addTo = <T>(variants: Map<string, Variant<T>>, id: string, value: T, cluster: string) => {
    const known = variants.get(id);
    if (known) known.clusters.add(cluster);
    else if (held >= limits.variantsMax * heldForEachTold) dropped += 1;
    else {
      held += 1;
      variants.set(id, { value, clusters: new Set([cluster]) });
    }
  };

  return {
    add({ application, cluster, placement, changes, settings }) {
      if (placement === 'kept' && changes.length === 0 && !settings) return;
      const state = getOrMake(applications, application, newApplication);
      clusters.add(cluster);
      state.clusters.add(cluster);
      if (placement !== 'kept') state[placement].add(cluster);
      if (settings) addTo(state.settings, settings.variantId, settings, cluster);
      for (const { objectId, variantId, variant } of changes) {
        counts[variant.action] += 1;
        addTo(
          getOrMake(state.objects, objectId, () => new Map()),
          variantId,
          variant,
          cluster,
        );
      }
    },
    addProblem(side, application, cluster, problem) {
      const make = (): ProblemState => ({ sides: new Set(), application, clusters: new Set(), problem });
      const state = getOrMake(problems, digestJson([application, problem]), make);
      state.sides.add(side);
      if (cluster !== '') state.clusters.add(cluster);
    },
    report(from, to) {
      const told = [...problems.values()].map((state) => problemReport(state, limits));
      const differing = [...applications].map(([name, state]) => applicationReport(name, state, limits));
      const { kept, omitted } = boundVariants(differing, limits.variantsMax);
      return {
        from,
        to,
        differs: applications.size > 0 || told.some(({ side }) => side === 'to'),
        summary: { applications: applications.size, clusters: clusters.size, ...counts },
        applications: kept,
        problems: told.slice(0, limits.problemsMax),
        omitted: omitted + dropped + Math.max(0, told.length - limits.problemsMax),
      };
    },
  };
}

function newApplication(): ApplicationState {
  return {
    clusters: new Set(),
    placed: new Set(),
    withdrawn: new Set(),
    settings: new Map(),
    objects: new Map(),
  };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function clusterList(clusters: ReadonlySet<string>, { clusterNamesMax }: GroupLimits): ClusterList {
  return { count: clusters.size, names: [...clusters].sort().slice(0, clusterNamesMax) };
}

/** Most clusters first; the sort is stable, so that equal ones stay in the order of their first clusters. */
function byClusters<T>(variants: ReadonlyMap<string, Variant<T>>): readonly Variant<T>[] {
  return [...variants.values()].sort((a, b) => b.clusters.size - a.clusters.size);
}

function applicationReport(name: string, state: ApplicationState, limits: GroupLimits): ApplicationReport {
  const settings = byClusters(state.settings).map(
    ({ value, clusters }): SettingsVariant => ({
      clusters: clusterList(clusters, limits),
      fields: value.fields,
      fieldsOmitted: value.fieldsOmitted,
    }),
  );
  const objects = [...state.objects.values()].map(
    (variants): ObjectReport => ({
      variants: byClusters(variants).map(({ value, clusters }) => ({
        ...value,
        clusters: clusterList(clusters, limits),
      })),
    }),
  );
  return {
    name,
    clusters: clusterList(state.clusters, limits),
    placed: clusterList(state.placed, limits),
    withdrawn: clusterList(state.withdrawn, limits),
    settings,
    objects,
  };
}

/** Keeps the first `max` variants of settings and objects over all applications. */
function boundVariants(
  applications: readonly ApplicationReport[],
  max: number,
): { readonly kept: readonly ApplicationReport[]; readonly omitted: number } {
  let left = max;
  let omitted = 0;
  const take = <T>(variants: readonly T[]): readonly T[] => {
    const kept = variants.slice(0, left);
    left -= kept.length;
    omitted += variants.length - kept.length;
    return kept;
  };
  const kept = applications.map((application) => ({
    ...application,
    settings: take(application.settings),
    objects: application.objects
      .map(({ variants }) => ({ variants: take(variants) }))
      .filter(({ variants }) => variants.length > 0),
  }));
  return { kept, omitted };
}

function problemReport(
  { sides, application, clusters, problem }: ProblemState,
  limits: GroupLimits,
): ProblemReport {
  const side = sides.size === 2 ? 'both' : sides.has('to') ? 'to' : 'from';
  return { side, application, clusters: clusterList(clusters, limits), problem };
}

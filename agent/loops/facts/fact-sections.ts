/** How each section of a cluster's facts is collected, and what it leaves out. One kind that may not be listed is left out of its section; the others are told. */
import {
  type FactGap,
  type FactSection,
  type FactValues,
  factsBytesMax,
  factsMax,
  type UnownedField,
} from '../../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { nodeFacts, requestFacts } from '../../observe/capacity-facts.ts';
import {
  apiFacts,
  backupFacts,
  classFacts,
  definitionFacts,
  imageFacts,
  kubeletVersions,
  podSecurityFacts,
  specFacts,
  unmanagedFacts,
} from '../../observe/cluster-facts.ts';
import type { NamedFacts } from '../../observe/fact-fields.ts';
import { handMadeKinds, trimOwned, type WatchedKind, watchedKinds } from '../../observe/fact-shapes.ts';
import type { FactKind } from '../../observe/fact-watch.ts';
import { certificateFacts } from '../../observe/held-values.ts';
import { type Collected, gapOf } from './fact-gaps.ts';
import { type FactLists, type FactListsPorts, unmanagedSelector } from './fact-lists.ts';
import type { FactValuesReader, Held, HolderKind } from './fact-values.ts';
import type { GroupFacts } from './group-facts.ts';
import { type Listed, nothingListed, objectsOf } from './list-objects.ts';

/** One question's view: what several sections need is had once. */
export interface FactView {
  readonly lists: FactLists;
  readonly kube: FactListsPorts['kube'];
  readonly namespaces: readonly string[];
  readonly unowned: readonly UnownedField[];
  readonly group: GroupFacts;
  readonly signal: AbortSignal;
  list(kind: WatchedKind): Promise<Listed>;
  held(kind: HolderKind): Promise<Held>;
}

export function createFactView(parts: Omit<FactView, 'list' | 'held'>, values: FactValuesReader): FactView {
  const { lists, signal } = parts;
  const begun = new Map<string, Promise<unknown>>();
  const once = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const found = (begun.get(name) as Promise<T> | undefined) ?? work();
    begun.set(name, found);
    return found;
  };
  return {
    ...parts,
    list: (name) =>
      once(`list ${name}`, async () => {
        const kind = watchedKinds.find((one) => one.kind === name);
        return kind ? lists.list(kind, signal) : nothingListed;
      }),
    held: (kind) => once(`held ${kind}`, () => values.held(kind, signal)),
  };
}

/** What is found, or that nothing is known of the kind. Undefined found: of that kind. */
async function attempt<T extends { readonly gaps: readonly FactGap[] }>(
  kind: string,
  { signal }: FactView,
  work: () => Promise<T>,
): Promise<{ readonly found: T | undefined; readonly gaps: readonly FactGap[] }> {
  try {
    const found = await work();
    return { found, gaps: found.gaps };
  } catch (caught) {
    signal.throwIfAborted();
    return { found: undefined, gaps: [gapOf(kind, caught)] };
  }
}

type Collect = (view: FactView) => Promise<Collected>;

/** Of objects of one kind. */
const ofKind =
  (kind: WatchedKind, facts: (objects: readonly KubeObject[], view: FactView) => NamedFacts): Collect =>
  async (view) => {
    const listed = await view.list(kind);
    return { facts: facts(objectsOf(listed), view), gaps: listed.gaps };
  };

/** Of several kinds. */
async function listSome(view: FactView, kinds: readonly FactKind[]): Promise<Listed> {
  const all: Listed[] = [];
  for (const kind of kinds) {
    const { found = nothingListed, gaps } = await attempt(kind.kind, view, () =>
      view.lists.list(kind, view.signal),
    );
    all.push({ counted: found.counted, gaps });
  }
  return { counted: all.flatMap(({ counted }) => counted), gaps: all.flatMap(({ gaps }) => gaps) };
}

const handMade = handMadeKinds.map(
  ([group, kind]): FactKind => ({
    ...{ group, kind, metadataOnly: true, labelSelector: unmanagedSelector, trim: trimOwned },
  }),
);
const backups = ['Schedule', 'Backup', 'VolumeSnapshot', 'ReplicationSource'] as const;

const version: Collect = async (view) => {
  const { kube, lists, signal } = view;
  const kubernetes = await lists.slowly('version', (until) => kube.version(until), signal);
  const { found, gaps } = await attempt('Node', view, () => view.list('Node'));
  return {
    facts: [
      ['kubernetes', kubernetes],
      ...(found ? [['kubelets', kubeletVersions(objectsOf(found))] as const] : []),
    ],
    gaps,
  };
};

/** What an aggregated API server serves that is away nobody can say. */
const apis: Collect = async ({ kube, lists, signal }) => {
  const facts = apiFacts(await lists.served(signal));
  const gaps = [...kube.staleGroups()].map(
    (kind): FactGap => ({ kind, reason: 'failed', message: 'its API server does not answer' }),
  );
  return { facts, gaps };
};

const capacity: Collect = async (view) => {
  const nodes = await attempt('Node', view, () => view.list('Node'));
  const pods = await attempt('Pod', view, () => view.list('Pod'));
  // Of some of the pods alone nothing is known of what all take of the nodes.
  const isWhole = pods.gaps.length === 0;
  return {
    facts: [
      ...(nodes.found ? nodeFacts(objectsOf(nodes.found), isWhole ? pods.found?.counted : undefined) : []),
      ...(pods.found ? requestFacts(pods.found.counted) : []),
    ],
    gaps: [...nodes.gaps, ...pods.gaps],
  };
};

const images: Collect = async (view) => {
  const { counted, gaps } = await view.list('Pod');
  // Pods of other namespaces are none of the images' business.
  return { facts: imageFacts(counted), gaps: gaps.filter(({ reason }) => reason !== 'denied') };
};

const certificates: Collect = async (view) => {
  const secrets = await attempt('Secret', view, () => view.held('Secret'));
  const issued = await attempt('Certificate', view, () => view.list('Certificate'));
  return {
    facts: certificateFacts(secrets.found?.values ?? [], objectsOf(issued.found ?? nothingListed)),
    gaps: [...secrets.gaps, ...issued.gaps],
  };
};

const collectors: Readonly<Record<FactSection, Collect>> = {
  ...{ version, apis, capacity, images, certificates },
  crds: ofKind('CustomResourceDefinition', definitionFacts),
  storageClasses: ofKind('StorageClass', classFacts),
  ingressClasses: ofKind('IngressClass', classFacts),
  priorityClasses: ofKind('PriorityClass', classFacts),
  runtimeClasses: ofKind('RuntimeClass', classFacts),
  quotas: ofKind('ResourceQuota', specFacts),
  limits: ofKind('LimitRange', specFacts),
  podSecurity: ofKind('Namespace', (objects, { namespaces }) => {
    const wanted = new Set(namespaces);
    return podSecurityFacts(objects.filter(({ metadata }) => wanted.has(metadata.name)));
  }),
  async secrets({ held, group }) {
    const { values, gaps } = await held('Secret');
    return { facts: group.fingerprints(values), gaps };
  },
  async configMaps({ held, group }) {
    const { values, gaps } = await held('ConfigMap');
    return { facts: group.fingerprints(values), gaps };
  },
  async unmanaged(view) {
    const listed = await listSome(view, handMade);
    return { facts: unmanagedFacts(objectsOf(listed)), gaps: listed.gaps };
  },
  async backups(view) {
    const kinds = watchedKinds.filter(({ kind }) => (backups as readonly string[]).includes(kind));
    const listed = await listSome(view, kinds);
    const schedulesKnown = !listed.gaps.some(({ kind }) => kind === 'Schedule');
    return { facts: backupFacts(objectsOf(listed), schedulesKnown), gaps: listed.gaps };
  },
  sealed: ({ group, signal }) => group.sealed.collect(signal),
  unowned: ({ group, unowned, signal }) => group.unowned.collect(unowned, signal),
};

/** The values of a section, by name, as many as may be told. */
function toValues(facts: NamedFacts): { readonly values: FactValues; readonly told: number } {
  const sorted = [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  const kept: (typeof facts)[number][] = [];
  let bytes = 2;
  for (const [name, value] of sorted.slice(0, factsMax)) {
    bytes += Buffer.byteLength(JSON.stringify([name, value]));
    if (bytes > factsBytesMax) break;
    kept.push([name, value]);
  }
  return { values: Object.fromEntries(kept), told: kept.length };
}

/** Values of a section with what they leave out. @throws what is wrong where it cannot be collected at all. */
export async function collectSection(
  section: FactSection,
  view: FactView,
): Promise<{ readonly values: FactValues; readonly gaps: readonly FactGap[] }> {
  const { facts, gaps } = await collectors[section](view);
  const { values, told } = toValues(facts);
  const cut: readonly FactGap[] =
    told === facts.length
      ? []
      : [{ kind: '', reason: 'bound', message: `of ${facts.length} the first ${told} are told, by name` }];
  return { values, gaps: [...cut, ...gaps] };
}

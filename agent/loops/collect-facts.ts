/**
 * Answers what a cluster is besides the objects of its applications. A hub that wants to know of changes says so: then what can be watched is watched, what has changed is told,
 * and nothing is read twice; that ends when nobody has asked for a while. What may not be read is told as such; the rest is collected all the same.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import { digestJson } from '../../shared/manifest/canonical.ts';
import {
  type FactSection,
  type FactValues,
  factSections,
  factsMax,
  type SectionFacts,
  type UnownedField,
} from '../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { DesiredState } from '../model/desired.ts';
import { nodeFacts, requestFacts } from '../observe/capacity-facts.ts';
import {
  apiFacts,
  backupFacts,
  classFacts,
  definitionFacts,
  imageFacts,
  kubeletVersions,
  type NamedFacts,
  podSecurityFacts,
  specFacts,
  unmanagedFacts,
} from '../observe/cluster-facts.ts';
import { handMadeKinds, trimOwned, trimPod, trimStatus, watchedKinds } from '../observe/fact-shapes.ts';
import { certificateFacts, fingerprintFacts, type HeldValues } from '../observe/held-values.ts';
import { createFactLists, type FactLists, type FactListsPorts, unmanagedSelector } from './fact-lists.ts';
import { createFactValues, type HolderKind } from './fact-values.ts';
import { createGroupBook, type GroupFacts } from './group-facts.ts';
import { createNotices } from './notices.ts';
import { createSealedFacts, type SealedFactsPorts } from './sealed-facts.ts';
import { createUnownedFacts } from './unowned-facts.ts';

export interface FactsQuestion {
  /** Key of fingerprints: the same for all clusters of a parity group. */
  readonly salt: Uint8Array;
  /** What the hub knows already, by digest. */
  readonly known: Readonly<Record<string, string>>;
  /** Changes are to be told. Default false: what nobody watches is listed anew. */
  readonly watch?: boolean;
  /** Default none. */
  readonly unowned?: readonly UnownedField[];
}

export interface FactsPorts extends Omit<FactListsPorts, 'onChange' | 'namespaces'> {
  readonly desired: Pick<DesiredState, 'applications' | 'object' | 'subscribe'>;
  readonly reveal: SealedFactsPorts['reveal'];
  /** The agent's own. */
  readonly namespace: string;
}

export interface FactCollector {
  /** Every section; the values of those alone that the hub does not know yet. */
  collect(question: FactsQuestion, signal: AbortSignal): Promise<readonly SectionFacts[]>;
  /** Called when something that is watched has changed, a moment later and not too often. */
  onChange(listener: () => void): () => void;
  /** Open watches of kinds. */
  readonly watches: number;
  stop(): void;
}

const namespacesMax = 500;

function managedNamespaces(desired: FactsPorts['desired']): readonly string[] {
  const names = new Set<string>();
  for (const { target } of desired.applications().values())
    for (const { key } of target.set.entries) names.add(key.namespace || target.sync.namespace);
  return [...names]
    .filter((name) => name !== '')
    .sort()
    .slice(0, namespacesMax);
}

interface PodFacts {
  readonly images: NamedFacts;
  readonly requests: NamedFacts;
}

/** One question's view: what several sections need is had once. */
interface View {
  readonly lists: FactLists;
  readonly kube: FactsPorts['kube'];
  readonly namespaces: readonly string[];
  readonly question: FactsQuestion;
  readonly group: GroupFacts;
  readonly signal: AbortSignal;
  list(kind: string): Promise<readonly KubeObject[]>;
  held(kind: HolderKind): Promise<readonly HeldValues[]>;
  slowly<T>(name: string, work: () => Promise<T>): Promise<T>;
}

function createView(parts: Omit<View, 'list' | 'held' | 'slowly'>): View {
  const { lists, group, signal } = parts;
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
        return kind ? lists.list(kind, signal) : [];
      }),
    held: (kind) => once(`held ${kind}`, () => group.values.held(kind, signal)),
    slowly: (name, work) => once(name, () => lists.slowly(name, work)),
  };
}

/** @param trim what is kept of each, as it comes. */
async function listAll(
  { lists, signal }: View,
  kinds: readonly (readonly [group: string, kind: string])[],
  trim: (object: KubeObject) => KubeObject,
  more: { readonly metadataOnly?: boolean; readonly labelSelector?: string } = {},
): Promise<readonly KubeObject[]> {
  const found: KubeObject[] = [];
  for (const [group, kind] of kinds)
    await lists.each({ group, kind, ...more }, (object) => found.push(trim(object)), signal);
  return found;
}

/** Pods come and go by the thousand: they are listed, not watched, and trimmed as they come. */
function podFacts({ slowly, lists, signal }: View): Promise<PodFacts> {
  return slowly('pods', async () => {
    const pods: KubeObject[] = [];
    await lists.each({ group: '', kind: 'Pod' }, (pod) => pods.push(trimPod(pod)), signal);
    return { images: imageFacts(pods), requests: requestFacts(pods) };
  });
}

const backups = [
  ['velero.io', 'Schedule'],
  ['velero.io', 'Backup'],
  ['snapshot.storage.k8s.io', 'VolumeSnapshot'],
  ['volsync.backube', 'ReplicationSource'],
] as const;

type Collect = (view: View) => Promise<NamedFacts>;

const collectors: Readonly<Record<FactSection, Collect>> = {
  version: async ({ kube, signal, slowly, list }) => [
    ['kubernetes', await slowly('version', () => kube.version(signal))],
    // That nodes may not be listed is told of the capacity.
    ['kubelets', kubeletVersions(await list('Node').catch(() => []))],
  ],
  apis: async ({ lists, signal }) => apiFacts(await lists.served(signal)),
  crds: async ({ list }) => definitionFacts(await list('CustomResourceDefinition')),
  storageClasses: async ({ list }) => classFacts(await list('StorageClass')),
  ingressClasses: async ({ list }) => classFacts(await list('IngressClass')),
  priorityClasses: async ({ list }) => classFacts(await list('PriorityClass')),
  runtimeClasses: async ({ list }) => classFacts(await list('RuntimeClass')),
  capacity: async (view) => [...nodeFacts(await view.list('Node')), ...(await podFacts(view)).requests],
  quotas: async ({ list }) => specFacts(await list('ResourceQuota')),
  limits: async ({ list }) => specFacts(await list('LimitRange')),
  podSecurity: async ({ list, namespaces }) =>
    podSecurityFacts((await list('Namespace')).filter(({ metadata }) => namespaces.includes(metadata.name))),
  images: async (view) => (await podFacts(view)).images,
  secrets: async ({ held }) => fingerprintFacts(await held('Secret')),
  configMaps: async ({ held }) => fingerprintFacts(await held('ConfigMap')),
  unmanaged: (view) =>
    view.slowly('unmanaged', async () =>
      unmanagedFacts(
        await listAll(view, handMadeKinds, trimOwned, {
          metadataOnly: true,
          labelSelector: unmanagedSelector,
        }),
      ),
    ),
  certificates: async (view) =>
    certificateFacts(
      await view.held('Secret'),
      await view.slowly('certificates', () =>
        listAll(view, [['cert-manager.io', 'Certificate']], trimStatus),
      ),
    ),
  backups: (view) =>
    view.slowly('backups', async () => backupFacts(await listAll(view, backups, trimStatus))),
  sealed: ({ group }) => group.sealed.collect(),
  unowned: ({ group, question, signal }) => group.unowned.collect(question.unowned ?? [], signal),
};

function toValues(facts: NamedFacts): FactValues {
  const sorted = [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.slice(0, factsMax));
}

async function collectSection(section: FactSection, view: View): Promise<SectionFacts> {
  const { known } = view.question;
  try {
    const values = toValues(await collectors[section](view));
    const digest = digestJson(values);
    return { section, digest, values: known[section] === digest ? undefined : values, failure: '' };
  } catch (caught) {
    view.signal.throwIfAborted();
    const { code, message } = toFairwayError(caught);
    return { section, digest: '', values: undefined, failure: `${code}: ${message}` };
  }
}

export function createFactCollector(ports: FactsPorts): FactCollector {
  const { clock, desired, kube } = ports;
  const notices = createNotices(clock);
  let names: readonly string[] | undefined;
  const namespaces = () => {
    names ??= managedNamespaces(desired);
    return names;
  };
  const listPorts = { ...ports, namespaces, onChange: notices.changed };
  const lists = createFactLists(listPorts);
  const groups = createGroupBook(clock, lists, (salt) => ({
    values: createFactValues(listPorts, lists, salt),
    sealed: createSealedFacts(ports, salt),
    unowned: createUnownedFacts(listPorts, lists, salt),
  }));
  const unsubscribe = desired.subscribe(() => {
    names = undefined;
    if (!lists.watching) return;
    notices.changed();
    // What was given to the cluster now will run other pods.
    lists.hasten('pods');
  });

  return {
    async collect(question, signal) {
      const group = groups.asked(question.salt, question.watch === true);
      const parts = { lists, kube, namespaces: namespaces(), question, signal };
      const view = createView({ ...parts, group });
      const sections: SectionFacts[] = [];
      for (const section of factSections) sections.push(await collectSection(section, view));
      return sections;
    },
    onChange: notices.subscribe,
    get watches() {
      return lists.watches;
    },
    stop() {
      unsubscribe();
      notices.stop();
      groups.stop();
    },
  };
}

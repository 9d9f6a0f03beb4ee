/** Collects the facts of a cluster when the hub asks. What may not be read is told as such; the rest is collected all the same. */
import { toFairwayError } from '../../shared/error/error.ts';
import { digestJson } from '../../shared/manifest/canonical.ts';
import {
  type FactSection,
  type FactValues,
  factSections,
  factsMax,
  type SectionFacts,
} from '../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient } from '../kube/kube-client.ts';
import type { DesiredState } from '../model/desired.ts';
import { capacityFacts } from '../observe/capacity-facts.ts';
import {
  apiFacts,
  backupFacts,
  certificateFacts,
  classFacts,
  fingerprintFacts,
  imageFacts,
  type NamedFacts,
  podSecurityFacts,
  specFacts,
} from '../observe/cluster-facts.ts';

export interface FactsQuestion {
  /** Key of fingerprints: the same for all clusters that are compared. */
  readonly salt: Uint8Array;
  /** What the hub knows already, by digest. */
  readonly known: Readonly<Record<string, string>>;
}

export interface FactsPorts {
  readonly kube: Pick<KubeClient, 'discover' | 'list' | 'version'>;
  readonly desired: Pick<DesiredState, 'applications'>;
}

const everywhere: ReadonlySet<string> = new Set(['velero.io']);
const pageSize = 500;
const objectsMax = 20_000;
const namespacesMax = 500;

/** One question's view of the cluster: each list is asked for once. */
function createReader({ kube, desired }: FactsPorts, signal: AbortSignal) {
  const lists = new Map<string, Promise<readonly KubeObject[]>>();
  const namespaces = managedNamespaces(desired);
  const find = async (group: string, kind: string) =>
    (await kube.discover({ signal })).find((one) => one.group === group && one.kind === kind);

  const listIn = async (resource: ApiResource, namespace: string): Promise<KubeObject[]> => {
    const items: KubeObject[] = [];
    let next: string | undefined;
    do {
      const request = { resource, namespace, limit: pageSize, ...(next !== undefined && { continue: next }) };
      const page = await kube.list(request, signal);
      // Lists leave out what all items have in common.
      const { group, version, kind } = resource;
      const apiVersion = group === '' ? version : `${group}/${version}`;
      for (const item of page.items) items.push({ ...item, apiVersion, kind });
      next = page.continue === '' ? undefined : page.continue;
    } while (next !== undefined && items.length < objectsMax);
    return items;
  };

  const read = async (group: string, kind: string): Promise<readonly KubeObject[]> => {
    const resource = await find(group, kind);
    // Not served: nothing of it can be there.
    if (!resource) return [];
    if (!resource.namespaced || everywhere.has(group)) return listIn(resource, '');
    const found: KubeObject[] = [];
    for (const namespace of namespaces) found.push(...(await listIn(resource, namespace)));
    return found;
  };

  return {
    namespaces,
    /** Of velero.io all namespaces: its objects lie in one of its own. */
    list(group: string, kind: string): Promise<readonly KubeObject[]> {
      const id = `${group}/${kind}`;
      const known = lists.get(id) ?? read(group, kind);
      lists.set(id, known);
      return known;
    },
  };
}

type Reader = ReturnType<typeof createReader>;

function managedNamespaces(desired: FactsPorts['desired']): readonly string[] {
  const names = new Set<string>();
  for (const { target } of desired.applications().values())
    for (const { key } of target.set.entries) names.add(key.namespace || target.sync.namespace);
  return [...names]
    .filter((name) => name !== '')
    .sort()
    .slice(0, namespacesMax);
}

type Collect = (
  reader: Reader,
  ports: FactsPorts,
  salt: Uint8Array,
  signal: AbortSignal,
) => Promise<NamedFacts>;

const collectors: Readonly<Record<FactSection, Collect>> = {
  version: async (_reader, { kube }, _salt, signal) => [['kubernetes', await kube.version(signal)]],
  apis: async (_reader, { kube }, _salt, signal) => apiFacts(await kube.discover({ signal })),
  storageClasses: async ({ list }) => classFacts(await list('storage.k8s.io', 'StorageClass')),
  ingressClasses: async ({ list }) => classFacts(await list('networking.k8s.io', 'IngressClass')),
  priorityClasses: async ({ list }) => classFacts(await list('scheduling.k8s.io', 'PriorityClass')),
  runtimeClasses: async ({ list }) => classFacts(await list('node.k8s.io', 'RuntimeClass')),
  capacity: async ({ list }) => capacityFacts(await list('', 'Node'), await list('', 'Pod')),
  quotas: async ({ list }) => specFacts(await list('', 'ResourceQuota')),
  limits: async ({ list }) => specFacts(await list('', 'LimitRange')),
  podSecurity: async ({ list, namespaces }) =>
    podSecurityFacts(
      (await list('', 'Namespace')).filter(({ metadata }) => namespaces.includes(metadata.name)),
    ),
  images: async ({ list }) => imageFacts(await list('', 'Pod')),
  secrets: async ({ list }, _ports, salt) => fingerprintFacts(await list('', 'Secret'), salt),
  configMaps: async ({ list }, _ports, salt) => fingerprintFacts(await list('', 'ConfigMap'), salt),
  certificates: async ({ list }) =>
    certificateFacts(await list('', 'Secret'), await list('cert-manager.io', 'Certificate')),
  backups: async ({ list }) =>
    backupFacts([
      ...(await list('velero.io', 'Backup')),
      ...(await list('snapshot.storage.k8s.io', 'VolumeSnapshot')),
      ...(await list('volsync.backube', 'ReplicationSource')),
    ]),
};

function toValues(facts: NamedFacts): FactValues {
  const sorted = [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.slice(0, factsMax));
}

/** Every section; the values of those alone that the hub does not know yet. */
export async function collectFacts(
  { salt, known }: FactsQuestion,
  ports: FactsPorts,
  signal: AbortSignal,
): Promise<readonly SectionFacts[]> {
  const reader = createReader(ports, signal);
  const sections: SectionFacts[] = [];
  for (const section of factSections) {
    try {
      const values = toValues(await collectors[section](reader, ports, salt, signal));
      const digest = digestJson(values);
      sections.push({ section, digest, values: known[section] === digest ? undefined : values, failure: '' });
    } catch (caught) {
      signal.throwIfAborted();
      const { code, message } = toFairwayError(caught);
      sections.push({ section, digest: '', values: undefined, failure: `${code}: ${message}` });
    }
  }
  return sections;
}

/** One simulated cluster: its objects and kinds, the operations of its API on them, and what follows from a write. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../../shared/clock/clock.ts';
import { at, metadataOf, numberAt, textAt } from '../kinds/access.ts';
import { establishedStatus, kindsOf } from '../kinds/custom-resources.ts';
import { type Kind, resourceKey } from '../kinds/kind.ts';
import { builtInKinds, createKindRegistry, type KindRegistry } from '../kinds/registry.ts';
import type { Mutable } from '../schema/types.ts';
import { notFound } from '../status.ts';
import { createStore, type Store } from './store.ts';
import { createObject, keyOf, timeText, type WriteContext } from './writes.ts';

export interface Cluster extends WriteContext {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly controllers: boolean;
  /** The live object; throws a 404. */
  read(kind: Kind, namespace: string, name: string): Mutable;
}

export interface ClusterOptions {
  readonly clock: Clock;
  readonly historyMax: number;
  readonly controllers: boolean;
}

const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

function builtIn(resource: string): Kind {
  const found = builtInKinds.find((kind) => kind.resource === resource);
  if (!found) throw new Error(`no built-in ${resource}`);
  return found;
}

const namespaceKind = builtIn('namespaces');
export const deploymentKind = builtIn('deployments');
const definitionKind = builtIn('customresourcedefinitions');

/** An empty cluster but for the namespaces every cluster has. */
export function createCluster(options: ClusterOptions): Cluster {
  const store = createStore(options.historyMax);
  let addresses = 1;
  const cluster: Cluster = {
    store,
    kinds: createKindRegistry(),
    clock: options.clock,
    controllers: options.controllers,
    newUid: () => randomUUID(),
    newSuffix: () => randomBytes(3).toString('hex').slice(0, 5),
    newClusterIp() {
      addresses++;
      return `10.96.${(addresses >> 8) & 255}.${addresses & 255}`;
    },
    read(kind, namespace, name) {
      const found = store.get(resourceKey(kind), keyOf(kind, namespace, name));
      if (!found) throw notFound(kind, name);
      return found;
    },
  };
  const write = { manager: 'kube-apiserver', subresource: '', dryRun: false } as const;
  for (const name of SYSTEM_NAMESPACES)
    createObject(
      cluster,
      namespaceKind,
      '',
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
        spec: {},
        status: {},
      },
      write,
    );
  store.subscribe('apiextensions.k8s.io/customresourcedefinitions', (event) => {
    if (event.type === 'DELETED') dropCustomKinds(cluster, event.object);
    else serveCustomKinds(cluster, event.object);
  });
  if (options.controllers) store.subscribe('/namespaces', (event) => endNamespace(cluster, event.object));
  return cluster;
}

function serveCustomKinds(cluster: Cluster, definition: Mutable): void {
  cluster.kinds.setCustom(textAt(definition, 'metadata', 'name'), kindsOf(definition));
  if (at(definition, 'status', 'conditions') !== undefined && at(definition, 'status', 'conditions') !== null)
    return;
  const status = establishedStatus(definition, timeText(cluster.clock));
  cluster.store.put(definitionKind, textAt(definition, 'metadata', 'name'), {
    ...structuredClone(definition),
    status,
  });
}

function dropCustomKinds(cluster: Cluster, definition: Mutable): void {
  for (const kind of kindsOf(definition))
    for (const key of [...cluster.store.collection(resourceKey(kind)).keys()])
      cluster.store.remove(kind, key);
  cluster.kinds.setCustom(textAt(definition, 'metadata', 'name'), []);
}

/** The namespace controller in one step: a namespace that is being deleted loses its contents and goes. */
function endNamespace(cluster: Cluster, namespace: Mutable): void {
  if (at(namespace, 'metadata', 'deletionTimestamp') === undefined) return;
  const name = textAt(namespace, 'metadata', 'name');
  if (!cluster.store.get('/namespaces', name)) return;
  for (const kind of cluster.kinds.all()) {
    if (!kind.namespaced) continue;
    for (const key of [...cluster.store.collection(resourceKey(kind)).keys()])
      if (key.startsWith(`${name}/`)) cluster.store.remove(kind, key);
  }
  cluster.store.remove(namespaceKind, name);
}

/** Writes a status as a controller of the control plane would, with its ownership; nothing when the object is gone. */
export function generationOf(object: Mutable): number {
  return numberAt(object, 'metadata', 'generation') ?? 0;
}

/** A copy whose metadata may be changed. */
export function draftOf(object: Mutable): Mutable {
  const copy = structuredClone(object);
  metadataOf(copy);
  return copy;
}

/** The ApplySet's parent: what kubectl and we read to know which kinds and namespaces an application may have objects in. */
import { toFairwayError } from '../../shared/error/error.ts';
import type { JsonObject } from '../../shared/manifest/object.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import {
  applicationAnnotation,
  applySetId,
  applySetIdLabel,
  groupKindsAnnotation,
  hooksAnnotation,
  markAnnotation,
  namespacesAnnotation,
  objectsBeforeAnnotation,
  parentName,
  pruneConfirmedAnnotation,
  toolingAnnotation,
} from '../model/inventory.ts';

export interface ParentContent {
  readonly application: string;
  /** `Kind.group`, or `Kind` for the core group. */
  readonly groupKinds: readonly string[];
  readonly namespaces: readonly string[];
  /** Of the newest target that was applied; undefined: never told. */
  readonly mark?: string | undefined;
  /** Which hooks have been run, as text. */
  readonly hooks?: string | undefined;
  /** Objects of the inventory before the deletion that is to be confirmed; undefined: there is none. */
  readonly objectsBefore?: number | undefined;
  /** What a person has confirmed; read only. */
  readonly pruneConfirmed?: string | undefined;
}

const configMaps = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  namespaced: true,
  verbs: [],
};
const namespaces = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  resource: 'namespaces',
  namespaced: false,
  verbs: [],
};

/** `Deployment.apps`; of the core group the kind alone, as ApplySets write it (KEP-3659). */
export function formatGroupKind(group: string, kind: string): string {
  return group === '' ? kind : `${kind}.${group}`;
}

/** Reads what `formatGroupKind` wrote. */
export function parseGroupKind(text: string): { readonly group: string; readonly kind: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', kind: text } : { group: text.slice(dot + 1), kind: text.slice(0, dot) };
}

function split(text: string | undefined): readonly string[] {
  return text ? text.split(',') : [];
}

function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Undefined for an object that is no parent of ours. */
function parseParent(object: LiveObject): ParentContent | undefined {
  const { annotations } = object.metadata;
  const application = annotations?.[applicationAnnotation];
  if (application === undefined) return undefined;
  return {
    application,
    groupKinds: split(annotations?.[groupKindsAnnotation]),
    namespaces: split(annotations?.[namespacesAnnotation]),
    mark: annotations?.[markAnnotation],
    hooks: annotations?.[hooksAnnotation],
    objectsBefore: parseCount(annotations?.[objectsBeforeAnnotation]),
    pruneConfirmed: annotations?.[pruneConfirmedAnnotation],
  };
}

/** Sorted and without repeats, as the KEP asks. The parent's own namespace is implied. */
export function formatParent(content: ParentContent, namespace: string): JsonObject {
  const sorted = (values: readonly string[]) => [...new Set(values)].sort().join(',');
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: parentName(content.application),
      namespace,
      labels: { [applySetIdLabel]: applySetId(content.application, namespace) },
      annotations: {
        [toolingAnnotation]: 'fairway/v0.1',
        [applicationAnnotation]: content.application,
        ...(content.mark !== undefined && { [markAnnotation]: content.mark }),
        ...(content.hooks !== undefined && { [hooksAnnotation]: content.hooks }),
        ...(content.objectsBefore !== undefined && {
          [objectsBeforeAnnotation]: String(content.objectsBefore),
        }),
        [groupKindsAnnotation]: sorted(content.groupKinds),
        [namespacesAnnotation]: sorted(
          content.namespaces.filter((name) => name !== namespace && name !== ''),
        ),
      },
    },
  };
}

/** Parents of this agent's namespace. One request. */
export async function loadParents(
  kube: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ParentContent[]> {
  const list = await kube.list(
    { resource: configMaps, namespace, labelSelector: applySetIdLabel, metadataOnly: true },
    signal,
  );
  return list.items.map(parseParent).filter((parent) => parent !== undefined);
}

/** One application's parent; undefined when it has none. */
export async function loadParent(
  kube: KubeClient,
  application: string,
  namespace: string,
  signal: AbortSignal,
): Promise<ParentContent | undefined> {
  try {
    return parseParent(
      await kube.get({ resource: configMaps, namespace, name: parentName(application) }, signal),
    );
  } catch (caught) {
    const error = toFairwayError(caught);
    if (error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Writes the parent; makes the agent's namespace first where it is missing (an agent that runs outside the cluster). */
export async function saveParent(
  kube: KubeClient,
  content: ParentContent,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const ref: ResourceRef = { resource: configMaps, namespace, name: parentName(content.application) };
  const body = formatParent(content, namespace);
  try {
    await kube.apply(ref, body, { signal });
  } catch (caught) {
    if (toFairwayError(caught).code !== 'not_found') throw caught;
    const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await kube.apply({ resource: namespaces, namespace: '', name: namespace }, own, { signal });
    await kube.apply(ref, body, { signal });
  }
}

/** Ends an application's inventory. That it is gone already is no error. */
export async function deleteParent(
  kube: KubeClient,
  application: string,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await kube.delete({ resource: configMaps, namespace, name: parentName(application) }, { signal });
  } catch (caught) {
    if (toFairwayError(caught).code !== 'not_found') throw caught;
  }
}

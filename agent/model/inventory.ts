/** Inventory by the ApplySet convention: https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3659-kubectl-apply-prune */
import { createHash } from 'node:crypto';

/** Field manager of every write. */
export const fieldManager = 'fairway';
export const partOfLabel = 'applyset.kubernetes.io/part-of';
export const applySetIdLabel = 'applyset.kubernetes.io/id';
export const toolingAnnotation = 'applyset.kubernetes.io/tooling';
export const groupKindsAnnotation = 'applyset.kubernetes.io/contains-group-kinds';
export const namespacesAnnotation = 'applyset.kubernetes.io/additional-namespaces';
export const applicationAnnotation = 'fairway.dev/application';
/** On the parent: hub's life and generation of the newest target that was applied. */
export const markAnnotation = 'fairway.dev/applied';
/** On the parent: which hooks have been run (agent/model/hook-memory.ts). */
export const hooksAnnotation = 'fairway.dev/hooks';
/** On the parent: how many objects there were before a target came that would delete too many of them. Gone when nothing of the kind is left to do. */
export const objectsBeforeAnnotation = 'fairway.dev/objects-before';
/** On the parent, by a person: the target, by the first part of its digest and its generation, that may delete more than its share. */
export const pruneConfirmedAnnotation = 'fairway.dev/prune-confirmed';
/** On the object of a hook's run: which run it is. */
export const hookRunAnnotation = 'fairway.dev/hook-run';
/** On a run that has not been remembered yet: nobody else's deletion makes it vanish unseen. */
export const hookFinalizer = 'fairway.dev/hook';
/** In this order. */
export const waveAnnotations = ['fairway.dev/wave', 'argocd.argoproj.io/sync-wave'] as const;
/** `disabled`: never pruned. `allowed`: pruned though its kind is protected. */
export const pruneAnnotation = 'fairway.dev/prune';

/** `enforce`, `report` or `off`, for one object; other values count as none. */
export const selfHealAnnotation = 'fairway.dev/self-heal';

/** The parent object of an application: a ConfigMap in the agent's namespace. */
export function parentName(application: string): string {
  return `fairway-applyset-${application}`;
}

/** `applyset-<base64url(sha256(name.namespace.kind.group))>-v1`; the group of a ConfigMap is empty. */
export function applySetId(application: string, namespace: string): string {
  const identity = `${parentName(application)}.${namespace}.ConfigMap.`;
  return `applyset-${createHash('sha256').update(identity).digest('base64url')}-v1`;
}

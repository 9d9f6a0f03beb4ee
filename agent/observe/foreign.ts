import type { FieldChange } from '../../shared/manifest/health.ts';
import { isSensitive } from '../../shared/manifest/masking.ts';
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import type { SyncOptions } from '../../shared/manifest/target.ts';
import {
  childOf,
  describeElement,
  type FieldsNode,
  findItem,
  isOwn,
  type ManagedFieldsEntry,
  managedFieldsOf,
} from './fields-v1.ts';
import { packHashes, unpackHashes } from './hash-list.ts';
import { hashText, reportValue } from './projection.ts';

/** A field that somebody else added. */
export interface ForeignField extends FieldChange {
  readonly manager: string;
  /** RFC 6901 in the object as read; good only together with a test of its resourceVersion. */
  readonly pointer: string;
}

/** Kubernetes' own controllers write beside everybody, as they should (a Deployment's revision annotation). */
const builtIn = new Set([
  'kube-controller-manager',
  'kube-scheduler',
  'kube-apiserver',
  'kubelet',
  'cloud-controller-manager',
  'clusterrole-aggregation-controller',
  // Nobody: the API server's name for all that was there when managedFields began anew, defaults too.
  // https://github.com/kubernetes/apimachinery/blob/master/pkg/util/managedfields/internal/skipnonapplied.go
  'before-first-apply',
]);

function isEntryOfInterest(entry: ManagedFieldsEntry): boolean {
  return !isOwn(entry) && !entry.subresource && !builtIn.has(entry.manager ?? '');
}

interface Walk {
  readonly manager: string;
  readonly secret: boolean;
  readonly found: ForeignField[];
}

/** Topmost nodes that `theirs` owns and `ours` does not know. A map is never taken whole: others may have members in it. */
function walk(
  theirs: FieldsNode,
  ours: FieldsNode | undefined,
  value: Json,
  at: { readonly path: string; readonly pointer: string },
  state: Walk,
): void {
  for (const [element, node] of Object.entries(theirs)) {
    if (element === '.') continue;
    const child = childOf(value, element);
    const mine = ours?.[element];
    if (child === undefined) continue;
    const segment = Array.isArray(value) ? '/' + findItem(value, element) : describeElement(element);
    const next = { path: at.path + describeElement(element), pointer: at.pointer + segment };
    const isItem = !element.startsWith('f:');
    const leaf = Object.keys(node).length === 0 || (isItem && node['.'] !== undefined && mine === undefined);
    if (!leaf) {
      // A leaf of ours covers all beneath it: the projection compares it whole.
      if (mine === undefined || Object.keys(mine).length > 0) walk(node, mine, child, next, state);
    } else if (mine === undefined) {
      state.found.push({ ...next, live: reportValue(child, state.secret), manager: state.manager });
    }
  }
}

/** All fields of others in the object that we do not own, Kubernetes' own controllers and subresources apart. */
export function findForeign(ours: FieldsNode, live: KubeObject): readonly ForeignField[] {
  const found: ForeignField[] = [];
  const secret = isSensitive(live);
  for (const entry of managedFieldsOf(live)) {
    if (!isEntryOfInterest(entry) || !entry.fieldsV1) continue;
    const { 'f:status': _status, ...theirs } = entry.fieldsV1;
    walk(theirs, ours, live, { path: '', pointer: '' }, { manager: entry.manager ?? '', secret, found });
  }
  return found;
}

/** Hashes of their paths (hash-list.ts), to know later which are new. */
export function hashForeignPaths(fields: readonly ForeignField[]): string {
  return packHashes(fields.map(({ path }) => hashText(path)));
}

/** Those that were not there when we applied. */
export function newForeign(fields: readonly ForeignField[], knownPaths: string): readonly ForeignField[] {
  const known = new Set(unpackHashes(knownPaths));
  return fields.filter(({ path }) => !known.has(hashText(path)));
}

/** Those that came after our own last write, for an agent without a record: managedFields tells seconds. */
export function foreignSinceOwn(fields: readonly ForeignField[], live: KubeObject): readonly ForeignField[] {
  const entries = managedFieldsOf(live);
  const ownTime = entries.find(isOwn)?.time;
  if (ownTime === undefined) return [];
  const newer = new Set(
    entries.filter((entry) => (entry.time ?? '') > ownTime).map(({ manager }) => manager),
  );
  return fields.filter(({ manager }) => newer.has(manager));
}

/**
 * `kubectl rollout restart` writes this into the pod template: an act, not a state. Taking it back would roll the pods once more, and back.
 * https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
 */
const restartPath = '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt';

/** What is to be done about a manager's addition, after `sync.foreignFields`. */
export function planForeign(
  mode: SyncOptions['foreignFields'],
  { manager, path }: Pick<ForeignField, 'manager' | 'path'>,
): 'undo' | 'report' | 'leave' {
  if (mode !== 'auto') return mode;
  if (path === restartPath) return 'leave';
  return manager.startsWith('kubectl') ? 'undo' : 'report';
}

/**
 * A JSON patch that removes the fields, later list positions first, and nothing if the object has changed since it was read. Applying
 * them and then leaving them out would not do: the other manager stays co-owner of what it set, and a co-owned field stays.
 */
export function planRemoval(fields: readonly ForeignField[], live: KubeObject): readonly JsonObject[] {
  const pointers = [...new Set(fields.map(({ pointer }) => pointer))];
  const collator = new Intl.Collator('en', { numeric: true });
  pointers.sort((a, b) => collator.compare(b, a));
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: String(live.metadata['resourceVersion']) },
    ...pointers.map((path) => ({ op: 'remove', path })),
  ];
}

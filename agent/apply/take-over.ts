/**
 * Objects that another tool has applied until now. Forcing our fields over theirs is half of it: what they set and Git does not would stay for ever, owned by a
 * manager that will not come back, and so would their marks, by which they may still delete the object. So their managedFields entries are first joined
 * into ours, as kubectl does when it moves from client-side to server-side apply (k8s.io/client-go/util/csaupgrade); then our apply drops what it does not say.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import type { KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';
import { fieldManager, partOfLabel } from '../model/inventory.ts';

export type Tool = 'kubectl' | 'helm' | 'argocd' | 'flux' | 'applyset';

/** Who has an object, by its marks and managers. */
export interface Owner {
  readonly tool: Tool | 'manager';
  /** A release, an application, a field manager. */
  readonly name: string;
}

interface Entry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: JsonObject;
}

/**
 * Managers that apply manifests, as these tools name themselves; what they own they have from a file, as we do. (`kubectl-edit`, `kubectl-patch` and the like
 * are people's doings: drift.)
 */
const appliers: Readonly<Record<string, Tool>> = {
  'kubectl-client-side-apply': 'kubectl',
  // What was there before the first server-side apply, of objects made before managedFields were.
  'before-first-apply': 'kubectl',
  kubectl: 'kubectl',
  helm: 'helm',
  'argocd-controller': 'argocd',
  'argocd-application-controller': 'argocd',
  'kustomize-controller': 'flux',
  'helm-controller': 'flux',
};

function entriesOf(object: KubeObject): readonly Entry[] {
  const entries = object.metadata['managedFields'];
  return Array.isArray(entries) ? (entries as readonly Entry[]) : [];
}

function isOwn({ manager, operation, subresource }: Entry): boolean {
  return manager === fieldManager && operation === 'Apply' && !subresource;
}

function toolOf({ manager = '', operation, subresource }: Entry): Tool | undefined {
  // `kubectl` alone is what `kubectl apply --server-side` calls itself; older kubectls' updates of that name may be anything.
  if (subresource || (manager === 'kubectl' && operation !== 'Apply')) return undefined;
  return Object.hasOwn(appliers, manager) ? appliers[manager] : undefined;
}

const marks: readonly { readonly tool: Tool; readonly label?: string; readonly annotation?: string }[] = [
  { tool: 'helm', annotation: 'meta.helm.sh/release-name' },
  { tool: 'argocd', annotation: 'argocd.argoproj.io/tracking-id' },
  { tool: 'argocd', label: 'argocd.argoproj.io/instance' },
  { tool: 'flux', label: 'kustomize.toolkit.fluxcd.io/name' },
  { tool: 'flux', label: 'helm.toolkit.fluxcd.io/name' },
  { tool: 'applyset', label: partOfLabel },
  { tool: 'kubectl', annotation: 'kubectl.kubernetes.io/last-applied-configuration' },
];

/** Who has the object now: tools by their marks (with what they call it), and all other managers that set fields of it. */
export function ownersOf(live: KubeObject): readonly Owner[] {
  const { labels = {}, annotations = {} } = live.metadata;
  const marked = marks.flatMap(({ tool, label, annotation }): Owner[] => {
    const value = label === undefined ? annotations[annotation ?? ''] : labels[label];
    // kubectl's mark holds the whole manifest, which is no name.
    return value ? [{ tool, name: tool === 'kubectl' ? 'kubectl apply' : value }] : [];
  });
  const managers = entriesOf(live)
    .filter((entry) => !isOwn(entry) && !entry.subresource)
    .map((entry): Owner => ({ tool: toolOf(entry) ?? 'manager', name: entry.manager ?? '' }));
  // A mark says more than the manager's name.
  const unmarked = managers.filter(({ tool }) => !marked.some((owner) => owner.tool === tool));
  const all = [...marked, ...unmarked];
  return all.filter(
    ({ tool, name }, index) => all.findIndex((other) => other.tool === tool && other.name === name) === index,
  );
}

/** All paths of both. */
function joinFields(a: JsonObject, b: JsonObject): JsonObject {
  const joined: Record<string, Json | undefined> = { ...a };
  for (const [name, theirs] of Object.entries(b)) {
    const ours = joined[name];
    joined[name] = isJsonObject(ours) && isJsonObject(theirs) ? joinFields(ours, theirs) : theirs;
  }
  return joined;
}

/**
 * Whether tools applied the object before we did and still own fields of it: a take-over that did not come to its end. Who applies after us is another
 * matter: drift.
 */
export function isUnfinished(live: KubeObject): boolean {
  const entries = entriesOf(live);
  const own = entries.find(isOwn);
  return entries.some(
    (entry) =>
      toolOf(entry) !== undefined && (entry.time ?? '') < (own?.time ?? '') && isJoinable(entry, own),
  );
}

/** Paths of another version may not be those of ours. */
function isJoinable(entry: Entry, own: Entry | undefined): boolean {
  return own !== undefined && entry.apiVersion === own.apiVersion;
}

/** The managedFields with the tools' entries joined into ours; undefined where there are none, or we have not applied yet. Pure. */
export function planTakeOver(live: KubeObject): readonly Json[] | undefined {
  const entries = entriesOf(live);
  const own = entries.find(isOwn);
  const theirs = entries.filter((entry) => toolOf(entry) !== undefined && isJoinable(entry, own));
  if (!own || theirs.length === 0) return undefined;
  const fieldsV1 = theirs.reduce(
    (fields, entry) => joinFields(fields, entry.fieldsV1 ?? {}),
    own.fieldsV1 ?? {},
  );
  const rest = entries.filter((entry) => entry !== own && !theirs.includes(entry));
  return [...rest, { ...own, fieldsV1 }] as unknown as readonly Json[];
}

function setEntries(live: KubeObject, entries: readonly Json[]): readonly JsonObject[] {
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: String(live.metadata['resourceVersion']) },
    { op: 'replace', path: '/metadata/managedFields', value: entries },
  ];
}

const attemptsMax = 3;

/**
 * Ends the take-over of an object that has been applied: what only the former tools set is removed. Where the API server refuses that (a field that cannot
 * be unset), their entries are put back and the object stays as it was applied.
 * @param live as our apply returned it. @returns the object as it is then.
 */
export async function takeOver(
  kube: Pick<KubeClient, 'get' | 'patch' | 'apply'>,
  ref: ResourceRef,
  body: KubeObject,
  live: LiveObject,
  signal: AbortSignal,
): Promise<LiveObject> {
  let seen = live;
  for (let tried = 1; ; tried += 1) {
    const entries = planTakeOver(seen);
    if (!entries) return seen;
    try {
      await kube.patch(ref, setEntries(seen, entries), 'json', signal);
      break;
    } catch (caught) {
      // Somebody wrote in between (a failed `test` of a JSON patch is a 422): once more with what is there now.
      const { code } = toFairwayError(caught);
      if (tried === attemptsMax || (code !== 'conflict' && code !== 'invalid_manifest')) throw caught;
      seen = await kube.get(ref, signal);
    }
  }
  try {
    return await kube.apply(ref, body, { signal });
  } catch (caught) {
    if (toFairwayError(caught).code !== 'invalid_manifest') throw caught;
    const now = await kube.get(ref, signal);
    return kube.patch(ref, setEntries(now, entriesOf(seen) as unknown as readonly Json[]), 'json', signal);
  }
}

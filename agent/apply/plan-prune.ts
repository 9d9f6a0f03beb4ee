import { describeKey, keyText } from '../../shared/manifest/object.ts';
import { compareForApply } from '../../shared/manifest/order.ts';
import type { ObservedObject } from '../model/record.ts';

/** Deleting one of these deletes what is in it or what it holds: only where the object says so. */
const protectedKinds = new Set([
  '/Namespace',
  'apiextensions.k8s.io/CustomResourceDefinition',
  '/PersistentVolumeClaim',
]);

/** Why an object is kept though nothing desires it; undefined: it may go. */
export function pruneGuard(
  kind: { readonly group: string; readonly kind: string },
  annotation: string | undefined,
): string | undefined {
  if (annotation === 'disabled') return 'kept: fairway.dev/prune is disabled';
  if (protectedKinds.has(`${kind.group}/${kind.kind}`) && annotation !== 'allowed')
    return `kept: a ${kind.kind} is deleted only with the annotation fairway.dev/prune: allowed`;
  return undefined;
}

/** An object that is still there so long after its deletion holds up what comes after it no more. */
export const leavingLimitMs = 300_000;
/** So few may always go: a small application that is turned round is no accident. */
const alwaysMax = 10;

/** Whether a sync would delete too much of an inventory to do it unasked. */
export function isBeyondLimit(going: number, staying: number, percent: number): boolean {
  return going > alwaysMax && going * 100 > (going + staying) * percent;
}

export interface PrunePlan {
  /** In order, last applied first; all of one wave. */
  readonly deletes: readonly ObservedObject[];
  /** Of lower waves: to be deleted when those of higher ones are gone. */
  readonly later: readonly ObservedObject[];
  readonly retained: readonly { readonly object: ObservedObject; readonly reason: string }[];
  /** Being deleted already; the plan is not done before they are gone, and what is in a lower wave waits for them, up to `leavingLimitMs`. */
  readonly leaving: readonly ObservedObject[];
}

export interface PrunePlanInput {
  /** Everything that bears the application's label. */
  readonly members: readonly ObservedObject[];
  /** Keys the application desires. */
  readonly desired: ReadonlySet<string>;
  /** The other application that desires a key: it takes the object over by applying it. */
  readonly claimedBy: (keyText: string) => string | undefined;
  /** Namespaces in which any application, this one too, desires something. */
  readonly namespaceUsed: (namespace: string) => boolean;
  readonly pruneEnabled: boolean;
  readonly nowMs: number;
}

function keptBecause(object: ObservedObject, input: PrunePlanInput): string | undefined {
  if (!input.pruneEnabled) return 'kept: pruning is off for this application';
  const { key } = object;
  if (key.kind === 'Namespace' && key.group === '' && input.namespaceUsed(key.name))
    return `kept: there are desired objects in ${describeKey(key)}`;
  return pruneGuard(key, object.pruneAnnotation);
}

/** Whether it is ours to prune: a controller (a Service's EndpointSlice) or a person may have copied an object, label and all. */
export function isOurs(object: ObservedObject): boolean {
  return object.applied && !object.controlled;
}

/** Pure. */
export function planPrune(input: PrunePlanInput): PrunePlan {
  const deletes: ObservedObject[] = [];
  const leaving: ObservedObject[] = [];
  const retained: { object: ObservedObject; reason: string }[] = [];
  for (const object of input.members) {
    const text = keyText(object.key);
    if (!isOurs(object) || input.desired.has(text) || input.claimedBy(text) !== undefined) continue;
    const reason = keptBecause(object, input);
    if (object.health.status === 'Terminating') leaving.push(object);
    else if (reason === undefined) deletes.push(object);
    else retained.push({ object, reason });
  }
  deletes.sort((a, b) => b.wave - a.wave || compareForApply(b.key, a.key));
  const waited = leaving.filter(
    ({ deletedAtMs }) => deletedAtMs === undefined || input.nowMs - deletedAtMs < leavingLimitMs,
  );
  const top = Math.max(...[...deletes, ...waited].map(({ wave }) => wave));
  const isNow = ({ wave }: ObservedObject) => wave === top;
  return {
    deletes: deletes.filter(isNow),
    later: deletes.filter((object) => !isNow(object)),
    retained,
    leaving,
  };
}

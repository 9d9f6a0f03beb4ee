/**
 * Autoscalers' targets, from the desired set and from the cluster: their fields count as left to others (`sync.ignore`), and so are handed over with their live value
 * before we drop them.
 */
import { FairwayError } from '../../shared/error/error.ts';
import { member } from '../../shared/health/fields.ts';
import type { ObjectRule } from '../../shared/manifest/ignore.ts';
import { type KubeObject, keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import { effectiveKey } from '../apply/effective-object.ts';
import type { DesiredApplication, DesiredState } from '../model/desired.ts';
import { findScaleTargets, mayScale, type ScaleTarget, scalerKinds } from '../observe/scale-targets.ts';
import { createScalerWatch, type ScalerWatch, type ScalerWatchPorts } from '../observe/scaler-watch.ts';
import type { Claims } from './claims.ts';
import type { Resources } from './resources.ts';

export interface Scalers {
  /** Watches the kinds that are served by now; resolves when what they hold is known. @throws unavailable when the API server does not tell. */
  ready(): Promise<void>;
  /** The application with the fields that autoscalers set added to what it ignores. */
  extend(desired: DesiredApplication): DesiredApplication;
  /** Looks at the API server whether an autoscaler sets fields of the object. Whom one that was not known concerns is woken. */
  confirm(desired: DesiredApplication, key: ObjectKey, signal: AbortSignal): Promise<boolean>;
  /** The desired state has changed. */
  invalidate(): void;
  readonly watches: number;
  stop(): void;
}

export interface ScalersPorts extends Omit<ScalerWatchPorts, 'onChange'> {
  readonly desired: DesiredState;
  readonly resources: Resources;
  readonly claims: Claims;
  /** An object's autoscaler has come or gone. */
  readonly onTarget: (keyText: string) => void;
}

function ruleOf({ key, paths, jqPaths }: ScaleTarget): ObjectRule {
  return { ...key, paths, jqPaths, managers: [] };
}

/** `replicas: 0` in a manifest switches a horizontal autoscaler off, so that it is nobody's but ours. */
function isSwitchedOff(target: ScaleTarget, desired: DesiredApplication, state: DesiredState): boolean {
  if (!target.paths.includes('/spec/replicas')) return false;
  const { key } = target;
  const entry = desired.target.set.entries.find(
    (one) =>
      one.key.name === key.name &&
      one.key.kind === key.kind &&
      one.key.group === key.group &&
      (one.key.namespace || desired.target.sync.namespace) === key.namespace,
  );
  const text = entry && state.object(entry.objectDigest);
  return text !== undefined && member(JSON.parse(text) as KubeObject, 'spec', 'replicas') === 0;
}

export function createScalers(ports: ScalersPorts): Scalers {
  const watches = new Map<string, ScalerWatch>();
  let own: readonly ScaleTarget[] | undefined;

  const readOwn = (): readonly ScaleTarget[] => {
    const found: ScaleTarget[] = [];
    for (const { target } of ports.desired.applications().values())
      for (const entry of target.set.entries) {
        const { group, kind } = entry.key;
        const text = mayScale(group, kind) ? ports.desired.object(entry.objectDigest) : undefined;
        if (text === undefined) continue;
        const object = JSON.parse(text) as KubeObject;
        const resource = ports.resources.find(entry.apiVersion, kind);
        const { namespace } = effectiveKey(entry, resource, target.sync.namespace);
        found.push(...findScaleTargets({ ...object, metadata: { ...object.metadata, namespace } }));
      }
    return found;
  };
  const targets = function* (): Iterable<ScaleTarget> {
    own ??= readOwn();
    yield* own;
    for (const watch of watches.values()) yield* watch.targets();
  };
  const rulesOf = (desired: DesiredApplication): readonly ObjectRule[] => {
    const rules: ObjectRule[] = [];
    for (const target of targets())
      if (ports.claims.desires(keyText(target.key), desired.application))
        if (!isSwitchedOff(target, desired, ports.desired)) rules.push(ruleOf(target));
    return rules;
  };

  return {
    async ready() {
      for (const { group, kind } of scalerKinds) {
        const resource = ports.resources.findKind(group, kind);
        const id = `${group}/${kind}`;
        if (watches.has(id) || !resource?.verbs.includes('watch')) continue;
        const onChange = (changed: readonly ScaleTarget[]) => {
          for (const { key } of changed) ports.onTarget(keyText(key));
        };
        watches.set(id, createScalerWatch(resource, { ...ports, onChange }));
      }
      for (const watch of watches.values()) {
        await watch.started;
        if (watch.failure !== undefined) throw new FairwayError('unavailable', watch.failure);
      }
    },
    extend(desired) {
      const { target } = desired;
      const rules = rulesOf(desired);
      if (rules.length === 0) return desired;
      const sync = { ...target.sync, ignore: [...target.sync.ignore, ...rules] };
      return { ...desired, target: { ...target, sync } };
    },
    async confirm(desired, key, signal) {
      for (const watch of watches.values()) await watch.look(key.namespace, signal);
      const text = keyText(key);
      return rulesOf(desired).some((rule) => keyText(rule) === text);
    },
    invalidate() {
      own = undefined;
    },
    get watches() {
      return [...watches.values()].filter(({ synced }) => synced).length;
    },
    stop() {
      for (const watch of watches.values()) watch.stop();
    },
  };
}

import type { Drift, FieldChange } from '../../../shared/manifest/health.ts';
import { ignoredManagers, ignoredPaths, isWithin, resolvePaths } from '../../../shared/manifest/ignore.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { SyncOptions } from '../../../shared/manifest/target.ts';
import type { LiveObject } from '../../kube/kube-client.ts';
import type { AppliedRecord } from '../../model/record.ts';
import { type FieldsNode, ownFields } from '../../observe/fields-v1.ts';
import { type ForeignField, findForeign, newForeign, planForeign } from '../../observe/foreign.ts';
import { describePointers } from '../../observe/hand-over.ts';
import { diffProjection } from '../../observe/projection.ts';
import { findWriters } from '../../observe/writers.ts';

/** What reading a suspected object showed. */
export interface Finding {
  readonly drift: Drift | undefined;
  /** Applying again would set it right, or take back fields that we own no more. */
  readonly reapply: boolean;
  readonly undo: readonly ForeignField[];
  readonly live: LiveObject | undefined;
}

/** Whether everybody who wrote the field since is a manager to whom such fields are left. */
function isLeftTo(left: ReadonlySet<string>, live: LiveObject, path: string, sinceMs: number): boolean {
  if (left.size === 0) return false;
  const writers = findWriters(live, [path], sinceMs);
  return writers.length > 0 && writers.every(({ name }) => left.has(name));
}

/**
 * Compares a live object with what was applied: the values at our paths, and fields that somebody has added beside them. Pure.
 * @param nowMs Unix milliseconds, as the time at which a drift was found.
 */
export function judgeLive(
  record: AppliedRecord,
  desired: KubeObject,
  live: LiveObject,
  sync: SyncOptions,
  nowMs: number,
): Finding {
  const recreated = live.metadata['uid'] !== record.facts.uid;
  const ownedNow = JSON.stringify(ownFields(live));
  const left = new Set(ignoredManagers(sync.ignore, record.key));
  const ours = JSON.parse(record.fields) as FieldsNode;
  const ignored = resolvePaths(live, ignoredPaths(sync.ignore, record.key));
  const ignoredOwn = describePointers(ours, live, ignored);
  const all = diffProjection(record, desired, live);
  const changes = all.filter(
    ({ path, desired: wanted }) =>
      !isWithin(path, ignoredOwn.at) &&
      !(wanted === '{}' && ignoredOwn.above.includes(path)) &&
      !isLeftTo(left, live, path, record.appliedAtMs),
  );
  const added = recreated
    ? []
    : newForeign(findForeign(ours, live), record.foreignPaths).filter(
        ({ path, pointer, manager }) =>
          !left.has(manager) && !isWithin(pointer, ignored) && !all.some((change) => change.path === path),
      );
  const foreign = added.filter((field) => planForeign(sync.foreignFields, field) !== 'leave');
  const undo = foreign.filter((field) => planForeign(sync.foreignFields, field) === 'undo');
  const fields: readonly FieldChange[] = [
    ...changes,
    ...foreign.map(({ path, live: value }) => ({ path, live: value })),
  ];
  // Applying again would take back what is left to another manager, so that alone is no reason.
  const lost = ownedNow !== record.fields && all.length === changes.length;
  const reapply = recreated || changes.length > 0 || lost;
  if (!recreated && fields.length === 0) return { drift: undefined, reapply, undo: [], live };
  const kind = recreated ? 'recreated' : changes.length > 0 ? 'changed' : 'foreign';
  const paths = fields.map(({ path }) => path);
  const managers = findWriters(live, paths, record.appliedAtMs);
  return { drift: { fields, managers, kind, foundAtMs: nowMs }, reapply, undo, live };
}

import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { Drift, FieldChange } from '../../shared/manifest/health.ts';
import { isSensitive } from '../../shared/manifest/masking.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { covers, isOwn, leafPaths, managedFieldsOf, ownFields, visitLeaves } from './fields-v1.ts';
import { reportValue } from './projection.ts';
import { findWriters } from './writers.ts';

/**
 * Drift that an agent without memory finds as it applies: fields of ours whose values our apply has changed back, and that somebody wrote
 * after our own last write. What nobody else wrote is a new manifest, not drift.
 */
export function findDriftWhileAway(before: KubeObject, after: KubeObject, nowMs: number): Drift | undefined {
  const entries = managedFieldsOf(before);
  const ownTime = entries.find(isOwn)?.time;
  if (ownTime === undefined) return undefined;
  // Writes through the scale subresource bear no time.
  const others = entries.filter((entry) => !isOwn(entry) && (!entry.time || entry.time >= ownTime));
  const theirs = others.map((entry) => leafPaths(entry.fieldsV1 ?? {}));
  const secret = isSensitive(after) || isSensitive(before);
  const found: (Json | undefined)[] = [];
  const fields: FieldChange[] = [];
  visitLeaves(ownFields(after), before, (_path, value) => found.push(value));
  let index = 0;
  visitLeaves(ownFields(after), after, (path, value) => {
    const live = found[index++];
    if (canonicalJson(live) === canonicalJson(value) || !theirs.some((leaves) => covers(leaves, path)))
      return;
    fields.push({ path, desired: reportValue(value, secret), live: reportValue(live, secret) });
  });
  if (fields.length === 0) return undefined;
  const paths = fields.map(({ path }) => path);
  return {
    kind: 'changed',
    fields,
    managers: findWriters(before, paths, Date.parse(ownTime)),
    foundAtMs: nowMs,
  };
}

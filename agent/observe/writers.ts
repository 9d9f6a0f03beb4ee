import type { Drift } from '../../shared/manifest/health.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { isOwn, managedFieldsOf, ownsAny } from './fields-v1.ts';

type Writers = Drift['managers'];
const writersMax = 10;

/**
 * Who wrote: the managers that own one of the paths now; where nobody does (the field was removed, and managedFields forgets that), those
 * that wrote since our apply, status apart. `sinceMs` is cut to whole seconds, as managedFields tells time.
 */
export function findWriters(live: KubeObject, paths: readonly string[], sinceMs: number): Writers {
  const others = managedFieldsOf(live).filter((entry) => !isOwn(entry));
  const since = Math.floor(sinceMs / 1000) * 1000;
  const owners = others.filter((entry) => ownsAny(entry, paths));
  const recent = others.filter(
    (entry) => entry.subresource !== 'status' && (!entry.time || Date.parse(entry.time) >= since),
  );
  return (owners.length > 0 ? owners : recent).slice(0, writersMax).map((entry) => {
    const timeMs = Date.parse(entry.time ?? '');
    return {
      name: entry.manager ?? '',
      operation: entry.subresource ? `${entry.operation} ${entry.subresource}` : (entry.operation ?? ''),
      timeMs: Number.isNaN(timeMs) ? undefined : timeMs,
    };
  });
}

import type { ManifestEntry } from '../../shared/manifest/target.ts';
import type { DesiredApplication } from '../model/desired.ts';
import type { TextPool } from '../model/text-pool.ts';

function shareEntry(entry: ManifestEntry, pool: TextPool): ManifestEntry {
  const { group, kind, namespace, name } = entry.key;
  const shared = {
    objectDigest: entry.objectDigest,
    key: { group: pool(group), kind: pool(kind), namespace: pool(namespace), name },
    apiVersion: pool(entry.apiVersion),
    originId: entry.originId,
    wave: entry.wave,
  };
  return entry.hook === undefined ? shared : { ...shared, hook: entry.hook };
}

/** The same, with one copy of what its objects have in common: each word that comes by the wire or from disk is a text of its own. */
export function shareTexts(desired: DesiredApplication, pool: TextPool): DesiredApplication {
  const { target } = desired;
  const entries = target.set.entries.map((entry) => shareEntry(entry, pool));
  return { ...desired, target: { ...target, set: { ...target.set, entries } } };
}

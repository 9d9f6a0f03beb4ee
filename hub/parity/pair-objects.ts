import { keyText, type ObjectKey, parseKeyText } from '../../shared/manifest/object.ts';
import type { ManifestEntry, ManifestSet } from '../../shared/manifest/target.ts';
import type { ObjectObservation } from '../model/observation.ts';
import type { ParitySide } from '../model/parity.ts';
import type { ObjectPair, SideObject } from './object-pair.ts';

/** One application in one cluster. */
export interface ApplicationSide {
  /** What the newest revision wants; undefined: nothing. */
  readonly wanted: ManifestSet | undefined;
  /** What is assigned now, which may be older: it says where objects come from that are wanted no more. */
  readonly assigned: ManifestSet | undefined;
  readonly assignedAtMs: number | undefined;
  /** Why the newest revision cannot be rendered for it; then `wanted` is what it has. */
  readonly stuck?: string | undefined;
  /** By keyText. */
  readonly observed: ReadonlyMap<string, ObjectObservation>;
}

/** The objects of both sides, each with its counterpart; hooks are no part of what runs. Pure. */
export function pairObjects(
  application: string,
  primary: ApplicationSide,
  standby: ApplicationSide,
): Map<string, ObjectPair> {
  return joinSides(application, { primary, standby }, sideObjects(primary), sideObjects(standby));
}

/** What `pairObjects` does after it has the objects of each side: thousands are better not done at one go. */
export function joinSides(
  application: string,
  { primary, standby }: Readonly<Record<ParitySide, ApplicationSide>>,
  left: SideObjects,
  right: SideObjects,
): Map<string, ObjectPair> {
  const pairs = new Map<string, ObjectPair>();
  const stuck = {
    ...(primary.stuck !== undefined && { primary: primary.stuck }),
    ...(standby.stuck !== undefined && { standby: standby.stuck }),
  };
  const more = Object.keys(stuck).length > 0 && { stuck };
  for (const originId of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const [mine, other] = [left.get(originId), right.get(originId)];
    const origin = originOf(originId, (mine ?? other)?.key);
    if (origin)
      pairs.set(originId, { application, originId, origin, primary: mine, standby: other, ...more });
  }
  return pairs;
}

function originOf(originId: string, key: ObjectKey | undefined): ObjectKey | undefined {
  // Most are called what they come from.
  if (key && keyText(key) === originId) return key;
  return parseKeyText(originId.replace(/#\d+$/, '')) ?? key;
}

/** By the id of their origin. */
export type SideObjects = ReadonlyMap<string, SideObject>;

export function sideObjects(side: ApplicationSide): SideObjects {
  const objects = new Map<string, SideObject>();
  const known = new Set<string>();
  const { assignedAtMs } = side;
  for (const { key, apiVersion, originId, objectDigest, hook } of side.wanted?.entries ?? []) {
    const text = keyText(key);
    known.add(text);
    if (hook !== undefined) continue;
    const observed = side.observed.get(text);
    objects.set(freeId(objects, originId), { key, apiVersion, wanted: objectDigest, observed, assignedAtMs });
  }
  // What is there still, though the newest revision does not want it.
  let origins: ReadonlyMap<string, ManifestEntry> | undefined;
  for (const [text, observed] of side.observed) {
    if (known.has(text)) continue;
    origins ??= new Map((side.assigned?.entries ?? []).map((entry) => [keyText(entry.key), entry]));
    const entry = origins.get(text);
    if (entry?.hook !== undefined) continue;
    const apiVersion = entry?.apiVersion ?? '';
    objects.set(freeId(objects, entry?.originId ?? text), {
      ...{ key: observed.key, apiVersion, wanted: undefined, observed, assignedAtMs },
    });
  }
  return objects;
}

/** Two objects of one origin (a base that is taken in twice) are told apart by their order. */
function freeId(taken: ReadonlyMap<string, unknown>, originId: string): string {
  let id = originId;
  for (let count = 2; taken.has(id); count += 1) id = `${originId}#${count}`;
  return id;
}

/** Names that both sides have for the same objects, where they are not the same. */
export function renamedObjects(pairs: Iterable<ObjectPair>): {
  readonly primary: ReadonlyMap<string, string>;
  readonly standby: ReadonlyMap<string, string>;
} {
  const [primary, standby] = [new Map<string, string>(), new Map<string, string>()];
  for (const pair of pairs) {
    const [mine, other] = [pair.primary?.key.name, pair.standby?.key.name];
    if (mine === undefined || other === undefined || mine === other) continue;
    // All of its identity: two namespaces may each have a map of that name.
    const common = pair.originId;
    primary.set(mine, common);
    standby.set(other, common);
  }
  return { primary, standby };
}

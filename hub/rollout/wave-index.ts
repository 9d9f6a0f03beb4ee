/** Which wave a cluster is in, without looking at all clusters: waves seldom change their members, and then they are other arrays. Pure. */

type Members = readonly string[];

const positions = new WeakMap<Members, ReadonlyMap<string, number>>();

/** Where each cluster stands in its wave. */
export function positionsIn(members: Members): ReadonlyMap<string, number> {
  const known = positions.get(members);
  if (known !== undefined) return known;
  const made = new Map(members.map((name, at) => [name, at]));
  positions.set(members, made);
  return made;
}

export function isMember(waves: readonly { readonly clusters: Members }[], name: string): boolean {
  return waves.some(({ clusters }) => positionsIn(clusters).has(name));
}

/** Some clusters, wave by wave, as the waves have them: in the order of the waves, and in each in its own. Those of no wave are left out. */
export function membersAmong(
  waves: readonly { readonly clusters: Members }[],
  names: Iterable<string>,
): readonly Members[] {
  const some = new Set(names);
  const places = waves.map(({ clusters }) => positionsIn(clusters));
  const found: string[][] = waves.map(() => []);
  for (const name of some) {
    const at = places.findIndex((members) => members.has(name));
    found[at]?.push(name);
  }
  return found.map((members, at) =>
    members.sort((a, b) => (places[at]?.get(a) ?? 0) - (places[at]?.get(b) ?? 0)),
  );
}

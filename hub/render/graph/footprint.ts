/**
 * What a built folder looked at, in the form in which it is compared with another commit: one object id stands for all within the folder while it is
 * the same; what lies outside is asked for one by one.
 */
import { isMounted } from '../remote/mount.ts';
import { type Probes, type TreeView, unknown } from '../tree-view.ts';

/** A path and its Git object id, or what stands for none (tree-view.ts). */
export type Probe = readonly [path: string, answer: string];

export interface Footprint {
  readonly folder: string;
  /** Of the folder as it was; empty: not known. */
  readonly oid: string;
  readonly inside: readonly Probe[];
  readonly outside: readonly Probe[];
}

export function createFootprint(folder: string, oid: string, probes: Iterable<Probe>): Footprint {
  const inside: Probe[] = [];
  const outside: Probe[] = [];
  const elsewhere: Probe[] = [];
  for (const probe of probes) {
    if (isWithin(folder, probe[0])) inside.push(probe);
    else (isMounted(probe[0]) ? elsewhere : outside).push(probe);
  }
  return { folder, oid, inside, outside: [...outside, ...elsewhere] };
}

/** Of the folder as the view knows it, which has just been built from. */
export function footprintOf(folder: string, probes: Probes, view: TreeView): Footprint {
  const entry = view.peek(folder);
  const oid = entry === unknown ? '' : (entry?.oid ?? '');
  return createFootprint(folder, oid, probes);
}

/** Another repository's paths have two slashes in a row, and are within none of ours. */
function isWithin(folder: string, path: string): boolean {
  if (path === folder) return true;
  const rest = folder === '' || folder.endsWith('//') ? folder : `${folder}/`;
  return path.startsWith(rest) && !path.slice(rest.length).includes('//');
}

/** Whether another commit answers the same; undefined where only its reader can tell. */
export function matches({ folder, oid, inside, outside }: Footprint, view: TreeView): boolean | undefined {
  const entry = view.peek(folder);
  if (entry === unknown) return undefined;
  const asWhole = oid !== '' && entry?.oid === oid ? true : matchesEach(inside, view);
  if (asWhole === false) return false;
  const others = matchesEach(outside, view);
  return others === true ? asWhole : others;
}

function matchesEach(probes: readonly Probe[], view: TreeView): boolean | undefined {
  let verdict: true | undefined = true;
  for (const [path, answer] of probes) {
    const confirmed = view.confirms(path, answer);
    if (confirmed === false) return false;
    if (confirmed === undefined) verdict = undefined;
  }
  return verdict;
}

/**
 * Asks the reader for what `matches` could not tell; the next call of it can. Stops at the first answer that differs. Other repositories come last: they are
 * asked only where what names them is the same, so that a base which nobody names any more is no longer followed.
 */
export async function askFor({ folder, oid, inside, outside }: Footprint, view: TreeView): Promise<void> {
  const entry = await view.entry(folder);
  const own = oid !== '' && entry?.oid === oid ? outside : [...inside, ...outside];
  for (const [path, answer] of own) {
    if (view.confirms(path, answer) === undefined) await view.entry(path);
    if (view.confirms(path, answer) === false) return;
  }
}

/**
 * Bases that go in circles, across repositories, by kustomize's rules (api/internal/loader/fileloader.go): a base that is fetched may not be one whose
 * address begins the address of an earlier one; any other base may not be a folder, or hold a folder, that leads to it in the same copy of a repository.
 *
 * `way` holds the folders that lead here, and before each that was fetched its address (`entryOf`). `roots` holds the same of all that is below a base.
 */
import { isWithin } from './mount.ts';

// No folder begins with a slash.
const fetched = '//from ';
/** A folder of another copy of a repository than that of whoever looks. */
const elsewhere = '//in ';

/** Stands for an address as written. */
export function entryOf(raw: string): string {
  return fetched + raw;
}

/** The roots of a fetched base, for those who fetched it. */
export function rootsBehind(raw: string, folder: string, roots: Iterable<string>): readonly string[] {
  const behind = [...roots].map((root) => (isMark(root) ? root : elsewhere + root));
  return [entryOf(raw), elsewhere + folder, ...behind];
}

function isMark(root: string): boolean {
  return root.startsWith(fetched) || root.startsWith(elsewhere);
}

/** The root that leads back to the way, in words; undefined where none does. */
export function findCircle(way: readonly string[], roots: Iterable<string>): string | undefined {
  const copyBegins = way.findLastIndex((visited) => visited.startsWith(fetched)) + 1;
  for (const root of roots)
    for (const [index, visited] of way.entries())
      if (leadsBack(root, visited, index >= copyBegins)) return describe(root);
  return undefined;
}

function leadsBack(root: string, visited: string, sameCopy: boolean): boolean {
  if (root.startsWith(fetched)) return visited.startsWith(root);
  if (root.startsWith(elsewhere)) return visited === root.slice(elsewhere.length);
  return visited === root || (sameCopy && isWithin(root, visited));
}

/** The way in words; an address says which folder comes next. */
export function describeWay(way: readonly string[]): string {
  const shown = way.filter((_, index) => !way[index - 1]?.startsWith(fetched));
  return shown.map(describe).join(' -> ');
}

function describe(root: string): string {
  if (root.startsWith(fetched)) return root.slice(fetched.length);
  return (root.startsWith(elsewhere) ? root.slice(elsewhere.length) : root) || '.';
}

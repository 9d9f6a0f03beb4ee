/** What stands at the ends of many paths at once, found in one walk. */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Stem } from '../stem.ts';
import { textOf } from './list-merge.ts';

/** Paths as a tree of their parts. */
export interface PathTree {
  ends: boolean;
  readonly below: Map<string, PathTree>;
}

/** What was found at the ends of the paths. */
export interface Leaves {
  readonly texts: ReadonlySet<string>;
  /** `name` of mappings, and scalars that are no texts, as text. */
  readonly others: ReadonlySet<string>;
  /** A change of the fields would fail: a path leads through a scalar, or ends at a mapping without a name. */
  readonly isOdd: boolean;
}

/** Paths by their common beginnings; `[]` behind a name counts for nothing. */
export function pathTree(paths: Iterable<readonly string[]>): PathTree {
  const root: PathTree = { ends: false, below: new Map() };
  for (const path of paths) {
    let node = root;
    for (const part of path) {
      const name = part.endsWith('[]') ? part.slice(0, -2) : part;
      let next = node.below.get(name);
      if (next === undefined) {
        next = { ends: false, below: new Map() };
        node.below.set(name, next);
      }
      node = next;
    }
    node.ends = true;
  }
  return root;
}

const none: Leaves = { texts: new Set(), others: new Set(), isOdd: false };

/** All leaves of an object that many share: found once. */
export function leavesOfStem(stem: Stem, tree: PathTree): Leaves {
  if (stem.references?.for === tree) return stem.references.value;
  const value = leavesBeside(stem.object, tree, undefined);
  stem.references = { for: tree, value };
  return value;
}

/** The leaves of an object, those apart that it has in common with its stem. */
export function leavesBeside(object: KubeObject, tree: PathTree, stem: KubeObject | undefined): Leaves {
  if (tree.below.size === 0) return none;
  const walk = new Walk();
  walk.visit(object, tree, stem);
  return walk.leaves;
}

class Walk {
  #texts: Set<string> | undefined;
  #others: Set<string> | undefined;
  #isOdd = false;

  get leaves(): Leaves {
    if (this.#texts === undefined && this.#others === undefined && !this.#isOdd) return none;
    return { texts: this.#texts ?? none.texts, others: this.#others ?? none.others, isOdd: this.#isOdd };
  }

  visit(value: Json | undefined, tree: PathTree, stem: unknown): void {
    if (value === null || value === undefined) return;
    if (typeof value === 'object' && value === stem) return;
    if (tree.ends) this.#leaf(value);
    this.#descend(value, tree, stem);
  }

  #descend(value: Json | undefined, tree: PathTree, stem: unknown): void {
    if (tree.below.size === 0 || value === null || value === undefined) return;
    if (typeof value !== 'object') this.#isOdd = true;
    else if (Array.isArray(value)) this.#items(value, tree, stem);
    else this.#map(value as JsonObject, tree, stem);
  }

  /** The items of a list are where the list is. */
  #items(items: readonly Json[], tree: PathTree, stem: unknown): void {
    const others = Array.isArray(stem) ? stem : undefined;
    for (let index = 0; index < items.length; index += 1)
      // A list at the end of a path has had its items noted already.
      if (tree.ends) this.#descend(items[index], tree, undefined);
      else this.visit(items[index], tree, others?.[index]);
  }

  #map(map: JsonObject, tree: PathTree, stem: unknown): void {
    const other = typeof stem === 'object' && stem !== null ? (stem as JsonObject) : undefined;
    for (const [name, below] of tree.below)
      if (Object.hasOwn(map, name)) this.visit(map[name], below, other?.[name]);
  }

  #leaf(value: Json): void {
    if (Array.isArray(value)) for (const item of value as readonly Json[]) this.#leaf(item);
    else if (typeof value === 'string') this.#texts = (this.#texts ?? new Set()).add(value);
    else if (value === null || value === undefined) return;
    else if (typeof value !== 'object') this.#others = (this.#others ?? new Set()).add(textOf(value));
    else if (Object.hasOwn(value, 'name'))
      this.#others = (this.#others ?? new Set()).add(textOf((value as JsonObject)['name']));
    else this.#isOdd = true;
  }
}

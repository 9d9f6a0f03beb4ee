import type { FieldChange, FieldPath } from './trace.ts';

/** Which of a step's changes can touch a field, without looking at each: a copied map may be thousands of changes, and the object may have as many fields. */
export interface ChangeIndex {
  /** Indices of changes, ascending. All that touch the field are among them. */
  near(path: FieldPath): readonly number[];
}

interface Branch {
  /** Changes of what is here as a whole. */
  readonly here: number[];
  readonly below: Map<string, Branch>;
}

/** Below a list any change may concern any item: items come, go and move. */
export function indexChanges(changes: readonly FieldChange[]): ChangeIndex {
  const top: Branch = { here: [], below: new Map() };
  for (const [index, { path }] of changes.entries()) {
    let branch = top;
    for (const part of path) {
      if (typeof part !== 'string') break;
      const next = branch.below.get(part) ?? { here: [], below: new Map() };
      branch.below.set(part, next);
      branch = next;
    }
    branch.here.push(index);
  }
  return {
    near(path) {
      const found: number[] = [...top.here];
      let branch: Branch | undefined = top;
      for (const part of path) {
        if (typeof part !== 'string') break;
        branch = branch.below.get(part);
        if (branch === undefined) break;
        found.push(...branch.here);
      }
      const open = branch === undefined ? [] : [...branch.below.values()];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        for (const index of next.here) found.push(index);
        open.push(...next.below.values());
      }
      return found.sort((a, b) => a - b);
    },
  };
}

import type { BlamedLine } from '../../model/blame.ts';
import { createLru } from '../lru.ts';

/** What walks have found, by repository, commit and path. A commit never changes, so nothing of it ever becomes wrong. */
export interface BlameCache {
  get(id: string, commit: string, path: string): ReadonlyMap<number, BlamedLine> | undefined;
  /** Answers that a bound cut short are left out: another walk may know more. */
  add(id: string, commit: string, path: string, lines: ReadonlyMap<number, BlamedLine>): void;
}

const lineBytes = 120;

export function createBlameCache(bytesMax: number): BlameCache {
  const known = createLru<ReadonlyMap<number, BlamedLine>>(bytesMax);
  const keyOf = (id: string, commit: string, path: string) => `${id}:${commit}:${path}`;
  return {
    get: (id, commit, path) => known.get(keyOf(id, commit, path)),
    add(id, commit, path, lines) {
      const key = keyOf(id, commit, path);
      const final = [...lines].filter(([, { atOrBefore }]) => atOrBefore === undefined);
      const all = new Map([...(known.get(key) ?? []), ...final]);
      if (final.length > 0) known.set(key, all, key.length + 100 + all.size * lineBytes);
    },
  };
}

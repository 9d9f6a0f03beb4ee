import type { SourceKey } from '../../model/revision.ts';
import type { Store } from '../../store/store.ts';

/** Renders that are given up in a row. What they built is remembered, so that the next is the shorter for it. */
export const overtakenMax = 2;

export interface Overtaking {
  /**
   * Runs work that is of no use once one of these heads has moved: it is aborted then, and the result is undefined. Not for ever: after `overtakenMax` in a row
   * one is let finish, however fast commits come. @param heads as the work sees them; a source without one counts once it has one.
   */
  run<T>(
    heads: ReadonlyMap<SourceKey, string | undefined>,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined>;
}

export function createOvertaking(store: Pick<Store, 'sources' | 'subscribe'>): Overtaking {
  let inARow = 0;
  return {
    async run(heads, signal, work) {
      const newer = new AbortController();
      const look = async (key: SourceKey) => {
        const status = await store.sources.get(key);
        if (status?.head !== undefined && status.head !== heads.get(key)) newer.abort();
      };
      const unsubscribe = store.subscribe((topic, key) => {
        if (topic !== 'sources' || !heads.has(key) || inARow >= overtakenMax) return;
        // A store that fails here fails the work's next call as well, which says so.
        look(key).catch(() => undefined);
      });
      try {
        const result = await work(AbortSignal.any([signal, newer.signal]));
        inARow = 0;
        return result;
      } catch (caught) {
        if (!newer.signal.aborted || signal.aborted) throw caught;
        inARow += 1;
        return undefined;
      } finally {
        unsubscribe();
      }
    },
  };
}

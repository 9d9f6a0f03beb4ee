import type { Assignment } from '../../model/release.ts';
import type { Store } from '../../store/store.ts';

/** Nobody is there to take an application out of a cluster that never enrolled: the removal is over at once. */
export async function finishUnheard(
  store: Store,
  assignments: readonly Assignment[],
  nowMs: number,
): Promise<void> {
  const removals = assignments.filter(({ removed }) => removed);
  if (removals.length === 0) return;
  const enrolled = new Set((await store.registry.clusters()).map(({ name }) => name));
  for (const { cluster, application, generation } of removals)
    if (!enrolled.has(cluster))
      await store.releases.acknowledge({
        ...{ cluster, application, generation },
        ...{ stage: 'applied', message: 'never enrolled', timeMs: nowMs },
      });
}

/** What rollouts did, as the API asks for it: of one that goes on its state tells, of the others what was kept. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { ClusterRecord, KeptTimelineEntry, RolloutRecord } from '../../model/rollout-history.ts';
import { recordClusters, recordRollout } from '../../rollout/record-rollout.ts';
import type { RolloutState } from '../../rollout/rollout-state.ts';
import type { Page, PageRequest } from '../../store/repositories/page.ts';
import type { Store } from '../../store/store.ts';
import { isWaved, readState } from './rollout-inputs.ts';

export interface RolloutHistory {
  /** Newest first. */
  list(application: string, page: PageRequest): Promise<Page<RolloutRecord>>;
  /** @throws not_found */
  record(id: string): Promise<RolloutRecord>;
  /** In the order of the waves. @throws not_found */
  clusters(id: string): Promise<readonly ClusterRecord[]>;
  /** Oldest first. @throws not_found */
  timeline(id: string, page: PageRequest): Promise<Page<KeptTimelineEntry>>;
}

export function createRolloutHistory(store: Store): RolloutHistory {
  const stateOf = async ({ id, application }: RolloutRecord): Promise<RolloutState | undefined> => {
    const state = readState((await store.releases.rollout(application))?.state);
    return isWaved(state) && state.releaseId === id ? state : undefined;
  };
  const refresh = async (kept: RolloutRecord): Promise<RolloutRecord> => {
    if (kept.endedAtMs !== undefined) return kept;
    const state = await stateOf(kept);
    return state === undefined ? kept : recordRollout(state);
  };
  const find = async (id: string): Promise<RolloutRecord> => {
    const kept = await store.history.record(id);
    if (kept === undefined)
      throw new FairwayError(
        'not_found',
        `There is no rollout "${id}": it never was, or it is too long ago.`,
      );
    return kept;
  };
  return {
    async list(application, page) {
      const { items, next } = await store.history.list(application, page);
      return { items: await Promise.all(items.map(refresh)), next };
    },
    record: async (id) => refresh(await find(id)),
    async clusters(id) {
      const kept = await find(id);
      const state = kept.endedAtMs === undefined ? await stateOf(kept) : undefined;
      return state === undefined ? ((await store.history.clusters(id)) ?? []) : recordClusters(state);
    },
    async timeline(id, page) {
      await find(id);
      return store.history.timeline(id, page);
    },
  };
}

/**
 * What every dialect of the store must do. A dialect's own test calls `describeStoreContract` and adds what is peculiar to it.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { describeContent } from './contract/content.ts';
import { describeEvents } from './contract/events.ts';
import { describeFailovers } from './contract/failovers.ts';
import { describeGarbage } from './contract/garbage.ts';
import { describeMeta } from './contract/meta.ts';
import { describeObservations } from './contract/observations.ts';
import { describeParity } from './contract/parity.ts';
import { describeRegistry } from './contract/registry.ts';
import { describeReleases } from './contract/releases.ts';
import { describeRenders } from './contract/renders.ts';
import { describeRolloutHistory } from './contract/rollout-history.ts';
import { describeSources } from './contract/sources.ts';
import type { Store } from './store.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Closes it and opens the same again. */
  reopen(): Promise<Store>;
  close(): Promise<void>;
}

/** The store of the test that runs, and a way to open it anew. */
export interface StoreUnderTest {
  readonly store: Store;
  reopen(): Promise<Store>;
}

/** @param open an empty store each time. */
export function describeStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`store contract: ${name}`, () => {
    let opened: OpenedStore | undefined;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened?.close();
      opened = undefined;
    });
    const current = (): StoreUnderTest => {
      if (opened === undefined) throw new Error('no store is open');
      return opened;
    };
    describeMeta(current);
    describeSources(current);
    describeContent(current);
    describeRenders(current);
    describeReleases(current);
    describeRolloutHistory(current);
    describeRegistry(current);
    describeObservations(current);
    describeEvents(current);
    describeParity(current);
    describeFailovers(current);
    describeGarbage(current);
  });
}

/** A store in a temporary folder of its own, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { OpenedStore } from '../contract.ts';
import { openStore } from '../open-store.ts';
import type { Store } from '../store.ts';

export const testDataKey = new Uint8Array(32).fill(7);

export interface TestStore extends OpenedStore {
  readonly path: string;
  readonly folder: string;
}

/** Opens an existing or new file with the machine's clock and random source. */
export function openTestStore(
  path: string,
  dataKey: Uint8Array = testDataKey,
  exclusive = false,
): Promise<Store> {
  return openStore({ path, dataKey, exclusive, clock: systemClock, random: systemRandom, log: silentLogger });
}

export async function createTestStore(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-store-'));
  const path = join(folder, 'hub.db');
  let store = await openTestStore(path);
  return {
    folder,
    path,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openTestStore(path);
      return store;
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

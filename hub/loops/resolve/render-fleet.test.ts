import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRemovalTarget } from '../../../shared/manifest/target.ts';
import { createTestStore, type TestStore } from '../../store/sqlite/test-store.test-support.ts';
import { saveContent } from './render-fleet.ts';

let opened: TestStore;
beforeEach(async () => {
  opened = await createTestStore();
});
afterEach(() => opened.close());

describe('saveContent', () => {
  it('keeps the empty set of a removal, which nothing has rendered', async () => {
    const target = createRemovalTarget('prune');
    await saveContent(opened.store, { sets: new Map() }, [target]);
    expect(await opened.store.content.target(target.digest)).toEqual(target);
  });
});

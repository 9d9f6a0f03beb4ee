import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { AppliedRecord, SavedApplication } from '../model/record.ts';
import { loadRecordStore } from './record-store.ts';

const record: AppliedRecord = {
  key: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
  apiVersion: 'v1',
  application: 'shop',
  objectDigest: 'digest',
  omitted: '',
  facts: { uid: 'u', resourceVersion: '7', generation: undefined, own: 'o', metadata: 'm', foreign: 'f' },
  fields: '{"f:data":{}}',
  liveDigest: 'live',
  leaves: 'AQAAAP////8=',
  foreignPaths: '',
  appliedAtMs: 5,
  action: 'created',
};
const saved: SavedApplication = {
  application: 'shop',
  appliedDigest: 'target',
  appliedAtMs: 4,
  records: [record],
};

function bed() {
  const clock = createFakeClock();
  const state = { content: undefined as Uint8Array | undefined, saves: 0, fail: false };
  const storage = {
    load: async () => state.content,
    async save(content: Uint8Array) {
      if (state.fail) throw new Error('full');
      state.content = content;
      state.saves += 1;
    },
  };
  const open = (key = new Uint8Array(32)) =>
    loadRecordStore({ storage, key, clock, random: createSeededRandom(1), log: silentLogger });
  return { clock, state, open };
}

describe('loadRecordStore', () => {
  it('gives the next run what this one had, once', async () => {
    const { state, open } = bed();
    const first = await open();
    expect(first.take('shop')).toBeUndefined();
    first.touch(() => [saved]);
    await first.flush();
    expect(Buffer.from(state.content ?? []).toString('latin1')).not.toContain('ConfigMap');
    const second = await open();
    expect(second.take('shop')).toEqual(saved);
    expect(second.take('shop')).toBeUndefined();
  });

  it('writes changes that come close together as one, and nothing when nothing has changed', async () => {
    const { clock, state, open } = bed();
    const store = await open();
    for (let change = 0; change < 10; change += 1) store.touch(() => [saved]);
    expect(state.saves).toBe(0);
    await clock.advance(5_000);
    await store.flush();
    expect(state.saves).toBe(1);
    await clock.advance(60_000);
    await store.flush();
    expect(state.saves).toBe(1);
  });

  it('bears a write that fails, and tries again', async () => {
    const { clock, state, open } = bed();
    const store = await open();
    state.fail = true;
    store.touch(() => [saved]);
    await store.flush();
    state.fail = false;
    await clock.advance(60_000);
    await store.flush();
    expect(state.saves).toBe(1);
  });

  it('throws away what was changed, or sealed with another key', async () => {
    const { state, open } = bed();
    const store = await open();
    store.touch(() => [saved]);
    await store.flush();
    expect((await open(new Uint8Array(32).fill(1))).take('shop')).toBeUndefined();
    state.content = state.content?.slice(1);
    expect((await open()).take('shop')).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import {
  createManifestSet,
  createRemovalTarget,
  createTarget,
  defaultSyncOptions,
} from '../../shared/manifest/target.ts';
import { loadDesiredStore } from './desired-store.ts';
import type { Assigned } from './held-state.ts';
import type { StateStorage } from './state-storage.ts';

const one = { counter: 1, id: 'one' };

function blob(value: string) {
  const content = JSON.stringify({ value });
  return { digest: digestText(content), content };
}

function assignment(
  application: string,
  generation: number,
  values: readonly string[],
  changes: Partial<Assigned> = {},
): Assigned {
  const entries = values.map((value) => ({
    objectDigest: blob(value).digest,
    key: { group: '', kind: 'ConfigMap', namespace: 'shop', name: value },
    apiVersion: 'v1',
    originId: value,
    wave: 0,
  }));
  const target = createTarget({
    set: createManifestSet(entries),
    sync: defaultSyncOptions,
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune',
    removed: false,
  });
  return {
    application,
    generation,
    epoch: one,
    releaseId: 'r',
    reason: 'release',
    revisionId: 'v',
    target,
    more: false,
    ...changes,
  };
}

function memory(): StateStorage & { content: Uint8Array | undefined; saves: number; fail: boolean } {
  return {
    content: undefined,
    saves: 0,
    fail: false,
    async load() {
      return this.content;
    },
    async save(content) {
      if (this.fail) throw new Error('disk gone');
      this.saves += 1;
      this.content = content;
    },
  };
}

const load = (storage: StateStorage, key = Buffer.alloc(32, 1), clock = createFakeClock()) =>
  loadDesiredStore({ storage, key, clock, random: createSeededRandom(1), log: silentLogger });

describe('desired store', () => {
  it('keeps the old target in force until every object of the new one is here', async () => {
    const store = await load(memory());
    expect(store.assign(assignment('web', 1, ['a']), [blob('a')])).toEqual([]);
    const lacking = store.assign(assignment('web', 2, ['a', 'b']), []);
    expect(lacking).toEqual([blob('b').digest]);
    expect(store.applications().get('web')?.generation).toBe(1);
    expect(store.batchOpen()).toBe(true);
    expect(store.addBlobs([blob('b')]).map(({ generation }) => generation)).toEqual([2]);
    expect(store.applications().get('web')?.generation).toBe(2);
    expect(store.batchOpen()).toBe(false);
  });

  it('keeps the manifests of what is applied while another target is in force, over a restart too', async () => {
    const storage = memory();
    const store = await load(storage);
    const digest = (value: string) => blob(value).digest;
    store.assign(assignment('web', 1, ['a', 'b']), [blob('a'), blob('b')]);
    store.retain('web', new Set([digest('a'), digest('b')]));
    store.assign(assignment('web', 2, ['c']), [blob('c')]);
    await store.flush();
    const later = await load(storage);
    for (const value of ['a', 'b', 'c']) expect(later.object(digest(value))).toBeDefined();
    later.retain('web', new Set([digest('c')]));
    expect([later.object(digest('a')), later.object(digest('b'))]).toEqual([undefined, undefined]);
    later.retain('web', new Set([digest('c')]));
    later.assign(assignment('web', 3, [], { target: createRemovalTarget('prune') }), []);
    expect(later.object(digest('c'))).toBeDefined();
    await later.forget('web', 3);
    expect(later.object(digest('c'))).toBeUndefined();
  });

  it('tells the marks of what is in force with each write, and when they are written', async () => {
    const told: (string | undefined)[] = [];
    const storage: StateStorage = {
      load: async () => undefined,
      save: async (_content, marks) => void told.push(marks),
    };
    const store = await load(storage);
    store.assign(assignment('web', 3, ['a']), [blob('a')]);
    store.assign(assignment('shop', 4, ['b']), []);
    await store.settleMarks();
    const [life, generations] = Object.entries(JSON.parse(told.at(-1) ?? '') as object)[0] ?? [];
    expect(life).toContain('/');
    expect(generations).toEqual({ web: 3 });
  });

  it('does not call marks written that are too many', async () => {
    const store = await load(memory());
    for (let index = 0; index < 3_000; index += 1)
      store.assign(assignment(`${'a-rather-long-name-of-an-application'}-${index}`, 1, []), []);
    await expect(store.settleMarks()).rejects.toMatchObject({ code: 'resource_exhausted' });
    await store.flush();
  });

  it('refuses an older generation, a lower epoch and a fork; a later epoch may start lower', async () => {
    const store = await load(memory());
    store.assign(assignment('web', 5, ['a']), [blob('a')]);
    const refused = expect.objectContaining({ code: 'failed_precondition' });
    expect(() => store.assign(assignment('web', 4, ['a']), [blob('a')])).toThrow(refused);
    expect(() => store.acceptEpoch({ counter: 1, id: 'other' })).toThrow(refused);
    expect(() => store.acceptEpoch({ counter: 0, id: 'zero' })).toThrow(refused);
    const epoch = { counter: 2, id: 'two' };
    expect(store.assign(assignment('web', 2, ['b'], { epoch }), [blob('b')])).toEqual([]);
    expect(() => store.assign(assignment('api', 9, ['a']), [blob('a')])).toThrow(refused);
    expect(store.summary()).toMatchObject({ epoch, generation: 5 });
  });

  it('refuses an object that does not match its digest', async () => {
    const store = await load(memory());
    const forged = { digest: blob('a').digest, content: '{"value":"b"}' };
    expect(() => store.assign(assignment('web', 1, ['a']), [forged])).toThrow(
      expect.objectContaining({ code: 'data_loss' }),
    );
    expect(store.applications().size).toBe(0);
    // It may take objects over from others, who must not delete them meanwhile.
    store.closeBatch();
    expect(store.batchOpen()).toBe(true);
    store.assign(assignment('web', 2, ['a']), [blob('a')]);
    expect(store.batchOpen()).toBe(false);
  });

  it('holds a batch open over what it could not read or get, until something readable comes', async () => {
    const store = await load(memory());
    store.reject('web', false);
    store.closeBatch();
    expect(store.batchOpen()).toBe(true);
    store.assign(assignment('web', 2, ['a']), [blob('a')]);
    expect(store.batchOpen()).toBe(false);
    store.assign(assignment('api', 3, ['b']), []);
    expect(store.giveUp(new Set([blob('b').digest])).map(({ application }) => application)).toEqual(['api']);
    expect(store.lacking()).toEqual([]);
    store.closeBatch();
    expect(store.batchOpen()).toBe(true);
    store.assign(assignment('api', 4, []), []);
    expect(store.batchOpen()).toBe(false);
  });

  it('comes back as it was, and drops objects that nothing names', async () => {
    const storage = memory();
    const before = await load(storage);
    before.assign(assignment('web', 1, ['a', 'b'], { more: true }), [blob('a'), blob('b')]);
    before.assign(assignment('web', 2, ['b']), []);
    before.setPauses([{ application: 'web', untilMs: undefined, reason: 'r' }], true);
    await before.flush();
    const after = await load(storage);
    expect(after.object(blob('a').digest)).toBeUndefined();
    expect(after.object(blob('b').digest)).toBe(blob('b').content);
    expect(after.summary()).toMatchObject({ epoch: one, generation: 2 });
    expect(after.deletionsHeld()).toBe(true);
    expect(after.pauses()).toMatchObject([{ application: 'web', reason: 'r' }]);
    expect([...after.applications().values()]).toEqual([...before.applications().values()]);
    expect(Buffer.from(storage.content!).includes('"value"')).toBe(false);
  });

  it('drops what it has got for an assignment that another has taken the place of, or that was given up', async () => {
    const store = await load(memory());
    const held = (value: string) => store.object(blob(value).digest) !== undefined;
    store.assign(assignment('web', 1, ['a', 'b']), [blob('a')]);
    store.assign(assignment('api', 2, ['c', 'd']), [blob('c')]);
    store.assign(assignment('web', 3, ['e', 'f']), [blob('e')]);
    store.giveUp(new Set([blob('d').digest]));
    store.addBlobs([blob('f')]);
    expect(['a', 'c', 'e', 'f'].map(held)).toEqual([false, false, true, true]);
  });

  it('begins empty when the snapshot is damaged or sealed with another key', async () => {
    const storage = memory();
    const before = await load(storage);
    before.assign(assignment('web', 1, ['a']), [blob('a')]);
    await before.flush();
    expect((await load(storage, Buffer.alloc(32, 2))).applications().size).toBe(0);
    storage.content![20]! ^= 1;
    expect((await load(storage)).applications().size).toBe(0);
    storage.content = Buffer.from('short');
    expect((await load(storage)).applications().size).toBe(0);
  });

  it('joins writes, fails a flush that cannot be written, and tries again by itself', async () => {
    const storage = memory();
    const clock = createFakeClock();
    const store = await load(storage, Buffer.alloc(32, 1), clock);
    storage.fail = true;
    store.assign(assignment('web', 1, ['a']), [blob('a')]);
    await expect(store.flush()).rejects.toThrow('disk gone');
    storage.fail = false;
    for (let i = 0; i < 50; i += 1) store.assign(assignment('web', 2 + i, ['a']), []);
    await store.flush();
    expect(storage.saves).toBeGreaterThan(0);
    expect(storage.saves).toBeLessThan(5);
    expect((await load(storage)).applications().get('web')?.generation).toBe(51);
  });

  it('with a full disk works on with what it was told, counts on nothing that is not written, and catches up', async () => {
    const disk = { full: true, content: undefined as Uint8Array | undefined };
    const storage: StateStorage = {
      load: async () => disk.content,
      async save(content) {
        if (disk.full) throw Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' });
        disk.content = content;
      },
    };
    const clock = createFakeClock();
    const options = {
      storage,
      key: new Uint8Array(32),
      clock,
      random: createSeededRandom(1),
      log: silentLogger,
    };
    const store = await loadDesiredStore(options);
    store.acceptEpoch(one);
    store.assign(assignment('web', 1, ['a']), [blob('a')]);
    expect(store.applications().get('web')?.generation).toBe(1);
    await expect(store.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(disk.content).toBeUndefined();
    disk.full = false;
    await clock.advance(60_000);
    await store.flush();
    const next = await loadDesiredStore(options);
    expect(next.applications().get('web')?.generation).toBe(1);
  });

  it('forgets an application only when it was removed in that generation', async () => {
    const store = await load(memory());
    store.assign(assignment('web', 1, ['a']), [blob('a')]);
    await store.forget('web', 1);
    expect(store.applications().has('web')).toBe(true);
    store.assign({ ...assignment('web', 2, []), target: createRemovalTarget('prune') }, []);
    await store.forget('web', 1);
    expect(store.applications().has('web')).toBe(true);
    await store.forget('web', 2);
    expect(store.applications().has('web')).toBe(false);
    expect(store.summary().generation).toBe(2);
  });
});

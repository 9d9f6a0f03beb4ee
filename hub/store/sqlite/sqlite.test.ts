/** What is peculiar to SQLite in a worker: durability, the data key, migrations, backup and the queue. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestText } from '../../../shared/manifest/canonical.ts';
import { anEvent, configMap, planOf, saveTarget, targetOf } from '../contract/fixtures.ts';
import type { Store } from '../store.ts';
import { queueDepthMax } from '../worker-client.ts';
import { migrate, migrations } from './migrations.ts';
import { createTestStore, openTestStore, type TestStore, testDataKey } from './test-store.test-support.ts';

let test: TestStore;
beforeEach(async () => {
  test = await createTestStore();
});
afterEach(() => test.close());

async function allEventIds(store: Store): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let sequence = 0; ; ) {
    const events = await store.events.after(sequence, {}, 1_000);
    for (const { id } of events) ids.add(id);
    const last = events.at(-1);
    if (last === undefined) return ids;
    sequence = last.sequence;
  }
}

/** Runs a writing child until it has acknowledged `enough`, kills it with -9, and gives what it acknowledged. */
async function writeAndKill(path: string, round: number, enough: number): Promise<readonly string[]> {
  const file = fileURLToPath(new URL('./durability-child.test-support.ts', import.meta.url));
  const child = spawn(process.execPath, [file, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === enough) child.kill('SIGKILL');
  }
  return acknowledged;
}

describe('durability', () => {
  it('has every acknowledged write after kill -9, round after round', async () => {
    const acknowledged: string[] = [];
    await test.store.close();
    for (const round of [1, 2, 3])
      acknowledged.push(...(await writeAndKill(test.path, round, 150 + round * 37)));
    expect(acknowledged.length).toBeGreaterThanOrEqual(600);
    const ids = await allEventIds(await test.reopen());
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
  }, 60_000);
});

describe('data key', () => {
  it('refuses another key and leaves the store as it was', async () => {
    await test.store.meta.ensureSecret('ca', Uint8Array.of(1, 2, 3));
    await test.store.close();
    const other = openTestStore(test.path, new Uint8Array(32).fill(8));
    await expect(other).rejects.toMatchObject({ code: 'failed_precondition' });
    const store = await test.reopen();
    expect([...((await store.meta.secret('ca')) ?? [])]).toEqual([1, 2, 3]);
  });

  it('keeps secrets out of the file and its log in any spelling, whatever their size', async () => {
    const value = 'correct-horse-battery-staple';
    const small = { ...configMap('s'), kind: 'Secret', data: { password: value } };
    const large = {
      ...small,
      data: { password: Buffer.from(value).toString('base64'), more: 'x'.repeat(5_000) },
    };
    await saveTarget(test.store, targetOf([small, large], true));
    await saveTarget(test.store, targetOf([configMap('not-a-secret')]));
    await test.store.meta.ensureSecret('ca', Buffer.from(value));
    const bytes = (file: string) => (existsSync(file) ? readFileSync(file, 'latin1') : '');
    const all = bytes(test.path) + bytes(`${test.path}-wal`);
    expect(all).toContain('not-a-secret');
    expect(all).not.toContain(value);
    expect(all).not.toContain(Buffer.from(value).toString('base64').slice(0, 20));
  });
});

/** Takes back what these migrations and later ones have made, so that they are applied anew. */
function undoFrom(database: BetterSqlite3.Database, first: number): void {
  const later = migrations.filter(({ id }) => id >= first).map(({ sql }) => sql);
  const tables = later.flatMap((text) => [...text.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name));
  for (const table of tables.reverse()) database.exec(`DROP TABLE ${table}`);
  for (const text of later)
    for (const [, table, column] of text.matchAll(/ALTER TABLE (\w+) ADD COLUMN (\w+)/g))
      database.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  database.exec(`DELETE FROM migrations WHERE id >= ${first}`);
}

describe('migrations', () => {
  const one = { id: 1, name: 'one', sql: 'CREATE TABLE a (x INTEGER)' };
  const two = { id: 2, name: 'two', sql: 'CREATE TABLE b (x INTEGER)' };
  const refused = expect.objectContaining({ code: 'failed_precondition' });

  it('applies what is missing, once', () => {
    const database = new BetterSqlite3(':memory:');
    expect(migrate(database, 0, [one])).toBe(1);
    expect(migrate(database, 0, [one, two])).toBe(1);
    expect(migrate(database, 0, [one, two])).toBe(0);
    expect(database.prepare('SELECT id, digest FROM migrations').all()).toEqual([
      { id: 1, digest: digestText(one.sql) },
      { id: 2, digest: digestText(two.sql) },
    ]);
  });

  it('refuses a store of a newer Fairway, an edited migration and a foreign database', () => {
    const database = new BetterSqlite3(':memory:');
    migrate(database, 0, [one, two]);
    expect(() => migrate(database, 0, [one])).toThrow(refused);
    expect(() => migrate(database, 0, [{ ...one, sql: 'CREATE TABLE c (x)' }, two])).toThrow(refused);
    const foreign = new BetterSqlite3(':memory:');
    foreign.exec('CREATE TABLE theirs (x)');
    expect(() => migrate(foreign, 0, [one])).toThrow(refused);
    expect(foreign.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
  });

  it('is refused while another has it for itself, and free when that one has closed it', async () => {
    const path = join(test.folder, 'other.db');
    const open = () => openTestStore(path, testDataKey, true);
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'failed_precondition', subject: path });
    await first.close();
    await (await open()).close();
  });

  it('makes one store when several open a new file at once', async () => {
    const path = `${test.folder}/new.db`;
    const stores = await Promise.all([1, 2, 3].map(() => openTestStore(path)));
    const epochs = await Promise.all(stores.map((store) => store.meta.epoch()));
    expect(new Set(epochs.map(({ id }) => id)).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('gives a store of before what rendering remembers, and leaves what is in it', async () => {
    const target = await saveTarget(test.store, targetOf([configMap('a', 'hidden')], true));
    const { set } = target;
    await test.store.close();
    const before = new BetterSqlite3(test.path);
    undoFrom(before, 3);
    before.close();
    const store = await test.reopen();
    expect(await store.content.target(target.digest)).toEqual(target);
    const node = digestText('node');
    const result = { root: 'root', node, values: '', set: set.digest, builtFrom: 'app' };
    await store.renders.save({
      engine: 'e',
      nodes: [{ digest: node, folder: 'app', oid: '', helm: '', probes: [], bases: [] }],
      roots: [{ key: 'root', node, variables: [] }],
      results: [result],
    });
    expect(await store.renders.results([result])).toEqual([
      { root: 'root', node, values: '', set, builtFrom: 'app' },
    ]);
  });

  it('takes the clusters out of the states of rollouts that there are', async () => {
    await test.store.close();
    const before = new BetterSqlite3(test.path);
    undoFrom(before, 8);
    const clusters = { us: { assignedAtMs: 1.5 }, '7': {}, 'eu"1': { failure: { message: 'a "b" \u2028' } } };
    const states = { web: { version: 2, waves: [], clusters, held: [] }, queue: { type: 'queue' } };
    const save = before.prepare('INSERT INTO rollouts (application, state) VALUES (?, ?)');
    for (const [application, state] of Object.entries(states)) save.run(application, JSON.stringify(state));
    before.close();
    const { releases } = await test.reopen();
    expect(await releases.rollout('web')).toEqual({ version: 1, state: states.web });
    expect(await releases.rollout('queue')).toEqual({ version: 1, state: states.queue });
    const pass = { application: 'web', version: 1, decisions: [], events: [], nowMs: 1 };
    expect(await releases.saveRollout({ ...pass, state: undefined, clusters: { us: null } })).toEqual([]);
    const { us: _, ...left } = clusters;
    expect((await releases.rollout('web'))?.state).toEqual({ ...states.web, clusters: left });
  });

  it('takes back all of a migration that fails', () => {
    const database = new BetterSqlite3(':memory:');
    migrate(database, 0, [one]);
    const broken = { id: 2, name: 'two', sql: 'CREATE TABLE b (x); CREATE TABLE a (x)' };
    expect(() => migrate(database, 0, [one, broken])).toThrow();
    expect(database.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['migrations', 'a']);
  });

  it('does not touch a newer store or a file that is no database when asked to open it', async () => {
    await test.store.close();
    const database = new BetterSqlite3(test.path);
    database.exec(`INSERT INTO migrations VALUES (9999, 'later', 'x', 0)`);
    database.close();
    const before = readFileSync(test.path);
    await expect(openTestStore(test.path)).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(readFileSync(test.path).equals(before)).toBe(true);
    const other = `${test.folder}/text`;
    writeFileSync(
      other,
      'no database at all, but long enough to have had a header of one hundred bytes'.repeat(3),
    );
    await expect(openTestStore(other)).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});

describe('backup', () => {
  it('is whole and opens, though writes go on', async () => {
    const { store } = test;
    for (let block = 0; block < 20; block += 1)
      await store.events.append(Array.from({ length: 500 }, () => anEvent({ message: 'x'.repeat(800) })));
    const copy = `${test.folder}/copy.db`;
    let done = false;
    const backup = store.backup(copy).then(() => {
      done = true;
    });
    let during = 0;
    for (; !done; during += 1) await store.events.append([anEvent({ id: `during-${during}` })]);
    await backup;
    expect(during).toBeGreaterThan(0);
    const database = new BetterSqlite3(copy, { readonly: true });
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
    const restored = await openTestStore(copy);
    expect(await restored.events.lastSequence()).toBeGreaterThanOrEqual(10_000);
    await restored.close();
    await expect(store.backup(copy)).rejects.toMatchObject({ code: 'already_exists' });
  });
});

describe('the worker', () => {
  it('commits calls that come together, and one that fails takes back itself alone', async () => {
    const unknown = targetOf([configMap('x')]).target;
    const { store } = test;
    const results = await Promise.allSettled([
      store.events.append([anEvent({ id: 'before' })]),
      store.content.saveTargets([unknown]),
      store.releases.confirm('none', 'ann', anEvent({ id: 'never' })),
      store.releases.savePlan(planOf({ events: [anEvent({ id: 'after' })] })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect([...(await allEventIds(store))]).toEqual(['before', 'after']);
  });

  it('refuses calls when too many wait, and serves those that do', async () => {
    const calls = Array.from({ length: queueDepthMax + 5 }, () => test.store.meta.value('a'));
    const results = await Promise.allSettled(calls);
    const rejected = results.filter((result) => result.status === 'rejected');
    expect(rejected).toHaveLength(5);
    expect(rejected[0]?.reason).toMatchObject({ code: 'resource_exhausted' });
  });

  it('answers what was called before close, refuses what comes after, and closes once', async () => {
    const last = test.store.meta.setValue('a', '1');
    await Promise.all([test.store.close(), test.store.close()]);
    await last;
    await expect(test.store.meta.value('a')).rejects.toMatchObject({ code: 'unavailable', retry: false });
    expect(await (await test.reopen()).meta.value('a')).toBe('1');
  });

  it('refuses what cannot be posted, and goes on', async () => {
    const unpostable = (() => {}) as unknown as string;
    await expect(test.store.meta.setValue('a', unpostable)).rejects.toMatchObject({ code: 'internal' });
    await test.store.meta.setValue('a', '1');
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveTarget, targetOf } from '../../hub/store/contract/fixtures.ts';
import { createTestStore, type TestStore } from '../../hub/store/sqlite/test-store.test-support.ts';
import { placesOf, readFiles, readKept } from './kept-texts.ts';

const value = 'six-green-lanterns';
const mapOf = (paddingBytes: number) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'shop' } },
  data: { padding: 'grow '.repeat(paddingBytes / 5), value },
});

let test: TestStore;
beforeEach(async () => {
  test = await createTestStore();
});
afterEach(() => test.close());
const places = () => placesOf(readKept({ folder: test.folder, dataDir: test.folder }), [value]);

describe('readKept', () => {
  it.each([
    ['raw', 0],
    ['packed by deflate', 2_000],
    ['packed by zstd', 20_000],
  ])('finds in the store what lies there %s', async (_how, paddingBytes) => {
    await saveTarget(test.store, targetOf([mapOf(paddingBytes)]));
    expect(places()).toContain('blobs.content');
    // As bytes of the file it is not to be seen, which is why the store is read.
    if (paddingBytes > 0) expect(placesOf(readFiles(test.folder), [value])).toEqual([]);
  });

  it.each([0, 2_000, 20_000])('finds nothing of what is sealed, of %i bytes', async (paddingBytes) => {
    await saveTarget(test.store, targetOf([mapOf(paddingBytes)], true));
    expect(places()).toEqual([]);
  });

  it('reads a log from its first line', () => {
    const lines = [`{"value":"${value}"}`, ...Array.from({ length: 500 }, () => '{"message":"other"}')];
    const path = join(test.folder, 'agent.log');
    writeFileSync(path, lines.join('\n'));
    expect(places()).toContain(path);
  });
});

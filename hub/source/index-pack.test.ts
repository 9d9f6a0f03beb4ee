import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetRepository, type FleetRepository } from '../cli/demo/fleet-repository.ts';
import { indexPack } from './index-pack.ts';
import { errorOf } from './test-bed.ts';

let folder: string;
let repository: FleetRepository;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-index-'));
  repository = await createFleetRepository({ workTree: join(folder, 'work'), bare: join(folder, 'bare') });
  for (let round = 0; round < 5; round += 1) {
    const files: Record<string, string | Uint8Array> = {
      empty: '',
      [`large-${round}`]: Buffer.alloc(3_000_000, `${round}x`),
    };
    for (let index = 0; index < 60; index += 1)
      files[`d${index % 7}/f${index}`] = `${'line\n'.repeat(200)}${index * round}\n`;
    await repository.commit(files, { message: `round ${round}` });
  }
  await repository.git('tag', '--annotate', '--message', 'x', 'v1');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A pack that git wrote, and the index it wrote with it. */
async function packed(...options: readonly string[]): Promise<{ pack: string; index: Buffer }> {
  await repository.git(...options, 'repack', '-a', '-d', '-f', '--quiet');
  const place = join(repository.workTree, '.git', 'objects', 'pack');
  const name = (await readdir(place)).find((file) => file.endsWith('.pack'))!;
  return { pack: join(place, name), index: await readFile(join(place, name.replace(/pack$/, 'idx'))) };
}

describe('indexPack', () => {
  it.each([
    ['deltas by offset', []],
    ['deltas by id', ['-c', 'repack.useDeltaBaseOffset=false']],
    ['no deltas', ['-c', 'pack.window=0']],
    ['no compression', ['-c', 'pack.compression=0']],
  ])('writes what git writes, with %s', async (_name, options) => {
    const { pack, index } = await packed(...options);
    const ours = join(folder, 'ours.idx');
    expect(await indexPack(pack, ours)).toBeGreaterThan(70);
    expect((await readFile(ours)).equals(index)).toBe(true);
  });

  it('refuses a pack that is cut, grown, hurt or counts wrongly', async () => {
    const bytes = await readFile((await packed()).pack);
    const path = join(folder, 'bad.pack');
    const middle = Math.floor(bytes.length / 2);
    const miscounted = Buffer.from(bytes);
    miscounted.writeUInt32BE(bytes.readUInt32BE(8) - 1, 8);
    const hurt = Buffer.from(bytes).fill(0xff, middle, middle + 30);
    for (const bad of [
      bytes.subarray(0, middle),
      Buffer.concat([bytes, bytes.subarray(-20)]),
      miscounted,
      hurt,
    ]) {
      await writeFile(path, bad);
      expect((await errorOf(indexPack(path, join(folder, 'bad.idx')))).code).toBe('data_loss');
    }
  });
});

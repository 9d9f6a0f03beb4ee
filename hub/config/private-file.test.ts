import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPrivateFile, replacePrivateFile } from './private-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-private-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a reader finds of a file from now on until `work` is done. */
async function seenDuring(path: string, work: Promise<unknown>): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  while (!done) seen.add(await files.readFile(path, 'utf8').catch(() => 'not there'));
  await ended;
  return seen;
}

describe('private files', () => {
  it('are made once, whole, and readable by their owner only', async () => {
    const path = join(folder, 'sub', 'data.key');
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(200_000));
    const seen = await seenDuring(
      path,
      Promise.all(texts.map((text) => createPrivateFile(path, text))).then((made) =>
        expect(made.filter(Boolean)).toHaveLength(1),
      ),
    );
    for (const text of seen) expect([...texts, 'not there']).toContain(text);
    expect(statSync(path).mode & 0o77).toBe(0);
    expect(await createPrivateFile(path, 'other')).toBe(false);
    expect(texts).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(join(folder, 'sub'))).toEqual(['data.key']);
  });

  it('are replaced whole', async () => {
    const path = join(folder, 'admin.token');
    await createPrivateFile(path, 'old');
    const next = 'n'.repeat(2_000_000);
    const seen = await seenDuring(path, replacePrivateFile(path, next));
    for (const text of seen) expect(['old', next]).toContain(text);
    expect(readFileSync(path, 'utf8')).toBe(next);
    expect(readdirSync(folder)).toEqual(['admin.token']);
  });

  it('say which of them cannot be written', async () => {
    await createPrivateFile(join(folder, 'file'), '');
    await expect(createPrivateFile(join(folder, 'file', 'below'), '')).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('below'),
    });
  });
});

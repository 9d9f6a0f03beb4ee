import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestEngine } from './engine-digest.ts';

const files: Readonly<Record<string, string>> = {
  'package.json': '{}',
  'hub/compose/engine-digest.ts': '',
  'hub/render/renderer.ts': 'a',
  'hub/render/kustomize/schema.json': '{}',
  'hub/helm/helm-process.ts': 'a',
  'hub/model/fleet.ts': 'a',
  'shared/manifest/target.ts': 'a',
};

let top: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'fairway-engine-'));
  for (const [path, text] of Object.entries(files)) await write(path, text);
});
afterEach(() => rm(top, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeFile(join(top, path), text);
}
const digest = () => digestEngine(pathToFileURL(join(top, 'hub/compose/')));

describe('digestEngine', () => {
  it('is another for each change of code that renders, and for new files', async () => {
    const seen = new Set([await digest()]);
    const changes = [
      ...Object.keys(files).filter((path) => path !== 'hub/compose/engine-digest.ts'),
      'hub/render/new.ts',
    ];
    for (const path of changes) {
      await write(path, 'b');
      seen.add(await digest());
    }
    expect(seen.size).toBe(changes.length + 1);
  });

  it('is the same whatever tests and other folders say', async () => {
    const before = await digest();
    await write('hub/render/renderer.test.ts', 'b');
    await write('hub/render/notes.md', 'b');
    await write('hub/api/app.ts', 'b');
    expect(await digest()).toBe(before);
  });

  it('covers all that rendering imports, but for what no set depends on', async () => {
    const render = new URL('../render/', import.meta.url);
    const names = (await readdir(render, { recursive: true })).filter(
      (name) => name.endsWith('.ts') && !name.includes('.test'),
    );
    const outside = new Set<string>();
    for (const name of names) {
      const file = new URL(name, render);
      for (const [, path = ''] of (await readFile(file, 'utf8')).matchAll(/from '(\.[^']+)'/g)) {
        const target = new URL(path, file).pathname.split('/').slice(-3, -1).join('/');
        if (!new URL(path, file).href.startsWith(render.href)) outside.add(target);
      }
    }
    // Errors and their words, and what keeps the thread that renders.
    const harmless = ['shared/error', 'shared/text', 'shared/clock', 'shared/log', 'shared/loop'];
    const covered = ['hub/model', 'shared/manifest'];
    expect([...outside].filter((folder) => ![...harmless, ...covered].includes(folder))).toEqual([]);
    expect([...outside]).toEqual(expect.arrayContaining(covered));
  });

  it('reads the code that runs', async () => {
    expect(await digestEngine()).toMatch(/^[0-9a-f]{32}$/);
  });
});

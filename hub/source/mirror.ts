import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { parseCommit } from './objects/git-object.ts';
import { createObjectReader, type ObjectReader } from './objects/object-reader.ts';
import type { PackCaches } from './objects/pack-file.ts';
import { type AddedPack, addPack, mergePacks } from './objects/pack-store.ts';

/** A bare repository on disk that holds what was fetched from one URL. Git's own tools can read it. */
export interface Mirror {
  readonly reader: ObjectReader;
  /** Makes the folder ready: new, or checked; a damaged one is set aside and made again. Once a process, and after `markDamaged`. */
  prepare(): Promise<void>;
  /** Whether the folder is there; for readers, who must not make one. */
  exists(): Promise<boolean>;
  /** Commits whose history is here whole: the last head of each ref. */
  heads(): Promise<readonly string[]>;
  /** Says that all that `sha` reaches is here. Only after its pack. */
  recordHead(ref: string, sha: string): Promise<void>;
  add(chunks: AsyncIterable<Buffer>): Promise<AddedPack>;
  /** Merges packs when there are more than `packsMax`. */
  consolidate(): Promise<void>;
  /** Something in it could not be read: the next `prepare` makes it again. Kept on disk, so that a restart does not forget it. */
  markDamaged(): Promise<void>;
}

export interface MirrorOptions {
  /** The folder that holds all mirrors. */
  readonly directory: string;
  readonly id: string;
  /** Without credentials; written into the marker file. */
  readonly url: string;
  readonly packsMax: number;
  /** Packs that together are larger are not merged. */
  readonly mergeBytesMax: number;
  readonly caches: PackCaches;
  readonly log: Logger;
}

const markerName = 'fairway-mirror.json';
const damagedName = 'fairway-damaged';
const refFolder = ['refs', 'fairway'];
/** Heads of refs that nobody follows any more go, the oldest first, when there are more. */
const headsMax = 256;
const config = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n';

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function create(path: string, url: string): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, 'objects', 'pack'), { recursive: true });
  await mkdir(join(fresh, 'objects', 'info'), { recursive: true });
  await mkdir(join(fresh, ...refFolder), { recursive: true });
  await writeFile(join(fresh, 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(join(fresh, 'config'), config);
  await writeFile(join(fresh, markerName), `${JSON.stringify({ version: 1, url })}\n`);
  await rename(fresh, path);
}

/** Removes what a killed process left: unfinished packs, and packs without an index. */
async function sweep(path: string): Promise<void> {
  await rm(join(path, 'tmp'), { recursive: true, force: true });
  const folder = join(path, 'objects', 'pack');
  const names = new Set(await readdir(folder));
  for (const name of names)
    if (!name.endsWith('.idx') && !names.has(name.replace(/\.[a-z]+$/, '.idx')))
      await rm(join(folder, name), { force: true });
}

async function readMarker(path: string): Promise<unknown> {
  try {
    const marker: unknown = JSON.parse(await readFile(join(path, markerName), 'utf8'));
    return marker !== null && typeof marker === 'object' && 'url' in marker ? marker.url : undefined;
  } catch {
    // Missing or half written: as good as no mirror at all, and made again.
    return undefined;
  }
}

async function readHeads(
  path: string,
): Promise<readonly { readonly file: string; readonly sha: string; readonly timeMs: number }[]> {
  const folder = join(path, ...refFolder);
  const heads = [];
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const sha = (await readFile(file, 'utf8')).trim();
    if (/^[0-9a-f]{40}$/.test(sha)) heads.push({ file, sha, timeMs: (await stat(file)).mtimeMs });
    else await rm(file, { force: true });
  }
  return heads.sort((a, b) => b.timeMs - a.timeMs);
}

export function createMirror(options: MirrorOptions): Mirror {
  const { url, log } = options;
  const path = join(options.directory, options.id);
  const reader = createObjectReader([join(path, 'objects')], options.caches);
  let ready = false;

  /** Why the mirror cannot be used; undefined when it can. */
  const findFault = async (): Promise<string | undefined> => {
    if ((await readMarker(path)) !== url) return 'the marker file is missing or names another URL';
    if (await isThere(join(path, damagedName))) return 'an object could not be read';
    try {
      await sweep(path);
      reader.refresh();
      for (const { sha } of await readHeads(path)) {
        const commit = await reader.read(sha, Number.MAX_SAFE_INTEGER);
        const tree = commit && parseCommit(sha, commit.bytes).tree;
        if (!tree || !(await reader.read(tree, Number.MAX_SAFE_INTEGER)))
          return `the head ${sha} is not whole`;
      }
      return undefined;
    } catch (caught) {
      if (caught instanceof FairwayError) return caught.message;
      throw caught;
    }
  };

  return {
    reader,
    async prepare() {
      if (ready) return;
      await mkdir(options.directory, { recursive: true });
      if (await isThere(path)) {
        const fault = await findFault();
        if (fault !== undefined) {
          log.warn('mirror is damaged; it is set aside and fetched again', {
            url,
            fault,
            asideAs: `${path}.damaged`,
          });
          await rm(`${path}.damaged`, { recursive: true, force: true });
          await rename(path, `${path}.damaged`);
        }
      }
      if (!(await isThere(path))) await create(path, url);
      reader.refresh();
      ready = true;
    },
    exists: () => isThere(join(path, markerName)),
    heads: async () => (await readHeads(path)).map((head) => head.sha),
    async recordHead(ref, sha) {
      const name = createHash('sha256').update(ref).digest('hex').slice(0, 32);
      const target = join(path, ...refFolder, name);
      await mkdir(join(path, 'tmp'), { recursive: true });
      const fresh = join(path, 'tmp', `ref-${name}`);
      await writeFile(fresh, `${sha}\n`, { flush: true });
      await rename(fresh, target);
      for (const { file } of (await readHeads(path)).slice(headsMax)) await rm(file, { force: true });
    },
    async add(chunks) {
      const added = await addPack(path, chunks, url);
      reader.refresh();
      return added;
    },
    async consolidate() {
      const packs = await reader.packs();
      if (packs.length <= options.packsMax) return;
      const merged = [];
      let bytes = 0;
      for (const pack of [...packs].sort((a, b) => a.bytes - b.bytes)) {
        bytes += pack.bytes;
        if (bytes > options.mergeBytesMax) break;
        merged.push(pack);
      }
      if (merged.length < 2) return;
      await mergePacks(path, merged, url);
      reader.refresh();
      log.info('packs of a mirror merged', { url, packs: merged.length, bytes });
    },
    async markDamaged() {
      ready = false;
      // Without its folder it needs no mark: it will be made anyway.
      if (await isThere(path)) await writeFile(join(path, damagedName), '');
    },
  };
}

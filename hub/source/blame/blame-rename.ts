import type { LineFile } from './blame-file.ts';
import type { BlameTrees, RemovedFile } from './blame-tree.ts';

/** Finds what a file was called before. */
export interface Renames {
  /** The path in the tree `before` that became `path` in `after`, where it did not lie; undefined: it is new. */
  find(before: string, after: string, path: string, blob: string): Promise<string | undefined>;
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Files of other content that are compared for one rename. */
const candidatesMax = 100;
const candidateBytesMax = 1024 * 1024;

/**
 * A rename is a file that is gone in the same commit, with the same content, or else the one of at least half the content (as
 * https://git-scm.com/docs/git-diff says of `-M`), and among equals one of the same name.
 */
export function createRenames(trees: BlameTrees, read: (oid: string) => Promise<LineFile>): Renames {
  const gone = new Map<string, Promise<readonly RemovedFile[] | undefined>>();
  const removed = (before: string, after: string) => {
    const key = `${before} ${after}`;
    const known = gone.get(key) ?? trees.removed(before, after);
    gone.set(key, known);
    return known;
  };
  return {
    async find(before, after, path, blob) {
      const files = (await removed(before, after)) ?? [];
      const name = baseName(path);
      const named = [...files].sort(
        (a, b) => Number(baseName(b.path) === name) - Number(baseName(a.path) === name),
      );
      const same = named.find(({ oid }) => oid === blob);
      if (same) return same.path;
      const file = await read(blob);
      if (file.bytes.length > candidateBytesMax) return undefined;
      let best: { readonly path: string; readonly score: number } | undefined;
      for (const candidate of named.slice(0, candidatesMax)) {
        const score = similarity(await read(candidate.oid), file);
        if (score >= scoreMin && score > (best?.score ?? 0)) best = { path: candidate.path, score };
      }
      return best?.path;
    },
  };
}

/** As Git counts it, of 60,000. */
const scoreMax = 60_000;
const scoreMin = 30_000;
const chunkBytes = 64;

/** Bytes by chunk of a file: a line, at most 64 bytes of it; a carriage return before the line feed of a text does not count. */
function chunksOf({ bytes }: LineFile): ReadonlyMap<string, number> {
  const chunks = new Map<string, number>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isText = !buffer.subarray(0, 8000).includes(0);
  let chunk = '';
  const end = () => {
    if (chunk !== '') chunks.set(chunk, (chunks.get(chunk) ?? 0) + chunk.length);
    chunk = '';
  };
  for (let at = 0; at < buffer.length; at += 1) {
    if (isText && buffer[at] === 0x0d && buffer[at + 1] === 0x0a) continue;
    chunk += String.fromCharCode(buffer[at] ?? 0);
    if (chunk.length >= chunkBytes || buffer[at] === 0x0a) end();
  }
  end();
  return chunks;
}

/** How much of the larger of two files is in both. */
function similarity(before: LineFile, after: LineFile): number {
  const [small, large] = [before.bytes.length, after.bytes.length].sort((a, b) => a - b) as [number, number];
  if (small === 0 || large * (scoreMax - scoreMin) < (large - small) * scoreMax) return 0;
  const chunks = chunksOf(after);
  let copied = 0;
  for (const [chunk, size] of chunksOf(before)) copied += Math.min(size, chunks.get(chunk) ?? 0);
  return Math.floor((copied * scoreMax) / large);
}

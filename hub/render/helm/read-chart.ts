import { createHash } from 'node:crypto';
import { Lru } from '../lru.ts';
import { problemError } from '../render-error.ts';
import type { Found, Probes, TreeView } from '../tree-view.ts';
import type { ChartFiles } from './helm-runner.ts';
import { readArchive } from './read-archive.ts';

/** A chart whose files are at hand. */
export interface Chart {
  /** Where it is in Git, or the name and version in its repository. For messages. */
  readonly folder: string;
  readonly files: ChartFiles;
  /** SHA-256 over all paths and contents. */
  readonly digest: string;
}

const bytesMax = 32 * 1024 * 1024;
const filesMax = 5_000;
const fileBytesMax = 8 * 1024 * 1024;
/** Charts within charts. */
const nestingMax = 8;
const rememberedBytesMax = 64 * 1024 * 1024;

export interface ChartReader {
  /** From Git: symbolic links within the repository are followed, and where they lead noted in `probes`. @throws a Problem. */
  fromTree(view: TreeView, found: Found, probes: Probes, signal?: AbortSignal): Promise<Chart>;
  /** From an archive whose digest is known. @throws a Problem. */
  fromArchive(archive: Uint8Array, shownAs: string): Chart;
}

/** Charts without links are remembered by the object id of their folder. */
export function createChartReader(): ChartReader {
  const known = new Lru<{ readonly files: ChartFiles; readonly digest: string }>(rememberedBytesMax);
  return {
    fromTree: async (view, found, probes, signal) => {
      // All within it counts, remembered or read.
      probes.set(found.path, found.entry.oid);
      const remembered = known.get(found.entry.oid);
      if (remembered !== undefined) return { folder: found.path, ...remembered };
      const read = await readFolder(view, found.path, probes, signal);
      const files = unpackSubcharts(read.files, found.path);
      const chart = { files, digest: digestOf(files) };
      if (!read.linked) known.set(found.entry.oid, chart, read.bytes + 1_024);
      return { folder: found.path, ...chart };
    },
    fromArchive: (archive, shownAs) => {
      const read = readArchive(archive, { bytesMax, filesMax });
      if (!read.ok) throw problemError('invalid_manifest', { file: shownAs }, `the chart is ${read.message}`);
      const files = unpackSubcharts(read.files, shownAs);
      return { folder: shownAs, files, digest: digestOf(files) };
    },
  };
}

interface FolderRead {
  readonly files: Map<string, Uint8Array>;
  readonly bytes: number;
  readonly linked: boolean;
}

async function readFolder(
  view: TreeView,
  top: string,
  probes: Probes,
  signal: AbortSignal | undefined,
): Promise<FolderRead> {
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  let linked = false;
  const refuse = (message: string) => problemError('resource_exhausted', { file: top }, message);
  // A link to a folder above itself would never end; so deep is no chart.
  const walk = async (real: string, inside: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    if (depth > 40)
      throw refuse('the chart is nested too deeply, or has a symbolic link to a folder it lies in');
    for (const entry of await view.list(real, probes)) {
      const at = real === '' ? entry.name : `${real}/${entry.name}`;
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      let found: Found | undefined = { path: at, entry };
      if (entry.type === 'symlink') {
        linked = true;
        found = await view.find(at, probes);
        if (found === undefined)
          throw problemError('not_found', { file: at }, 'a symbolic link to nothing in the repository');
      }
      if (found.entry.type === 'submodule')
        throw problemError('unsupported', { file: at }, 'submodules are not read: put the files here');
      if (found.entry.type === 'directory') await walk(found.path, path, depth + 1);
      else {
        const content = await view.read(found.path, fileBytesMax, at);
        files.set(path, content);
        bytes += content.length;
      }
      if (files.size > filesMax) throw refuse(`the chart has more than ${filesMax} files`);
      if (bytes > bytesMax) throw refuse(`the chart has more than ${bytesMax} bytes`);
    }
  };
  await walk(top, '', 0);
  return { files, bytes, linked };
}

const subchartArchive = /^(?:.*\/)?charts\/[^/_.][^/]*\.(?:tgz|tar\.gz)$/;

/** Helm reads `charts/a-1.0.0.tgz` and `charts/a/` alike; unpacked, what is in them can be checked. */
function unpackSubcharts(files: ReadonlyMap<string, Uint8Array>, shownAs: string, depth = 0): ChartFiles {
  const result = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    if (!subchartArchive.test(path)) {
      result.set(path, bytes);
      continue;
    }
    const file = `${shownAs}/${path}`;
    if (depth >= nestingMax)
      throw problemError('resource_exhausted', { file }, `charts nested more than ${nestingMax} deep`);
    const read = readArchive(bytes, { bytesMax, filesMax });
    if (!read.ok) throw problemError('invalid_manifest', { file }, `the subchart is ${read.message}`);
    const folder = path.replace(/\.(?:tgz|tar\.gz)$/, '');
    for (const [inner, content] of unpackSubcharts(read.files, file, depth + 1))
      result.set(`${folder}/${inner}`, content);
  }
  let total = 0;
  for (const bytes of result.values()) total += bytes.length;
  if (total > bytesMax || result.size > filesMax)
    throw problemError(
      'resource_exhausted',
      { file: shownAs },
      'the chart is too large once its subcharts are unpacked',
    );
  return result;
}

function digestOf(files: ChartFiles): string {
  const hash = createHash('sha256');
  for (const [path, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path.length} ${path} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

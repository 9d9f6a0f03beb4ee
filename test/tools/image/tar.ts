/**
 * Tar archives that depend on nothing but their entries: sorted by path, one time for all, no names of the machine's users. The POSIX `ustar` format,
 * which every container engine reads (IEEE Std 1003.1-2017, pax, "ustar Interchange Format").
 */

export interface TarEntry {
  /** Without a leading or trailing slash. Parent folders need no entries of their own. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits. Default 0644 for a file, 0755 for a directory, 0777 for a link. */
  readonly mode?: number;
  /** User and group. Default 0. */
  readonly owner?: number;
  /** Of a file. */
  readonly bytes?: Uint8Array;
  /** Of a symlink. */
  readonly target?: string;
}

const block = 512;
const nameMax = 100;
const prefixMax = 155;
/** Eleven octal digits. */
const sizeMax = 0o77777777777;
const typeFlags = { file: '0', symlink: '2', directory: '5' } as const;
const modes = { file: 0o644, symlink: 0o777, directory: 0o755 } as const;

/** Parts a path for the fields `prefix` and `name`. @throws RangeError for a path that does not fit. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= nameMax) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= nameMax && Buffer.byteLength(prefix) <= prefixMax) return [prefix, name];
  }
  throw new RangeError(`the path is too long for a tar archive: ${path}`);
}

function headerOf(entry: TarEntry, mtimeSeconds: number): Buffer {
  const { path, type, mode = modes[type], owner = 0, bytes, target = '' } = entry;
  const size = bytes?.length ?? 0;
  if (size > sizeMax) throw new RangeError(`the file is too large for a tar archive: ${path}`);
  if (Buffer.byteLength(target) > nameMax) throw new RangeError(`the link's target is too long: ${path}`);
  const [prefix, name] = splitPath(type === 'directory' ? `${path}/` : path);
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number) =>
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  header.write(name, 0);
  octal(mode, 100, 8);
  octal(owner, 108, 8);
  octal(owner, 116, 8);
  octal(size, 124, 12);
  octal(mtimeSeconds, 136, 12);
  // The checksum is counted with its own field as blanks.
  header.write('        ', 148);
  header.write(typeFlags[type], 156);
  header.write(target, 157);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** The entries and every folder above them, in the order of their bytes. @throws RangeError for a path given twice. */
function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    if (all.has(entry.path)) throw new RangeError(`two entries of the archive have one path: ${entry.path}`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (!all.has(folder)) all.set(folder, { path: folder, type: 'directory' });
    }
  return [...all.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** The archive: the same bytes for the same entries in any order. @throws RangeError for what the format cannot hold. */
export function createTar(entries: readonly TarEntry[], mtimeSeconds: number): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of withFolders(entries)) {
    parts.push(headerOf(entry, mtimeSeconds));
    if (entry.bytes) parts.push(entry.bytes, Buffer.alloc(-entry.bytes.length & (block - 1)));
  }
  parts.push(Buffer.alloc(2 * block));
  return Buffer.concat(parts);
}

/** Git's object formats (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects), parsed without trust in their bytes. */
import type { Commit, Person } from '../../model/revision.ts';
import type { TreeEntry } from '../../model/tree.ts';
import { sourceError } from '../source-error.ts';

const messageBytesMax = 8 * 1024;

/** A commit and the tree it names. */
export interface ParsedCommit {
  readonly commit: Commit;
  readonly tree: string;
}

const badObject = (kind: string, oid: string) =>
  sourceError('invalid_manifest', 'BadTree', `the ${kind} ${oid} is not well formed`, { subject: oid });

const types: Readonly<Record<string, TreeEntry['type']>> = {
  '40000': 'directory',
  '040000': 'directory',
  '120000': 'symlink',
  '160000': 'submodule',
};

/** Names that Git itself refuses in a tree, since a checkout would write outside or into its own folder. */
export function isForbiddenName(name: string): boolean {
  if (name === '' || name.includes('/') || name.includes('\0')) return true;
  return name.startsWith('.') && (name === '.' || name === '..' || name.toLowerCase() === '.git');
}

/** Entries sorted by name. @throws invalid_manifest (BadTree) for malformed bytes and forbidden names. */
export function parseTree(oid: string, bytes: Uint8Array): readonly TreeEntry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: TreeEntry[] = [];
  let last = '';
  let isSorted = true;
  let at = 0;
  while (at < buffer.length) {
    const space = buffer.indexOf(0x20, at);
    const end = space < 0 ? -1 : buffer.indexOf(0, space);
    if (end < 0 || end + 21 > buffer.length) throw badObject('tree', oid);
    // The mode of nearly all.
    const type =
      space - at === 6 && buffer[at + 1] === 0x30 ? 'file' : types[buffer.toString('latin1', at, space)];
    const name = buffer.toString('utf8', space + 1, end);
    if (isForbiddenName(name))
      throw sourceError(
        'invalid_manifest',
        'BadTree',
        `the tree ${oid} has an entry with the forbidden name ${JSON.stringify(name)}`,
        {
          subject: oid,
        },
      );
    entries.push({ name, type: type ?? 'file', oid: buffer.toString('hex', end + 1, end + 21) });
    // Git has folders in the order of their names with a slash behind.
    isSorted &&= last < name;
    last = name;
    at = end + 21;
  }
  return isSorted ? entries : entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function parsePerson(line: string): Person {
  const match = /^(.*?) ?<([^>]*)>(?: (-?\d+)(?: [+-]\d+)?)?$/.exec(line);
  const seconds = Number(match?.[3] ?? 0);
  return {
    name: match?.[1] ?? line,
    email: match?.[2] ?? '',
    timeMs: Number.isSafeInteger(seconds) ? seconds * 1000 : 0,
  };
}

/** At most `bytesMax` bytes of text, never half a character. */
function cut(text: string, bytesMax: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return buffer.toString('utf8', 0, end);
}

/** @throws invalid_manifest (BadTree) when it names no tree. */
export function parseCommit(sha: string, bytes: Uint8Array): ParsedCommit {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const split = text.indexOf('\n\n');
  const head = split < 0 ? text : text.slice(0, split);
  const parents: string[] = [];
  const fields = new Map<string, string>();
  for (const line of head.split('\n')) {
    const space = line.indexOf(' ');
    // Lines that start with a space go on a header before (a signature).
    if (space <= 0) continue;
    const key = line.slice(0, space);
    const value = line.slice(space + 1);
    if (key === 'parent') parents.push(value);
    else if (!fields.has(key)) fields.set(key, value);
  }
  const tree = fields.get('tree');
  if (!tree || ![tree, ...parents].every((oid) => /^[0-9a-f]{40}$/.test(oid))) throw badObject('commit', sha);
  return {
    tree,
    commit: {
      sha,
      author: parsePerson(fields.get('author') ?? ''),
      committer: parsePerson(fields.get('committer') ?? ''),
      message: cut(split < 0 ? '' : text.slice(split + 2).replace(/\n$/, ''), messageBytesMax),
      parents,
    },
  };
}

/** What an annotated tag points at. */
export function parseTagTarget(oid: string, bytes: Uint8Array): string {
  const match = /^object ([0-9a-f]{40})\n/.exec(Buffer.from(bytes.subarray(0, 64)).toString('latin1'));
  if (!match?.[1]) throw badObject('tag', oid);
  return match[1];
}

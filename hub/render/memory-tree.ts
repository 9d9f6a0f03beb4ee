import { createHash } from 'node:crypto';
import { FairwayError } from '../../shared/error/error.ts';
import type { TreeEntry, TreeReader } from '../model/tree.ts';

type Node = Uint8Array | Link | Folder;
interface Link {
  readonly link: string;
}
type Folder = Map<string, Node>;

const oidOf = (kind: string, bytes: Uint8Array | string): string =>
  createHash('sha1').update(kind).update('\0').update(bytes).digest('hex');

/**
 * A tree held in memory, for tests, benchmarks and folders that are not in Git: file path to its text or bytes; `{ link }` for a symbolic link.
 * Object ids are hashes of content, as Git's are.
 */
export function createMemoryTree(
  files: Readonly<Record<string, string | Uint8Array | Link>>,
  commit = 'memory',
): TreeReader {
  const top: Folder = new Map();
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let folder = top;
    for (const part of parts) {
      const next = folder.get(part);
      const child: Folder = next instanceof Map ? next : new Map();
      folder.set(part, child);
      folder = child;
    }
    folder.set(name, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }
  const oids = new Map<Node, string>();
  const oid = (node: Node): string => {
    const known = oids.get(node);
    if (known !== undefined) return known;
    const made =
      node instanceof Uint8Array
        ? oidOf('blob', node)
        : node instanceof Map
          ? oidOf(
              'tree',
              [...node]
                .map(([name, child]) => `${typeOf(child)} ${name}\0${oid(child)}`)
                .sort()
                .join('\n'),
            )
          : oidOf('link', node.link);
    oids.set(node, made);
    return made;
  };
  const lookUp = (path: string): Node | undefined => {
    let node: Node | undefined = top;
    for (const part of path.split('/').filter((piece) => piece !== ''))
      node = node instanceof Map ? node.get(part) : undefined;
    return node;
  };
  const entryOf = (name: string, node: Node): TreeEntry => ({ name, type: typeOf(node), oid: oid(node) });
  return {
    name: `memory@${commit}`,
    commit,
    entry: async (path) => {
      const node = lookUp(path);
      return node === undefined ? undefined : entryOf(path.slice(path.lastIndexOf('/') + 1), node);
    },
    list: async (path) => {
      const node = lookUp(path);
      if (!(node instanceof Map)) throw new FairwayError('not_found', 'no such folder', { subject: path });
      return [...node]
        .map(([name, child]) => entryOf(name, child))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    read: async (path) => {
      const node = lookUp(path);
      if (node instanceof Uint8Array) return node;
      if (node === undefined || node instanceof Map)
        throw new FairwayError('not_found', 'no such file', { subject: path });
      return new TextEncoder().encode(node.link);
    },
  };
}

function typeOf(node: Node): TreeEntry['type'] {
  if (node instanceof Uint8Array) return 'file';
  return node instanceof Map ? 'directory' : 'symlink';
}

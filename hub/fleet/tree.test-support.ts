import type { TreeReader } from '../model/tree.ts';

/** A tree of paths and texts; `link:` texts are symbolic links. */
export function treeOf(files: Readonly<Record<string, string | Uint8Array>>, commit = 'c1'): TreeReader {
  const type = (path: string) => {
    const content = files[path];
    if (content !== undefined)
      return String(content).startsWith('link:') ? ('symlink' as const) : ('file' as const);
    return Object.keys(files).some((file) => path === '' || file.startsWith(`${path}/`))
      ? ('directory' as const)
      : undefined;
  };
  return {
    name: 'test',
    commit,
    async entry(path) {
      const found = type(path);
      return found && { name: path.split('/').at(-1) ?? '', type: found, oid: path };
    },
    async list(path) {
      const top = path === '' ? '' : `${path}/`;
      const names = Object.keys(files)
        .filter((file) => file.startsWith(top))
        .map((file) => file.slice(top.length).split('/')[0] ?? '');
      return [...new Set(names)]
        .sort()
        .map((name) => ({ name, type: type(top + name) ?? 'file', oid: top + name }));
    },
    async read(path) {
      const content = files[path];
      return typeof content === 'object' ? content : new TextEncoder().encode(content);
    },
  };
}

/** Where the trees of other repositories stand among the paths of a build: `https://git.example/org/repo?ref=v1//base/web.yaml`. */
import type { RemoteRef } from '../../model/tree.ts';

/** What stands before a path in another repository, to its `//`. No path of a tree has two slashes in a row. */
export function mountOf({ url, ref }: RemoteRef): string {
  return `${url}${ref === '' ? '' : `?ref=${ref}`}//`;
}

/** A path within another repository, which a base has brought in. */
export function isMounted(path: string): boolean {
  return path.includes('//');
}

/** The mount, empty for this repository itself, and the path within it. */
export function splitMount(path: string): readonly [mount: string, inner: string] {
  const at = path.lastIndexOf('//');
  return at < 0 ? ['', path] : [path.slice(0, at + 2), path.slice(at + 2)];
}

/** The repository and ref of a mount. */
export function remoteOf(mount: string): RemoteRef {
  const text = mount.slice(0, -2);
  const mark = text.indexOf('?ref=');
  return mark < 0 ? { url: text, ref: '' } : { url: text.slice(0, mark), ref: text.slice(mark + 5) };
}

/** A name in a folder, which may be the top of a repository. */
export function childOf(folder: string, name: string): string {
  return folder === '' || folder.endsWith('//') ? folder + name : `${folder}/${name}`;
}

/** Whether a path is the folder or lies below it. */
export function isWithin(folder: string, path: string): boolean {
  if (folder === '') return !isMounted(path);
  return path === folder || path.startsWith(folder.endsWith('//') ? folder : `${folder}/`);
}

/** What a kustomization may read, by kustomize's own rules (api/internal/loader): files in or below its folder, folders anywhere in the repository. */
import { type Place, problemError } from '../render-error.ts';
import { type Found, joinPath, type Probes, type TreeView } from '../tree-view.ts';

/** True for what kustomize would fetch from elsewhere. */
export function isRemote(path: string): boolean {
  return (
    /^(?:[a-z][a-z0-9+.-]*:\/\/|git::|git@|gh:|[\w.-]+@[\w.-]+:)/i.test(path) ||
    /^(?:github\.com|gitlab\.com|bitbucket\.org)[/:]/i.test(path) ||
    /[?&]ref=/.test(path)
  );
}

/** A part like `base..`, which kustomize holds for a slip of indentation. */
function isAmbiguous(path: string): boolean {
  return path.split('/').some((part) => part !== '..' && part.includes('..'));
}

/** @throws a Problem for a remote, absolute or ambiguous path, or one that leaves the repository. */
export function resolvePath(folder: string, path: string, place: Place): string {
  const shown = JSON.stringify(path);
  if (path === '') throw problemError('invalid_manifest', place, 'expected a path');
  if (isRemote(path))
    throw problemError(
      'unsupported',
      place,
      `${shown} is remote; only what is in this repository can be used`,
    );
  if (path.startsWith('/'))
    throw problemError(
      'invalid_manifest',
      place,
      `${shown} is absolute; expected a path relative to this folder`,
    );
  const joined = joinPath(folder, path);
  if (joined === undefined)
    throw problemError('invalid_manifest', place, `${shown} leads out of the repository`);
  return joined;
}

export class KustomizeLoader {
  readonly view: TreeView;
  readonly probes: Probes;

  constructor(view: TreeView, probes: Probes) {
    this.view = view;
    this.probes = probes;
  }

  /** @throws a Problem when there is no such file, or it is outside the folder. */
  async file(folder: string, path: string, place: Place): Promise<Found> {
    const resolved = resolvePath(folder, path, place);
    const found = await this.view.find(resolved, this.probes);
    if (found?.entry.type !== 'file')
      throw problemError(
        'not_found',
        place,
        `there is no file ${JSON.stringify(path)} (looked for ${resolved})`,
      );
    return inFolder(found, folder, path, place);
  }

  /** A file within the folder, or a folder anywhere. @throws a Problem. */
  async fileOrFolder(folder: string, path: string, place: Place): Promise<Found> {
    const resolved = resolvePath(folder, path, place);
    const found = await this.view.find(resolved, this.probes);
    if (found === undefined)
      throw problemError(
        'not_found',
        place,
        `there is nothing at ${JSON.stringify(path)} (looked for ${resolved})`,
      );
    if (found.entry.type === 'file') return inFolder(found, folder, path, place);
    if (found.entry.type !== 'directory')
      throw problemError('unsupported', place, `${JSON.stringify(path)} is a submodule`);
    if (isAmbiguous(path))
      throw problemError(
        'invalid_manifest',
        place,
        `the path ${JSON.stringify(path)} has ".." within a name`,
      );
    return found;
  }
}

function inFolder(found: Found, folder: string, path: string, place: Place): Found {
  if (folder === '' || found.path.startsWith(`${folder}/`)) return found;
  throw problemError(
    'invalid_manifest',
    place,
    `${JSON.stringify(path)} is not in or below ${folder}; a kustomization reads files from its own folder only, and bases from anywhere`,
  );
}

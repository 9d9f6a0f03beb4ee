/** What a kustomization may read, by kustomize's own rules (api/internal/loader): files in or below its folder, folders anywhere in the repository or in another. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { Problem } from '../../model/problem.ts';
import { isMounted, isWithin, mountOf } from '../remote/mount.ts';
import { isAbsence } from '../remote/mounted-tree.ts';
import { holdsPassword, parseRepoSpec, type RepoSpec, withoutSecrets } from '../remote/repo-spec.ts';
import { type Place, problemError } from '../render-error.ts';
import { type Found, joinPath, type Probes, type TreeView } from '../tree-view.ts';

/** kustomize's `--load-restrictor`: whether files are read only in and below the kustomization's folder, or anywhere in the repository. */
export type LoadRestrictor = 'LoadRestrictionsRootOnly' | 'LoadRestrictionsNone';

/** Files over HTTP, which kustomize would fetch. */
function isWebAddress(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** A web address whose path ends as a file's does, or that stands for one on the well-known hosts. */
function isWebFile(path: string): boolean {
  if (!isWebAddress(path)) return false;
  const [address = ''] = path.split('?');
  return (
    /\.(?:ya?ml|json)$/i.test(address) || /^https?:\/\/(?:raw|gist)\.githubusercontent\.com\//i.test(address)
  );
}

/** A part like `base..`, which kustomize holds for a slip of indentation. */
function isAmbiguous(path: string): boolean {
  return path.split('/').some((part) => part !== '..' && part.includes('..'));
}

/** @throws a Problem for an absolute path, one that leaves the repository, and a file over HTTP. */
function resolvePath(folder: string, path: string, place: Place): string {
  const shown = shownPath(path);
  if (path === '') throw problemError('invalid_manifest', place, 'expected a path');
  if (isWebAddress(path)) throw webFile(path, place);
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

function shownPath(path: string): string {
  return JSON.stringify(withoutSecrets(path));
}

function webFile(path: string, place: Place): FairwayError {
  return problemError(
    'unsupported',
    place,
    `${shownPath(path)} is a file over HTTP, which is not read since nothing pins what it holds: copy it into this repository, or name the folder ` +
      'of its Git repository, as in https://git.example/org/repo//path?ref=v1.0.0',
  );
}

/** A folder of another repository, with the address that names it. */
export interface Fetched extends Found {
  readonly raw: string;
}

export class KustomizeLoader {
  readonly view: TreeView;
  readonly probes: Probes;
  readonly #anywhere: boolean;

  constructor(view: TreeView, probes: Probes, restrictor: LoadRestrictor = 'LoadRestrictionsRootOnly') {
    this.view = view;
    this.probes = probes;
    this.#anywhere = restrictor === 'LoadRestrictionsNone';
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
    return this.#inFolder(found, folder, path, place);
  }

  /** A file within the folder, or a folder anywhere, also in another repository. @throws a Problem. */
  async fileOrFolder(
    folder: string,
    path: string,
    place: Place,
    signal?: AbortSignal,
  ): Promise<Found | Fetched> {
    if (path.startsWith('oci://'))
      throw problemError(
        'unsupported',
        place,
        `${shownPath(path)}: OCI artifacts are not read; use a Git repository`,
      );
    const spec = isWebFile(path) ? undefined : parseRepoSpec(path);
    const local = spec === undefined || isWebAddress(path) ? undefined : joinPath(folder, path);
    const file = local === undefined ? undefined : await this.view.find(local, this.probes);
    // As kustomize: a file of this name goes before a repository, which goes before a folder.
    if (spec !== undefined && file?.entry.type !== 'file') return this.#fetched(spec, place, signal);
    const resolved = resolvePath(folder, path, place);
    const found = await this.view.find(resolved, this.probes);
    if (found === undefined)
      throw problemError(
        'not_found',
        place,
        `there is nothing at ${shownPath(path)} (looked for ${withoutSecrets(resolved)})`,
      );
    if (found.entry.type === 'file') return this.#inFolder(found, folder, path, place);
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

  async #fetched(spec: RepoSpec, place: Place, signal: AbortSignal | undefined): Promise<Fetched> {
    const raw = withoutSecrets(spec.raw);
    const remote = { url: withoutSecrets(spec.repository), ref: spec.ref };
    const shown = JSON.stringify(raw);
    if (holdsPassword(spec.raw))
      throw problemError(
        'invalid_manifest',
        place,
        `${shown} is written with a password, which all who read this repository know: take it out, have it changed, and bind a credential to the URL's prefix in the hub's configuration`,
      );
    if (spec.ref.includes('//') || spec.ref.startsWith('/'))
      throw problemError(
        'invalid_manifest',
        place,
        `${shown}: ${JSON.stringify(spec.ref)} is no branch, tag or commit`,
      );
    try {
      await this.view.mount(remote, signal);
    } catch (caught) {
      if (!(caught instanceof FairwayError) || !isAbsence(caught)) throw caught;
      throw problemError(problemCode(caught), place, `${shown} cannot be had: ${caught.message}`);
    }
    const path = joinPath(mountOf(remote), spec.path) ?? mountOf(remote);
    const found = await this.view.find(path, this.probes);
    if (found?.entry.type === 'directory') return { ...found, raw };
    const what =
      found === undefined ? 'there is no such folder' : `this is a ${found.entry.type}, expected a folder`;
    throw problemError('not_found', place, `${shown}: ${what} (looked for ${path})`);
  }

  #inFolder(found: Found, folder: string, path: string, place: Place): Found {
    // What was fetched is held to its folder in any case, as in kustomize.
    if ((this.#anywhere && !isMounted(folder)) || isWithin(folder, found.path)) return found;
    throw problemError(
      'invalid_manifest',
      place,
      `${JSON.stringify(path)} is not in or below ${folder}; a kustomization reads files from its own folder only, and bases from anywhere`,
    );
  }
}

function problemCode({ code }: FairwayError): Problem['code'] {
  if (code === 'unsupported' || code === 'resource_exhausted' || code === 'unavailable') return code;
  return code === 'deadline_exceeded' ? 'unavailable' : 'not_found';
}

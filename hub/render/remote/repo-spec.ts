/**
 * Remote bases: a base, resource folder or component that lies in another repository, by the addresses that kustomize takes
 * (api/internal/git/repospec.go, 5.8). This folder reads the address (here), gives what it names a place among the paths of a build (mount.ts) and finds
 * bases that go in circles across repositories (circles.ts). It fetches nothing: a port gives the tree of a repository at a ref.
 */

/** What an address names. */
export interface RepoSpec {
  /** As written. kustomize compares it to find circles. */
  readonly raw: string;
  /** What `git clone` would be given: without path and query. */
  readonly repository: string;
  /** Folder within the repository; may hold `..` as long as it does not leave it. Empty: its top. */
  readonly path: string;
  /** Branch, tag, full ref name or commit; empty: the default branch. */
  readonly ref: string;
}

/** The address without what may be a secret: user information of a web address, the password of any other. For everything that is shown or kept. */
export function withoutSecrets(address: string): string {
  return address.replace(/^((?:git::)?([a-z][a-z0-9+.-]*):\/\/)([^/?#\\]*)@/i, (_, lead, scheme, user) => {
    const [name = ''] = /^http/i.test(scheme) ? [] : user.split(':');
    return name === '' ? lead : `${lead}${name}@`;
  });
}

/** Whether it holds a password, for all who read the file. */
export function holdsPassword(address: string): boolean {
  return /^(?:git::)?[a-z][a-z0-9+.-]*:\/\/[^/?#\\:]*:[^/?#\\]*@/i.test(address);
}

const schemes = ['ssh://', 'https://', 'http://', 'file://'] as const;

/** Segments of a repository's path where nothing marks its end: `org/repo`. */
const repositorySegments = 2;

/** Undefined for what is no address of a repository: kustomize then takes it for a path. */
export function parseRepoSpec(raw: string): RepoSpec | undefined {
  if (raw.startsWith('/')) return undefined;
  const mark = raw.indexOf('?');
  const [address, query] = mark < 0 ? [raw, ''] : [raw.slice(0, mark), raw.slice(mark + 1)];
  const host = splitHost(address);
  if (host === undefined) return undefined;
  const parts = splitMarked(host.rest) ?? splitByLength(host.rest, host.prefix.startsWith('file://'));
  if (parts === undefined || parts.repository === '' || leavesRepository(parts.path)) return undefined;
  const path = parts.path.replace(/^\//, '');
  return { raw, repository: host.prefix + parts.repository, path, ref: refOf(query) };
}

interface Host {
  /** Scheme, user and host with what separates it from the path. */
  readonly prefix: string;
  readonly rest: string;
}

function splitHost(address: string): Host | undefined {
  const plain = address.replace(/^git::/i, '');
  const scheme = schemes.find((one) => plain.toLowerCase().startsWith(one)) ?? '';
  const afterScheme = plain.slice(scheme.length);
  const user = /^[a-zA-Z][a-zA-Z0-9-]*@/.exec(afterScheme)?.[0] ?? '';
  const afterUser = afterScheme.slice(user.length);
  const github = /^github\.com[/:]/i.test(afterUser);
  // `user@host:path` of SSH; for GitHub also without a user.
  const scp = scheme === '' && (user !== '' || github);
  if (scheme === '' && !scp) return undefined;
  if (scheme === 'file://') return { prefix: scheme, rest: afterScheme };
  const at = separatorOf(afterUser, scp);
  // A host alone names no repository.
  if (at < 0) return undefined;
  const [host, rest] = [afterUser.slice(0, at + 1), afterUser.slice(at + 1)];
  return { prefix: github ? githubPrefix(scheme, user) : scheme + user + host, rest };
}

/** Where the host ends. A colon counts only before the first slash. */
function separatorOf(text: string, scp: boolean): number {
  const slash = text.indexOf('/');
  if (!scp) return slash;
  const colon = text.indexOf(':');
  return slash < 0 || (colon > 0 && colon < slash) ? colon : slash;
}

/** Addresses of GitHub are spelled in one of two ways. */
function githubPrefix(scheme: string, user: string): string {
  return scheme === 'ssh://' || user !== '' ? `${user}github.com:` : 'https://github.com/';
}

interface Parts {
  readonly repository: string;
  readonly path: string;
}

/** By the signs that say where a repository ends: `_git/NAME` (Azure), `//`, `.git`. */
function splitMarked(text: string): Parts | undefined {
  const azure = text.indexOf('_git/');
  if (azure >= 0) {
    const from = azure + '_git/'.length;
    const [name = '', ...segments] = text.slice(from).split('/');
    return { repository: text.slice(0, from) + name, path: segments.join('/') };
  }
  const slashes = text.indexOf('//');
  if (slashes >= 0) return { repository: text.slice(0, slashes), path: text.slice(slashes + 2) };
  const suffix = text.indexOf('.git');
  if (suffix < 0) return undefined;
  const end = suffix + '.git'.length;
  return { repository: text.slice(0, end), path: text.slice(end) };
}

function splitByLength(text: string, isFile: boolean): Parts | undefined {
  if (isFile) return { repository: text, path: '' };
  const segments = text.split('/');
  if (segments.length < repositorySegments) return undefined;
  const [repository, path] = [segments.slice(0, repositorySegments), segments.slice(repositorySegments)];
  return { repository: repository.join('/'), path: path.join('/') };
}

/** Whether a path, once cleaned, begins above the repository's top. */
function leavesRepository(path: string): boolean {
  let depth = 0;
  for (const part of path.replace(/^\//, '').split('/')) {
    // From the root of a file system nothing leads further up.
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return !/^\/\//.test(path);
  }
  return false;
}

/** `ref` before `version`; the first of each, unless the query cannot be read at all (Go's net/url ParseQuery). */
function refOf(query: string): string {
  const found = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=');
    const [key, text] = [decoded(name), decoded(value.join('='))];
    if (pair.includes(';') || key === undefined || text === undefined) return '';
    if (!found.has(key)) found.set(key, text);
  }
  return found.get('ref') || found.get('version') || '';
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // Not an encoding: kustomize then takes the whole query for none.
    return undefined;
  }
}

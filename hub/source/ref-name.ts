import { sourceError } from './source-error.ts';

/** What a `ref` of a resource names. */
export type RefName =
  | { readonly kind: 'commit'; readonly sha: string }
  | { readonly kind: 'head' }
  /** Full names in order of precedence. */
  | { readonly kind: 'named'; readonly candidates: readonly string[] };

/** The rules of `git check-ref-format`, https://git-scm.com/docs/git-check-ref-format */
function isWellFormed(ref: string): boolean {
  if (ref.length > 1024 || ref === '@' || ref.startsWith('-') || ref.startsWith('/') || ref.endsWith('/'))
    return false;
  if (/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\//.test(ref) || ref.endsWith('.')) return false;
  return ref.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

/**
 * A full commit id, a full ref name, or a branch or tag: where both have the name, the branch counts. Last, a name below `refs/`. Empty or `HEAD`: the remote's default
 * branch. @throws invalid_argument (RefNotFound) for what no ref can be called.
 */
export function parseRefName(ref: string, subject: string): RefName {
  if (ref === '' || ref === 'HEAD') return { kind: 'head' };
  if (/^[0-9a-f]{40}$/i.test(ref)) return { kind: 'commit', sha: ref.toLowerCase() };
  if (!isWellFormed(ref))
    throw sourceError(
      'invalid_argument',
      'RefNotFound',
      `${JSON.stringify(ref.slice(0, 200))} is no branch, tag or full commit id`,
      { subject },
    );
  if (ref.startsWith('refs/')) return { kind: 'named', candidates: [ref] };
  // `tags/v1` and `pull/7/head` are names below `refs/` (https://git-scm.com/docs/gitrevisions).
  const below = ref.includes('/') ? [`refs/${ref}`] : [];
  return { kind: 'named', candidates: [`refs/heads/${ref}`, `refs/tags/${ref}`, ...below] };
}

/** The error for a ref that is not there. */
export function refNotFound(ref: string, subject: string) {
  return sourceError(
    'not_found',
    'RefNotFound',
    `there is no branch, tag or commit ${ref === '' ? 'HEAD' : ref}`,
    { subject, details: { ref } },
  );
}

/** The error for a repository without any ref. */
export function emptyRepository(subject: string) {
  return sourceError('not_found', 'EmptyRepository', 'the repository is empty: nothing was pushed yet', {
    subject,
  });
}

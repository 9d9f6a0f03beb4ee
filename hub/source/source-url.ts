import { createHash } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceError } from './source-error.ts';

/** A repository's address after checks. `text` is what messages, marker files and comparisons use. */
export type SourceUrl =
  | { readonly kind: 'http'; readonly text: string; readonly url: URL; readonly id: string }
  | { readonly kind: 'local'; readonly text: string; readonly path: string; readonly id: string };

const idOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 40);

function parseLocal(path: string, text: string): SourceUrl {
  const clean = resolve(path);
  return { kind: 'local', text, path: clean, id: idOf(clean) };
}

/** The text with any user information, query and fragment taken out; for messages about URLs that were refused. */
export function describeUrl(text: string): string {
  if (!URL.canParse(text)) return text.replace(/^[^/@\s]*@/, '');
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}

/**
 * Checks and normalises a repository's address: `https://`, `http://`, `file://` or an absolute path.
 * @throws invalid_argument (UrlRefused) for anything unreadable or holding user information; unsupported for SSH and other transports.
 */
export function parseSourceUrl(text: string): SourceUrl {
  if (isAbsolute(text)) return parseLocal(text, resolve(text));
  const subject = describeUrl(text);
  if (/^[^/@:]+@[^/@:]+:/.test(text) || /^(ssh|git\+ssh|git):/.test(text))
    throw sourceError(
      'unsupported',
      'Unsupported',
      'only https, http, file and absolute paths are supported; give the https URL',
      {
        subject,
      },
    );
  if (!URL.canParse(text))
    throw sourceError('invalid_argument', 'UrlRefused', 'expected an https URL or an absolute path', {
      subject,
    });
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw sourceError(
      'invalid_argument',
      'UrlRefused',
      "the URL holds a user name or password; remove it and bind a credential to the URL's prefix in the hub's configuration",
      { subject },
    );
  if (url.protocol === 'file:') {
    if (url.host !== '')
      throw sourceError('invalid_argument', 'UrlRefused', 'a file URL must not name a host', { subject });
    const path = fileURLToPath(url);
    return parseLocal(path, `file://${resolve(path)}`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw sourceError(
      'unsupported',
      'Unsupported',
      'only https, http, file and absolute paths are supported',
      { subject },
    );
  if (url.search !== '' || url.hash !== '')
    throw sourceError('invalid_argument', 'UrlRefused', 'the URL must have no query and no fragment', {
      subject,
    });
  url.pathname = url.pathname.replace(/\/+$/, '');
  const clean = url.href.replace(/\/$/, '');
  return { kind: 'http', text: clean, url, id: idOf(clean) };
}

/** What is wrong with a URL prefix, or undefined. */
export function checkUrlPrefix(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !['https:', 'http:'].includes(url.protocol))
    return 'expected the start of a URL, such as https://git.example/team';
  if (url.username !== '' || url.password !== '') return 'a URL prefix may not hold a user name or password';
  if (url.search !== '' || url.hash !== '') return 'expected a URL prefix without ? and #';
  return hidesParts(url) ? 'expected a path without encoded slashes' : undefined;
}

/**
 * Whether a URL lies at or below a prefix: same scheme, host and port, and a path that is the prefix's or goes on with a `/` after it. So
 * `https://git.example/a` covers `https://git.example/a/b`, but neither `https://git.example/ab` nor `https://git.example.evil/a` nor
 * `http://git.example/a`. Dot segments are resolved first; a path with encoded slashes, which a server may read in another way, lies nowhere.
 */
export function matchesUrlPrefix(prefix: string, text: string): boolean {
  const base = URL.parse(prefix);
  const url = URL.parse(text);
  if (!base || !url || base.protocol !== url.protocol || base.host !== url.host || hidesParts(url))
    return false;
  const path = base.pathname.replace(/\/+$/, '');
  return url.pathname === path || url.pathname.startsWith(`${path}/`);
}

function hidesParts({ pathname }: URL): boolean {
  return /%2f|%5c|%25/i.test(pathname);
}

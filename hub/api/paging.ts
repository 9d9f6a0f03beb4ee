import { FairwayError } from '../../shared/error/error.ts';

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface PageBody<T> {
  readonly items: T[];
  readonly next: string | null;
}

/** Ends a page early where its items are large: before their weights exceed `max`, but not before the first. */
export interface PageBound<T> {
  weigh(item: T): number;
  readonly max: number;
}

/**
 * A page of a list that is in memory and sorted by `keyOf`. The cursor holds the last key given, so that pages neither repeat nor skip what stays when
 * other items come and go.
 */
export function planPage<T, R>(
  items: readonly T[],
  query: PageQuery,
  keyOf: (item: T) => string,
  convert: (item: T) => R,
  bound?: PageBound<T>,
): PageBody<R> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const sorted = [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  const page = takePage(rest, query.limit, bound);
  const last = page.at(-1);
  const next = last !== undefined && rest.length > page.length ? encodeCursor(keyOf(last)) : null;
  return { items: page.map(convert), next };
}

function takePage<T>(items: readonly T[], limit: number, bound: PageBound<T> | undefined): readonly T[] {
  if (bound === undefined) return items.slice(0, limit);
  let weight = 0;
  const end = items.slice(0, limit).findIndex((item, index) => {
    weight += bound.weigh(item);
    return index > 0 && weight > bound.max;
  });
  return items.slice(0, end === -1 ? limit : end);
}

function encodeCursor(key: string): string {
  return Buffer.from(JSON.stringify([key])).toString('base64url');
}

function decodeCursor(cursor: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(value) && typeof value[0] === 'string') return value[0];
  } catch {
    // Told below, as any other cursor that this hub did not give.
  }
  throw badCursor();
}

function badCursor(): FairwayError {
  const message = 'is not a cursor of this list';
  return new FairwayError('invalid_argument', `query.cursor: ${message}`, {
    details: { errors: [{ field: 'query.cursor', message }] },
  });
}

/** The same for a list whose own order counts: the cursor is the last key given. @throws invalid_argument when that key is no longer in it. */
export function planOrderedPage<T>(
  items: readonly T[],
  query: PageQuery,
  keyOf: (item: T) => string,
): PageBody<T> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const start = after === undefined ? 0 : items.findIndex((item) => keyOf(item) === after) + 1;
  if (start === 0 && after !== undefined) throw badCursor();
  const page = items.slice(start, start + query.limit);
  const last = page.at(-1);
  const more = last !== undefined && start + page.length < items.length;
  return { items: page, next: more ? encodeCursor(keyOf(last)) : null };
}

/** `<path?...&cursor=next>; rel="next"`, or undefined where there is no further page. */
export function renderLink(url: URL, body: unknown): string | undefined {
  const next = (body as Partial<PageBody<unknown>> | null)?.next;
  if (typeof next !== 'string') return undefined;
  const query = new URLSearchParams(url.searchParams);
  query.set('cursor', next);
  return `<${url.pathname}?${query}>; rel="next"`;
}

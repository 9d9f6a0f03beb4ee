/** Cursors of paged lists: the sort key of the last row given out, so that rows that come and go neither repeat nor hide others. */
import { FairwayError } from '../../shared/error/error.ts';
import type { Page, PageRequest } from './repositories/page.ts';

const pageLimitMax = 500;

type Part = 'string' | 'number';

/** @throws invalid_argument unless 1 <= limit <= 500. */
export function checkLimit(limit: number, max: number = pageLimitMax): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > max)
    throw new FairwayError('invalid_argument', `limit must be a whole number from 1 to ${max}`);
  return limit;
}

/** Opaque to clients: the values by which the next page begins. */
export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws invalid_argument for anything that `encodeCursor` did not make of such parts. */
export function decodeCursor(cursor: string, shape: readonly Part[]): readonly (string | number)[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new FairwayError('invalid_argument', 'the cursor is not one of this list', { cause });
  }
  if (
    !Array.isArray(parts) ||
    parts.length !== shape.length ||
    parts.some((part, index) => typeof part !== shape[index])
  )
    throw new FairwayError('invalid_argument', 'the cursor is not one of this list');
  return parts as readonly (string | number)[];
}

/** The page for rows that were asked with `limit + 1`: the row too many says that there is a next page. */
export function createPage<Row, T>(
  rows: readonly Row[],
  request: PageRequest,
  cursorOf: (row: Row) => readonly (string | number)[],
  itemOf: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, request.limit);
  const last = shown.at(-1);
  const next = rows.length > request.limit && last !== undefined ? encodeCursor(cursorOf(last)) : undefined;
  return { items: shown.map(itemOf), next };
}

/**
 * JSON with whole numbers beyond 2^53 - 1, which Kubernetes' 64-bit fields may hold and JavaScript's numbers round: they are read as bigints and written as
 * digits. Everything else goes the fast way.
 */

/** As many digits as the smallest integer that is not exact has. */
const mayBeInexact = /\d{16}/;

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

const reviveExact: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value)
    ? BigInt(source)
    : value;

/** JSON.parse, but that integers which a number cannot hold become bigints. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  // The reviver is slow and hardly ever needed.
  return mayBeInexact.test(text)
    ? JSON.parse(text, reviveExact as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** JSON.stringify that knows bigints. */
export function stringifyExactJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (caught) {
    // It refuses bigints with a TypeError, and cycles too: those fail again below.
    if (!(caught instanceof TypeError)) throw caught;
    return JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'bigint' ? rawJSON(member.toString()) : member,
    );
  }
}

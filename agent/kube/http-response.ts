import { FairwayError } from '../../shared/error/error.ts';

/** One answer of HTTP/1.1, read from the pieces of its connection as they come. */
export interface HttpResponseReader {
  /** @returns true when the answer is whole. @throws unavailable for what is no HTTP, resource_exhausted for one that is too large. */
  push(chunk: Buffer): boolean;
  /** The other side has closed. @returns true when that was the answer's end. */
  end(): boolean;
  readonly status: number;
  /** A header's value; undefined where there is none. @param name lower case. */
  header(name: string): string | undefined;
  /** As far as it has come. */
  body(): Buffer;
  /** It was longer than the limit, and cut there. */
  readonly truncated: boolean;
  /** Another request may follow on the connection. */
  readonly reusable: boolean;
}

export interface HttpResponseLimits {
  /** Bytes of the body. */
  readonly maxBytes: number;
  /** Cut what is longer; default: an error. */
  readonly cut?: boolean | undefined;
}

const headBytesMax = 64 * 1024;
const chunkLineBytesMax = 1024;
const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

function malformed(what: string): FairwayError {
  return new FairwayError('unavailable', `the API server answered something that is not HTTP: ${what}`, {
    details: { unreachable: true },
  });
}

interface Head {
  readonly status: number;
  readonly version: string;
  readonly header: (name: string) => string | undefined;
}

/** A name given twice has its values joined (RFC 9110, 5.3). */
function findHeader(text: string, lower: string, name: string): string | undefined {
  const mark = `\r\n${name}:`;
  let found: string | undefined;
  for (let at = lower.indexOf(mark); at >= 0; at = lower.indexOf(mark, at + mark.length)) {
    const end = text.indexOf('\r\n', at + mark.length);
    const value = text.slice(at + mark.length, end < 0 ? text.length : end).trim();
    found = found === undefined || found === value ? value : `${found}, ${value}`;
  }
  return found;
}

/** Most headers nobody asks for. Obsolete folded lines are refused (RFC 9112, 5.2). */
function parseHead(text: string): Head {
  const match = /^HTTP\/(1\.[01]) (\d{3})(?: [^\r\n]*)?(?=\r\n|$)/.exec(text);
  if (!match) throw malformed('no status line');
  if (/\r\n(?:[ \t]|[^:\r\n]*(?:\r\n|$))/.test(text)) throw malformed('a header');
  const lower = text.toLowerCase();
  const header = (name: string) => findHeader(text, lower, name);
  return { version: match[1] ?? '', status: Number(match[2]), header };
}

/** How the body ends (RFC 9112, 6.3): at once, by its length, by its last chunk, with the connection. */
function framingOf({ status, header }: Head): number | 'chunked' | 'close' {
  if (status === 204 || status === 304) return 0;
  const coding = header('transfer-encoding');
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw malformed('an unknown transfer coding');
    return 'chunked';
  }
  const length = header('content-length');
  if (length === undefined) return 'close';
  if (!/^\d{1,15}$/.test(length)) throw malformed('a length');
  return Number(length);
}

type State = 'head' | 'length' | 'chunk line' | 'chunk' | 'chunk end' | 'trailer' | 'close' | 'done';

/** A response to anything but HEAD. Informational answers (1xx) are passed over. */
export function createResponseReader({ maxBytes, cut }: HttpResponseLimits): HttpResponseReader {
  let state: State = 'head';
  let head: Head | undefined;
  let held: Buffer | undefined;
  let parts: Buffer[] = [];
  let size = 0;
  let left = 0;
  let truncated = false;
  let clean = true;

  /** What may wait for its end is kept up to a bound. */
  const upTo = (data: Buffer, end: Buffer, bytesMax: number): number => {
    const at = data.indexOf(end);
    if ((at < 0 ? data.length : at) > bytesMax) throw malformed('it is too long');
    if (at < 0) held = data;
    return at;
  };
  const take = (data: Buffer): void => {
    if (size + data.length > maxBytes) {
      if (!cut) throw new FairwayError('resource_exhausted', 'the answer is too large', { retry: false });
      truncated = true;
      clean = false;
      state = 'done';
    }
    const kept = truncated ? data.subarray(0, maxBytes - size) : data;
    if (kept.length > 0) parts.push(kept);
    size += kept.length;
  };
  const begin = (text: string): void => {
    const next = parseHead(text);
    if (next.status < 200) {
      if (next.status === 101) throw malformed('another protocol');
      return;
    }
    head = next;
    const framing = framingOf(next);
    if (framing === 'chunked') state = 'chunk line';
    else if (framing === 'close') state = 'close';
    else {
      left = framing;
      state = framing === 0 ? 'done' : 'length';
    }
    if (!cut && left > maxBytes)
      throw new FairwayError('resource_exhausted', 'the answer is too large', { retry: false });
  };
  const steps: Readonly<Record<Exclude<State, 'done'>, (data: Buffer) => Buffer | undefined>> = {
    head(data) {
      const at = upTo(data, headEnd, headBytesMax);
      if (at < 0) return undefined;
      begin(data.toString('latin1', 0, at));
      return data.subarray(at + headEnd.length);
    },
    length(data) {
      const piece = data.subarray(0, left);
      left -= piece.length;
      take(piece);
      if (left === 0) state = 'done';
      return data.subarray(piece.length);
    },
    'chunk line'(data) {
      const at = upTo(data, lineEnd, chunkLineBytesMax);
      if (at < 0) return undefined;
      const match = /^([0-9a-f]{1,8})[\t ]*(?:;.*)?$/i.exec(data.toString('latin1', 0, at));
      if (!match) throw malformed('the length of a chunk');
      left = Number.parseInt(match[1] ?? '', 16);
      state = left === 0 ? 'trailer' : 'chunk';
      return data.subarray(at + lineEnd.length);
    },
    chunk(data) {
      const piece = data.subarray(0, left);
      left -= piece.length;
      if (left === 0) state = 'chunk end';
      take(piece);
      return data.subarray(piece.length);
    },
    'chunk end'(data) {
      if (data.length < lineEnd.length) {
        held = data;
        return undefined;
      }
      if (!data.subarray(0, 2).equals(lineEnd)) throw malformed('the end of a chunk');
      state = 'chunk line';
      return data.subarray(lineEnd.length);
    },
    trailer(data) {
      const at = upTo(data, lineEnd, headBytesMax);
      if (at < 0) return undefined;
      if (at === 0) state = 'done';
      return data.subarray(at + lineEnd.length);
    },
    close(data) {
      take(data);
      return undefined;
    },
  };

  return {
    push(chunk) {
      let data: Buffer | undefined = held ? Buffer.concat([held, chunk]) : chunk;
      held = undefined;
      while (data !== undefined && data.length > 0 && state !== 'done') data = steps[state](data);
      // Nothing was asked that this could be the answer to.
      if (data !== undefined && data.length > 0) clean = false;
      return state === 'done';
    },
    end() {
      clean = false;
      if (state === 'close') state = 'done';
      return state === 'done';
    },
    get status() {
      return head?.status ?? 0;
    },
    header: (name) => head?.header(name),
    body() {
      const whole = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      parts = [whole];
      return whole;
    },
    get truncated() {
      return truncated;
    },
    get reusable() {
      const wish = head?.header('connection')?.toLowerCase() ?? '';
      return clean && state === 'done' && head?.version === '1.1' && !/\bclose\b/.test(wish);
    },
  };
}

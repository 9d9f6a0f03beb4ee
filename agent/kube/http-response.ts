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

/** How far an answer has been read. */
interface Reading {
  readonly limits: HttpResponseLimits;
  state: State;
  head: Head | undefined;
  /** What has come of something that is read as a whole. */
  held: Buffer | undefined;
  parts: Buffer[];
  size: number;
  /** Bytes of the body, or of its chunk, that are to come. */
  left: number;
  truncated: boolean;
  clean: boolean;
}

/** What may wait for its end is kept up to a bound. */
function upTo(reading: Reading, data: Buffer, end: Buffer, bytesMax: number): number {
  const at = data.indexOf(end);
  if ((at < 0 ? data.length : at) > bytesMax) throw malformed('it is too long');
  if (at < 0) reading.held = data;
  return at;
}

function take(reading: Reading, data: Buffer): void {
  const { maxBytes, cut } = reading.limits;
  if (reading.size + data.length > maxBytes) {
    if (!cut) throw new FairwayError('resource_exhausted', 'the answer is too large', { retry: false });
    reading.truncated = true;
    reading.clean = false;
    reading.state = 'done';
  }
  const kept = reading.truncated ? data.subarray(0, maxBytes - reading.size) : data;
  if (kept.length > 0) reading.parts.push(kept);
  reading.size += kept.length;
}

function begin(reading: Reading, text: string): void {
  const head = parseHead(text);
  if (head.status < 200) {
    if (head.status === 101) throw malformed('another protocol');
    return;
  }
  reading.head = head;
  // Whoever forwards it may have read the other of the two: what follows may be no answer (RFC 9112, 6.3).
  if (head.header('transfer-encoding') !== undefined && head.header('content-length') !== undefined)
    reading.clean = false;
  const framing = framingOf(head);
  if (framing === 'chunked') reading.state = 'chunk line';
  else if (framing === 'close') reading.state = 'close';
  else {
    reading.left = framing;
    reading.state = framing === 0 ? 'done' : 'length';
  }
  const { maxBytes, cut } = reading.limits;
  if (!cut && reading.left > maxBytes)
    throw new FairwayError('resource_exhausted', 'the answer is too large', { retry: false });
}

/** Each takes what is its own and gives the rest back; undefined: more has to come first. */
const steps: Readonly<
  Record<Exclude<State, 'done'>, (reading: Reading, data: Buffer) => Buffer | undefined>
> = {
  head(reading, data) {
    const at = upTo(reading, data, headEnd, headBytesMax);
    if (at < 0) return undefined;
    begin(reading, data.toString('latin1', 0, at));
    return data.subarray(at + headEnd.length);
  },
  length(reading, data) {
    if (data.length === reading.left) {
      reading.state = 'done';
      take(reading, data);
      return undefined;
    }
    const piece = data.subarray(0, reading.left);
    reading.left -= piece.length;
    take(reading, piece);
    if (reading.left === 0) reading.state = 'done';
    return data.subarray(piece.length);
  },
  'chunk line'(reading, data) {
    const at = upTo(reading, data, lineEnd, chunkLineBytesMax);
    if (at < 0) return undefined;
    const match = /^([0-9a-f]{1,8})[\t ]*(?:;.*)?$/i.exec(data.toString('latin1', 0, at));
    if (!match) throw malformed('the length of a chunk');
    reading.left = Number.parseInt(match[1] ?? '', 16);
    reading.state = reading.left === 0 ? 'trailer' : 'chunk';
    return data.subarray(at + lineEnd.length);
  },
  chunk(reading, data) {
    const piece = data.subarray(0, reading.left);
    reading.left -= piece.length;
    if (reading.left === 0) reading.state = 'chunk end';
    take(reading, piece);
    return data.subarray(piece.length);
  },
  'chunk end'(reading, data) {
    if (data.length < lineEnd.length) {
      reading.held = data;
      return undefined;
    }
    if (!data.subarray(0, 2).equals(lineEnd)) throw malformed('the end of a chunk');
    reading.state = 'chunk line';
    return data.subarray(lineEnd.length);
  },
  trailer(reading, data) {
    const at = upTo(reading, data, lineEnd, headBytesMax);
    if (at < 0) return undefined;
    if (at === 0) reading.state = 'done';
    return data.subarray(at + lineEnd.length);
  },
  close(reading, data) {
    take(reading, data);
    return undefined;
  },
};

function push(reading: Reading, chunk: Buffer): boolean {
  let data: Buffer | undefined = reading.held ? Buffer.concat([reading.held, chunk]) : chunk;
  reading.held = undefined;
  while (data !== undefined && data.length > 0 && reading.state !== 'done')
    data = steps[reading.state](reading, data);
  // Nothing was asked that this could be the answer to.
  if (data !== undefined && data.length > 0) reading.clean = false;
  return reading.state === 'done';
}

function isReusable({ head, clean, state }: Reading): boolean {
  if (!clean || state !== 'done' || head?.version !== '1.1') return false;
  const wish = head.header('connection');
  return wish === undefined || !/\bclose\b/i.test(wish);
}

/** A class, for there are thousands of them: what an answer is asked is made once for all. */
class ResponseReader implements HttpResponseReader {
  private readonly reading: Reading;

  constructor(limits: HttpResponseLimits) {
    this.reading = {
      limits,
      state: 'head',
      head: undefined,
      held: undefined,
      parts: [],
      size: 0,
      left: 0,
      truncated: false,
      clean: true,
    };
  }

  push(chunk: Buffer): boolean {
    return push(this.reading, chunk);
  }

  end(): boolean {
    const { reading } = this;
    reading.clean = false;
    if (reading.state === 'close') reading.state = 'done';
    return reading.state === 'done';
  }

  get status(): number {
    return this.reading.head?.status ?? 0;
  }

  header(name: string): string | undefined {
    return this.reading.head?.header(name);
  }

  body(): Buffer {
    const { parts } = this.reading;
    const [first] = parts;
    if (first && parts.length === 1) return first;
    const whole = Buffer.concat(parts);
    this.reading.parts = [whole];
    return whole;
  }

  get truncated(): boolean {
    return this.reading.truncated;
  }

  get reusable(): boolean {
    return isReusable(this.reading);
  }
}

/** A response to anything but HEAD. Informational answers (1xx) are passed over. */
export function createResponseReader(limits: HttpResponseLimits): HttpResponseReader {
  return new ResponseReader(limits);
}

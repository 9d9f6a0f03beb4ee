import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResponseReader, type HttpResponseReader } from './http-response.ts';

const limits = { maxBytes: 1_000 };

function read(text: string, options: { readonly maxBytes: number; readonly cut?: boolean } = limits) {
  const reader = createResponseReader(options);
  return { reader, done: reader.push(Buffer.from(text, 'latin1')) };
}

const told = (reader: HttpResponseReader) => ({
  status: reader.status,
  body: reader.body().toString(),
  reusable: reader.reusable,
});

describe('createResponseReader', () => {
  it('reads a body of a length, and its headers whatever their case', () => {
    const { reader, done } = read('HTTP/1.1 201 Created\r\nContent-Length: 2\r\nETag: "Ab"\r\n\r\n{}');
    expect(done).toBe(true);
    expect(told(reader)).toEqual({ status: 201, body: '{}', reusable: true });
    expect(reader.header('etag')).toBe('"Ab"');
    expect(reader.header('retry-after')).toBeUndefined();
  });

  it('reads chunks, with their extensions and trailers', () => {
    const { reader, done } = read(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    );
    expect(done).toBe(true);
    expect(told(reader)).toEqual({ status: 200, body: 'abc0123456789', reusable: true });
  });

  it('reads the same from any pieces', () => {
    const whole =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n';
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const reader = createResponseReader(limits);
        const places = [0, ...[...cuts].sort((a, b) => a - b), whole.length];
        const done = places
          .slice(1)
          .map((to, index) => reader.push(Buffer.from(whole.slice(places[index] ?? 0, to))));
        expect(done.at(-1)).toBe(true);
        expect(told(reader)).toEqual({ status: 200, body: 'hello!', reusable: true });
      }),
    );
  });

  it('ends without a body where there can be none', () => {
    expect(read('HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n').done).toBe(true);
    expect(read('HTTP/1.1 204 No Content\r\n\r\n').done).toBe(true);
  });

  it('reads a body that ends with the connection, which is of no more use', () => {
    const { reader, done } = read('HTTP/1.0 200 OK\r\n\r\nabc');
    expect(done).toBe(false);
    expect(reader.end()).toBe(true);
    expect(told(reader)).toEqual({ status: 200, body: 'abc', reusable: false });
  });

  it('does not take what broke off for an answer', () => {
    for (const text of [
      '',
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    ]) {
      const { reader, done } = read(text);
      expect([done, reader.end()], text).toEqual([false, false]);
    }
  });

  it('gives a connection up that is to be closed, or on which more came than was asked for', () => {
    const close = read('HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n');
    const more = read('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc');
    expect(told(close.reader)).toMatchObject({ reusable: false });
    expect(told(more.reader)).toEqual({ status: 200, body: 'a', reusable: false });
  });

  it('gives a connection up on which an answer tells its length in two ways', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n';
    const { reader, done } = read(`${head}3\r\nabc\r\n0\r\n\r\n`);
    expect([done, told(reader)]).toEqual([true, { status: 200, body: 'abc', reusable: false }]);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a chunk without a length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a chunk that is longer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(70_000)}`],
  ])('refuses %s', (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });

  it('refuses an answer that is too large before it has come, and cuts where it was told to', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
    expect(() => read(text, { maxBytes: 4 })).toThrow(
      expect.objectContaining({ code: 'resource_exhausted' }),
    );
    const { reader, done } = read(`${text}0123456`, { maxBytes: 4, cut: true });
    expect([done, reader.truncated]).toEqual([true, true]);
    expect(told(reader)).toEqual({ status: 200, body: '0123', reusable: false });
    const whole = read(`${text}0123456789`, { maxBytes: 10, cut: true });
    expect([whole.done, whole.reader.truncated]).toEqual([true, false]);
  });
});

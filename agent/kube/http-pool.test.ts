import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock/clock.ts';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createHttpPool, type HttpPool } from './http-pool.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Served {
  readonly pool: HttpPool;
  readonly requests: string[];
  readonly sockets: Socket[];
}

/** A server that is given whole requests, in the order in which they come. */
async function serve(
  answer: (socket: Socket, request: string, count: number) => void,
  clock = systemClock,
): Promise<Served> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      requests.push(chunk.toString());
      answer(socket, chunk.toString(), requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const pool = createHttpPool({ host: '127.0.0.1', port, tls: undefined }, clock);
  closers.push(() => {
    pool.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { pool, requests, sockets };
}

const request = {
  method: 'GET',
  path: '/a?b=c',
  headers: [['Accept', '*/*']],
  body: undefined,
  maxBytes: 100,
} as const;
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const closeOf = (socket: Socket | undefined) =>
  new Promise<void>((resolve) => socket?.once('close', () => resolve()));
const bodyOf = async (pool: HttpPool, given: Parameters<HttpPool['exchange']>[0] = request) =>
  (await pool.exchange(given).response).body().toString();

describe('createHttpPool', () => {
  it('sends one request after the other on one connection, and those at once on several', async () => {
    const { pool, requests, sockets } = await serve((socket, _text, count) =>
      socket.write(ok(String(count))),
    );
    expect(await bodyOf(pool)).toBe('1');
    expect(await bodyOf(pool)).toBe('2');
    expect(sockets.length).toBe(1);
    await Promise.all([bodyOf(pool), bodyOf(pool), bodyOf(pool)]);
    expect(sockets.length).toBeGreaterThan(1);
    expect(requests[0]).toMatch(
      /^GET \/a\?b=c HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nAccept: \*\/\*\r\n\r\n$/,
    );
  });

  it('makes two connections at once, and gives the rest what is free first', async () => {
    const { pool, sockets } = await serve((socket, _text, count) => socket.write(ok(String(count))));
    const bodies = await Promise.all(Array.from({ length: 40 }, () => bodyOf(pool)));
    expect(new Set(bodies).size).toBe(40);
    expect(sockets.length).toBeLessThan(40);
  });

  it('makes other connections where those that were begun fail', async () => {
    const { pool } = await serve((socket, _text, count) => {
      if (count <= 2) socket.destroy();
      else socket.write(ok(String(count)));
    });
    const settled = await Promise.allSettled(Array.from({ length: 6 }, () => bodyOf(pool)));
    expect(settled.filter(({ status }) => status === 'rejected').length).toBe(2);
  });

  it('rejects what still waits for a connection when it is aborted, or the pool is closed', async () => {
    const { pool } = await serve(() => {});
    const asked = Array.from({ length: 4 }, () => pool.exchange(request));
    const ended = Promise.allSettled(asked.map(({ response }) => response));
    asked[3]?.abort(new DOMException('timed out', 'TimeoutError'));
    pool.close();
    const reasons = (await ended).map((one) => (one.status === 'rejected' ? (one.reason as Error).name : ''));
    expect(reasons[3]).toBe('TimeoutError');
    expect(reasons.filter((reason) => reason === '')).toEqual([]);
  });

  it('tells the length of a body in bytes', async () => {
    const { pool, requests } = await serve((socket) => socket.write(ok('')));
    await bodyOf(pool, { ...request, method: 'POST', body: 'ä' });
    expect(requests[0]).toMatch(/Content-Length: 2\r\n\r\nä$/);
  });

  it('rejects when the connection ends early, and makes another', async () => {
    const { pool, sockets } = await serve((socket, _text, count) => {
      if (count === 1) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
      else socket.write(ok('whole'));
    });
    await expect(pool.exchange(request).response).rejects.toMatchObject({
      code: 'unavailable',
      details: { unreachable: true },
    });
    expect(await bodyOf(pool)).toBe('whole');
    expect(sockets.length).toBe(2);
  });

  it('does not take for an answer what nobody asked for', async () => {
    const { pool, sockets } = await serve((socket, _text, count) => socket.write(ok(String(count))));
    await bodyOf(pool);
    const closed = closeOf(sockets[0]);
    sockets[0]?.write(ok('stale'));
    await closed;
    expect(await bodyOf(pool)).toBe('2');
  });

  it('gives up an exchange that is aborted, with its connection', async () => {
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const { pool, sockets } = await serve((socket, _text, count) => {
      arrive();
      if (count > 1) socket.write(ok(String(count)));
    });
    const first = pool.exchange(request);
    await arrived;
    first.abort(new DOMException('timed out', 'TimeoutError'));
    await expect(first.response).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await bodyOf(pool)).toBe('2');
    expect(sockets.length).toBe(2);
  });

  it('closes a connection that nobody has used for a while', async () => {
    const clock = createFakeClock();
    const { pool, sockets } = await serve((socket) => socket.write(ok('')), clock);
    await bodyOf(pool);
    const closed = closeOf(sockets[0]);
    await clock.advance(40_000);
    await closed;
    expect(await bodyOf(pool)).toBe('');
    expect(sockets.length).toBe(2);
  });

  it('makes another connection where the server has closed the one that was free', async () => {
    const { pool, sockets } = await serve((socket, _text, count) => socket.write(ok(String(count))));
    await bodyOf(pool);
    const closed = closeOf(sockets[0]);
    sockets[0]?.end();
    await closed;
    expect(await bodyOf(pool)).toBe('2');
    expect(sockets.length).toBe(2);
  });

  it('rejects a request whose connection the server closes as it is written, and leaves it to the caller to repeat it', async () => {
    const { pool, requests } = await serve((socket, _text, count) => {
      if (count === 2) socket.destroy();
      else socket.write(ok(String(count)));
    });
    await bodyOf(pool);
    await expect(pool.exchange(request).response).rejects.toBeInstanceOf(Error);
    expect(await bodyOf(pool)).toBe('3');
    expect(requests.length).toBe(3);
  });

  it('reads a large answer in many pieces, while another is read', async () => {
    const large = 'abcdefghij'.repeat(50_000);
    const { pool } = await serve((socket, text) => socket.write(ok(text.includes('/a') ? large : 'small')));
    const given = { ...request, maxBytes: 1_000_000 };
    const bodies = await Promise.all(
      ['/a', '/b', '/a', '/b', '/a'].map((path) => bodyOf(pool, { ...given, path })),
    );
    expect(bodies.map((body) => (body === large ? 'large' : body))).toEqual([
      ...['large', 'small', 'large', 'small', 'large'],
    ]);
  });

  it('sends nothing once it is closed', async () => {
    const { pool, sockets } = await serve((socket) => socket.write(ok('')));
    pool.close();
    await expect(pool.exchange(request).response).rejects.toMatchObject({ code: 'cancelled' });
    expect(sockets.length).toBe(0);
  });

  it('refuses what would begin another header', async () => {
    const { pool } = await serve((socket) => socket.write(ok('')));
    const headers = [['Impersonate-User', 'a\r\nImpersonate-Group: system:masters']] as const;
    expect(() => pool.exchange({ ...request, headers })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    expect(() => pool.exchange({ ...request, path: '/a b' })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });
});

import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findProxy, openSocket, parseAddress } from './proxy.ts';

describe('findProxy', () => {
  it('takes the variables in the order of grpc-js', () => {
    expect(findProxy({}, 'hub')).toBeUndefined();
    const env = { grpc_proxy: 'http://a:1', https_proxy: 'http://b:2', http_proxy: 'http://c:3' };
    expect(findProxy(env, 'hub')?.host).toBe('a:1');
    expect(findProxy({ ...env, grpc_proxy: '' }, 'hub')?.host).toBe('b:2');
    expect(findProxy({ https_proxy: 'socks://x:1' }, 'hub')).toBeUndefined();
  });

  it('leaves exempt hosts alone', () => {
    const env = { https_proxy: 'http://p:1', no_proxy: '.svc,10.0.0.0/8' };
    expect(findProxy(env, 'hub.fairway.svc')).toBeUndefined();
    expect(findProxy(env, '10.1.2.3')).toBeUndefined();
    expect(findProxy(env, '11.1.2.3')).toBeDefined();
  });
});

describe('parseAddress', () => {
  it('reads names and IPv6, and refuses the rest', () => {
    expect(parseAddress('hub.example:8443')).toEqual({ host: 'hub.example', port: 8443 });
    expect(parseAddress('[::1]:1')).toEqual({ host: '::1', port: 1 });
    for (const bad of ['hub', 'https://hub:1', 'hub:99999', '::1:1'])
      expect(() => parseAddress(bad)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('openSocket', () => {
  it('goes through a CONNECT proxy with its credentials, and says when that refuses', async () => {
    const target = createTcpServer((socket) => socket.end('hello'));
    const asked: unknown[] = [];
    const proxy = createServer().on('connect', (request, near) => {
      asked.push(request.url, request.headers['proxy-authorization']);
      if (request.headers['proxy-authorization'] === undefined) {
        near.end('HTTP/1.1 407 no\r\n\r\n');
        return;
      }
      const far = connect((target.address() as AddressInfo).port, '127.0.0.1', () => {
        near.write('HTTP/1.1 200 ok\r\n\r\n');
        far.pipe(near);
      });
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const { signal } = new AbortController();
    const hub = { host: 'hub.example', port: 8443 };
    const socket = await openSocket(hub, new URL(`http://me:secret@127.0.0.1:${port}`), signal);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toBe('hello');
    expect(asked).toEqual(['hub.example:8443', `Basic ${Buffer.from('me:secret').toString('base64')}`]);
    const refused = openSocket(hub, new URL(`http://127.0.0.1:${port}`), signal);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
    proxy.close();
    target.close();
  });
});

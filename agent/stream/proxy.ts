import { request } from 'node:http';
import { connect, isIPv4, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';

/** A host and port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[v6]:port`. @throws invalid_argument */
export function parseAddress(address: string): HostPort {
  const [, v6, name, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) > 65_535)
    throw new FairwayError('invalid_argument', `"${address}" is not host:port`);
  return { host, port: Number(port) };
}

/** The proxy that grpc-js would use for a host, by the same variables in the same order, so that both connections go one way. */
export function findProxy(env: Readonly<Record<string, string | undefined>>, host: string): URL | undefined {
  const text = env['grpc_proxy'] || env['https_proxy'] || env['http_proxy'];
  if (!text || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:') return undefined;
  const exempt = (env['no_grpc_proxy'] || env['no_proxy'] || '').split(',').filter((entry) => entry !== '');
  return exempt.some((entry) => host.endsWith(entry) || isInRange(host, entry)) ? undefined : url;
}

function isInRange(host: string, range: string): boolean {
  const [network, bits] = range.split('/');
  if (network === undefined || bits === undefined || !isIPv4(host) || !isIPv4(network)) return false;
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(host) / size) === Math.floor(number(network) / size);
}

/** A plain connection, through an HTTP CONNECT proxy when one is given. @throws unavailable, cancelled */
export function openSocket(target: HostPort, proxy: URL | undefined, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (caught: unknown) =>
      reject(signal.aborted ? toFairwayError(signal.reason) : toFairwayError(caught));
    if (proxy === undefined) {
      const socket: Socket = connect({ host: target.host, port: target.port, signal });
      socket.once('connect', () => resolve(socket));
      socket.once('error', fail);
      return;
    }
    const path = target.host.includes(':')
      ? `[${target.host}]:${target.port}`
      : `${target.host}:${target.port}`;
    const credentials = decodeURIComponent(`${proxy.username}:${proxy.password}`);
    const headers = {
      host: path,
      ...(proxy.username === ''
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
    };
    const tunnel = request({
      method: 'CONNECT',
      host: proxy.hostname,
      port: proxy.port || 80,
      path,
      headers,
      signal,
    });
    tunnel.once('connect', (response, socket, head) => {
      // The first bytes of the other side may have come with the proxy's answer.
      if (head.length > 0) socket.unshift(head);
      if (response.statusCode === 200) resolve(socket);
      else
        reject(new FairwayError('unavailable', `the proxy refused the connection (${response.statusCode})`));
    });
    tunnel.once('error', fail);
    tunnel.end();
  });
}

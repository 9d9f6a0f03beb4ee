/** What the hub tells the outside, end to end: signed CloudEvents over HTTP that the receiver can verify, over a receiver that is down and a hub that is killed. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const secret = `whsec_${Buffer.from('the secret of this receiver').toString('base64')}`;
const received: Delivery[] = [];
let answer = 204;
let bed: HubBed;
let receiver: Server;

/** As https://www.standardwebhooks.com tells receivers to. */
function isSigned({ headers, body }: Delivery): boolean {
  const [id, time] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest();
  const given = Buffer.from(String(headers['webhook-signature']).replace(/^v1,/, ''), 'base64');
  const isFresh = Math.abs(Date.now() / 1000 - Number(time)) < 60;
  return isFresh && given.length === expected.length && timingSafeEqual(given, expected);
}

const settings = () => ({
  notifications: [
    {
      url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook/with-a-secret-path`,
      types: ['revision', 'source'],
      secret: { file: join(bed.folder, 'hook-secret') },
    },
  ],
});
const delivered = (text: string) =>
  bed.wait(`a delivery with ${text}`, () => received.find(({ body }) => body.includes(text)));

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      if (answer < 300) received.push({ headers: request.headers, body });
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  bed = await createHubBed();
  writeFileSync(join(bed.folder, 'hook-secret'), `${secret}\n`);
  await bed.merge(
    {
      'fleet/clusters.yaml': clusterFile('one'),
      'fleet/own.yaml': applicationFile('own', 'path: apps/own'),
      'apps/own/map.yaml': configMap('own', 'own 1'),
    },
    'Start the fleet',
  );
  await bed.start(settings());
}, 60_000);

afterAll(async () => {
  await bed?.close();
  receiver?.closeAllConnections();
  receiver?.close();
});

describe('outgoing notifications', () => {
  it('tell of a revision by a signed CloudEvent', async () => {
    const delivery = await delivered('Start the fleet');
    expect(delivery.headers['content-type']).toContain('application/cloudevents+json');
    const event = JSON.parse(delivery.body) as Record<string, unknown>;
    expect(event).toMatchObject({ specversion: '1.0', id: delivery.headers['webhook-id'] });
    expect(String(event['type'])).toContain('revision.seen');
    expect(JSON.stringify(event)).toContain('Grace Lim');
    expect(isSigned(delivery)).toBe(true);
    expect(isSigned({ ...delivery, body: delivery.body.replace('Grace', 'Mallory') })).toBe(false);
  });

  it('come after all when the receiver is down and the hub is killed meanwhile', async () => {
    answer = 503;
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'own 2') }, 'While nobody listens');
    await bed.wait('the failed delivery', () =>
      bed.log().includes('"message":"notification not delivered"') ? true : undefined,
    );
    await bed.stop('SIGKILL');
    answer = 204;
    await bed.start(settings());
    expect(isSigned(await delivered('While nobody listens'))).toBe(true);
  }, 60_000);

  it('are of the types asked for only, and show no secret in the log', async () => {
    await bed.merge({ 'fleet/broken.yaml': 'kind: Nonsense\n' }, 'Break a file');
    const failed = await delivered('fleet/broken.yaml');
    expect(failed.body).toContain('revision.failed');
    for (const { body } of received)
      expect(body).toMatch(/"type":"dev\.fairway\.(revision|source)\.[a-z]+\.v1"/);
    for (const text of [secret, 'with-a-secret-path']) expect(bed.log()).not.toContain(text);
  });
});

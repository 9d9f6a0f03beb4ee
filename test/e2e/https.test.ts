/** The API over HTTPS with the operator's own certificate. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clusterFile, createHubBed, type HubBed } from './hub-bed.ts';

let bed: HubBed;
let certificate: string;

beforeAll(async () => {
  bed = await createHubBed();
  const [certificateFile, keyFile] = [join(bed.folder, 'api.crt'), join(bed.folder, 'api.key')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...[
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      keyFile,
      '-out',
      certificateFile,
    ],
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  certificate = readFileSync(certificateFile, 'utf8');
  await bed.merge({ 'fleet/clusters.yaml': clusterFile('one') }, 'start');
  await bed.start({ tls: { certificateFile, keyFile } });
}, 60_000);

afterAll(() => bed?.close());

it('serves the API with the certificate that it was given', async () => {
  const { api } = bed.addresses();
  expect(api).toMatch(/^https:\/\//);
  const status = await new Promise((resolve, reject) => {
    get(`${api}/readyz`, { ca: certificate }, (response) => resolve(response.statusCode)).on('error', reject);
  });
  expect(status).toBe(200);
  await expect(fetch(`${api.replace('https:', 'http:')}/readyz`)).rejects.toThrow();
});

it('is spoken to by the command line, and tells of a revocation', () => {
  const { api, token } = bed.addresses();
  const run = spawnSync(process.execPath, ['hub/cli/main.ts', 'agent', 'revoke', 'one', '--reason', 'lost'], {
    encoding: 'utf8',
    timeout: 30_000,
    env: {
      ...process.env,
      FAIRWAY_SERVER: api,
      FAIRWAY_TOKEN: token,
      NODE_EXTRA_CA_CERTS: join(bed.folder, 'api.crt'),
    },
  });
  expect(run.stderr).toContain('No agent has enrolled for cluster "one"');
  expect(run.status).toBe(3);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { loadInCluster } from './connection.ts';
import { createTokenReader } from './credentials.ts';
import { loadKubeconfig } from './kubeconfig.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('loadInCluster', () => {
  it("reads the service account's files", async () => {
    writeFileSync(join(folder, 'ca.crt'), 'CA');
    writeFileSync(join(folder, 'namespace'), 'fairway\n');
    writeFileSync(join(folder, 'token'), 'one');
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const { connection, namespace } = await loadInCluster(environment, folder);
    expect(namespace).toBe('fairway');
    expect(connection).toEqual({
      server: 'https://[fd00::1]:6443',
      ca: 'CA',
      tokenFile: join(folder, 'token'),
    });
  });

  it('says that it is not in a cluster', async () => {
    await expect(loadInCluster({}, folder)).rejects.toMatchObject({ code: 'failed_precondition' });
    const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    await expect(loadInCluster(environment, folder)).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});

describe('createTokenReader', () => {
  it('reads the file anew after a minute, and at once when told that the token was refused', async () => {
    const clock = createFakeClock();
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'one\n');
    const reader = createTokenReader({ server: '', tokenFile }, clock);
    expect(await reader.token()).toBe('one');
    writeFileSync(tokenFile, 'two');
    expect(await reader.token()).toBe('one');
    expect(await reader.token(true)).toBe('two');
    writeFileSync(tokenFile, 'three');
    await clock.advance(61_000);
    expect(await reader.token()).toBe('three');
  });
});

describe('loadKubeconfig', () => {
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'a',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: 'https://x/k8s/1',
          'certificate-authority-data': Buffer.from('CA').toString('base64'),
        },
      },
    ],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'n' } }],
  });

  it('takes server, CA, token and namespace of a context', async () => {
    const path = join(folder, 'config');
    writeFileSync(path, text);
    const { connection, namespace } = await loadKubeconfig(path);
    expect(connection).toMatchObject({ server: 'https://x/k8s/1', ca: 'CA', token: 't' });
    expect(namespace).toBe('n');
    await expect(loadKubeconfig(path, 'none')).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(loadKubeconfig(`${path}-of-nobody`)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/^the kubeconfig cannot be read: ENOENT.*--kubeconfig/),
    });
  });
});

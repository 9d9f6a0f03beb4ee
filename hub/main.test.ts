import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from './config/load-config.ts';
import { type RunningHub, startHub } from './main.ts';

let folder: string;
let hub: RunningHub | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-hub-'));
});
afterEach(async () => {
  await hub?.stop();
  await rm(folder, { recursive: true, force: true });
});

function alternativeNames(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? '');
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

describe('startHub', () => {
  it('has a certificate for every name that agents dial or are told to verify', async () => {
    const env = {
      FAIRWAY_ROOT_URL: folder,
      FAIRWAY_DATA_DIR: join(folder, 'data'),
      FAIRWAY_API_LISTEN: '127.0.0.1:0',
      FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
      FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
      FAIRWAY_ADVERTISE_AGENT: 'one.example:8443,two.example:8443',
      FAIRWAY_SERVER_NAME: 'verified.example',
      FAIRWAY_LOG_LEVEL: 'error',
    };
    const config = await loadConfig({ env, readFile: () => Promise.reject(new Error('no file')) });
    hub = await startHub({ config, env });
    const names = await alternativeNames(hub.addresses.enrolmentPort);
    for (const name of ['fairway-hub', 'verified.example', 'one.example', 'two.example'])
      expect(names).toContain(`DNS:${name}`);
  });
});

/** What must never happen: neighbours held up, objects lost by mistake, one cluster seeing another's, strangers let in. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram } from '../../hub/cli/demo/processes.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const clusters = ['one', 'two'] as const;
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;
const cluster = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: here }\n`;
const application = (name: string, on: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: { path: apps/${name} }\n  placement: { clusters: [${on}] }\n  rollout: { strategy: all-at-once }\n`;

let bed: FleetBed | undefined;

beforeAll(async () => {
  bed = await createFleetBed({
    clusters,
    files: {
      'fleet/one.yaml': cluster('one'),
      'fleet/two.yaml': cluster('two'),
      'fleet/alpha.yaml': application('alpha', 'one, two'),
      'fleet/beta.yaml': application('beta', 'one'),
      'apps/alpha/maps.yaml': `${map('a', '1')}---\n${map('b', '1')}`,
      'apps/beta/maps.yaml': map('secret-of-one', '1'),
    },
  });
  if (!bed) return;
  await bed.startHub();
  for (const name of clusters) await bed.startAgent(name);
  await bed.settle(await bed.repository.head(), { placements: 3 });
}, 300_000);

afterAll(() => bed?.close());

const exists = (name: string, plane = 'one') => bed?.kubectl(plane, 'get', 'configmap', name).status === 0;
const dataOf = (name: string, plane = 'one') =>
  bed?.kubectl(plane, 'get', 'configmap', name, '-o', 'jsonpath={.data.value}').stdout;

describe('one bad thing stays one bad thing', () => {
  it("an object that is refused does not hold up its neighbours and is reported with the API server's words", async (context) => {
    if (!bed) return context.skip(skipped);
    const bad =
      'apiVersion: v1\nkind: Service\nmetadata: { name: bad, namespace: default }\nspec: { ports: [{ port: 99999 }] }\n';
    await bed.merge(
      { 'apps/alpha/maps.yaml': `${map('a', '2')}---\n${bad}---\n${map('b', '2')}` },
      'alpha: a bad service',
    );
    await bed.wait('the neighbours', () => (dataOf('a') === '2' && dataOf('b') === '2' ? true : undefined));
    const failed = await bed.wait('the report', async () => {
      const { items } = (await bed
        ?.api()
        .get<{ items: { cluster: string; key: { kind: string }; sync: string; message: string }[] }>(
          '/api/v1/objects?application=alpha&cluster=one',
        )) ?? { items: [] };
      return items.find(({ key, sync }) => key.kind === 'Service' && sync === 'Failed');
    });
    expect(failed.message).toContain('99999');
    const commit = await bed.merge(
      { 'apps/alpha/maps.yaml': `${map('a', '3')}---\n${map('b', '3')}` },
      'alpha: mended',
    );
    await bed.settle(commit);
  }, 120_000);

  it('a fleet file that is renamed and broken in one commit removes nothing', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.merge(
      { 'fleet/beta.yaml': null, 'fleet/renamed.yaml': `${application('beta', 'one')}  placemnt: oops\n` },
      'break beta',
    );
    const problem = await bed.wait('the problem to be told', async () => {
      const events = await bed?.api().events('types=revision.failed');
      return events?.find(({ message }) => message.includes('fleet/renamed.yaml'));
    });
    expect(problem.message).toMatch(/fleet\/renamed\.yaml:\d+/);
    await bed.merge({ 'apps/alpha/maps.yaml': `${map('a', '4')}---\n${map('b', '4')}` }, 'alpha goes on');
    await bed.wait('the good application to go on', () => (dataOf('a', 'two') === '4' ? true : undefined));
    expect(exists('secret-of-one')).toBe(true);
    const commit = await bed.merge({ 'fleet/renamed.yaml': application('beta', 'one') }, 'mend beta');
    await bed.settle(commit, { placements: 3 });
    expect(exists('secret-of-one')).toBe(true);
  }, 120_000);

  it('an object that moves from one application to another is handed over, never deleted', async (context) => {
    if (!bed) return context.skip(skipped);
    const uid = () => bed?.kubectl('one', 'get', 'configmap', 'b', '-o', 'jsonpath={.metadata.uid}').stdout;
    const before = uid();
    const commit = await bed.merge(
      {
        'apps/alpha/maps.yaml': map('a', '4'),
        'apps/beta/maps.yaml': `${map('secret-of-one', '1')}---\n${map('b', '4')}`,
      },
      'move b',
    );
    await bed.settle(commit);
    await bed.wait('b to leave cluster two', () => (exists('b', 'two') ? undefined : true));
    expect(uid()).toBe(before);
    const back = await bed.merge(
      {
        'apps/alpha/maps.yaml': `${map('a', '4')}---\n${map('b', '4')}`,
        'apps/beta/maps.yaml': map('secret-of-one', '1'),
      },
      'move b back',
    );
    await bed.settle(back);
    expect(uid()).toBe(before);
  }, 120_000);

  it('a pause stops healing, says so, and ends by itself', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed
      .api()
      .post('/api/v1/pause', { cluster: 'one', application: 'alpha', reason: 'looking', durationSeconds: 5 });
    await bed.wait('the agent to be paused', async () =>
      (await bed?.api().placements())?.find(
        ({ cluster: at, application: name }) => at === 'one' && name === 'alpha',
      )?.paused
        ? true
        : undefined,
    );
    const audit = await bed.api().events('types=audit.pause');
    expect(audit[0]?.message).toContain('looking');
    await bed.wait('healing to resume after the pause', async () => {
      bed?.kubectl('one', 'patch', 'configmap', 'a', '--type=merge', '-p', '{"data":{"value":"by hand"}}');
      const events = await bed?.api().events('types=audit.resume');
      return events && events.length > 0 ? true : undefined;
    });
    await bed.wait('the drift to be healed', () => (dataOf('a') === '4' ? true : undefined));
  }, 120_000);
});

interface Peer {
  readonly key?: string;
  readonly cert?: string;
}

/** Handshakes with the agent listener and asks for a stream; resolves to how it ended. */
function knock(port: number, peer: Peer): Promise<'served' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...peer,
    });
    // In TLS 1.3 the server's refusal of a client certificate arrives after the handshake: a settings frame means it was taken.
    socket.once('data', () => resolve('served'));
    socket.once('error', () => resolve('refused'));
    socket.once('close', () => resolve('refused'));
    setTimeout(() => socket.destroy(), 5_000).unref();
  }).finally(() => undefined) as Promise<'served' | 'refused'>;
}

function identityOf(plane: string): { privateKeyPem: string; certificateChainPem: string } {
  const secret =
    bed?.kubectl(
      plane,
      'get',
      'secret',
      'fairway-agent-identity',
      '-n',
      'fairway-agent',
      '-o',
      'jsonpath={.data.identity\\.json}',
    ).stdout ?? '';
  return JSON.parse(Buffer.from(secret, 'base64').toString()) as {
    privateKeyPem: string;
    certificateChainPem: string;
  };
}

describe('strangers', () => {
  it('an agent is told of its own objects only', async (context) => {
    if (!bed) return context.skip(skipped);
    const held = bed.kubectl('two', 'get', 'configmap', '-A', '-o', 'name').stdout;
    expect(held).not.toContain('secret-of-one');
    const { items } = await bed
      .api()
      .get<{ items: { cluster: string; application: string }[] }>('/api/v1/assignments?cluster=two');
    expect(items.map(({ application: name }) => name)).toEqual(['alpha']);
  }, 60_000);

  it('the agent listener answers nobody without a certificate, nor one of another authority', async (context) => {
    if (!bed) return context.skip(skipped);
    const { agentPort } = bed.addresses();
    const { privateKeyPem: key, certificateChainPem: cert } = identityOf('one');
    expect(await knock(agentPort, {})).toBe('refused');
    const folder = join(bed.folder, 'foreign');
    spawnSync('mkdir', [folder]);
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=one',
      '-days',
      '1',
      '-keyout',
      join(folder, 'key'),
      '-out',
      join(folder, 'cert'),
    ]);
    expect(made.status).toBe(0);
    expect(
      await knock(agentPort, {
        key: readFileSync(join(folder, 'key'), 'utf8'),
        cert: readFileSync(join(folder, 'cert'), 'utf8'),
      }),
    ).toBe('refused');
    expect(await knock(agentPort, { key, cert })).toBe('served');
  }, 60_000);

  it('a used token is refused, and audited', async (context) => {
    if (!bed) return context.skip(skipped);
    const token = await bed.api().enrolmentToken('two');
    const agentOf = (namespace: string) =>
      startProgram({
        name: `agent in ${namespace}`,
        script: 'agent/main.ts',
        args: [
          '--kubeconfig',
          bed?.plane('two').kubeconfig ?? '',
          '--context',
          'two',
          '--namespace',
          namespace,
        ].concat(['--enrolment-address', `127.0.0.1:${bed?.addresses().enrolmentPort}`]),
        env: { FAIRWAY_ENROLMENT_TOKEN: token },
        logFile: join(bed?.folder ?? '', `agent-${namespace}.log`),
      });
    const first = agentOf('another-agent');
    await bed.wait('the first agent to enrol', () =>
      first.tail().includes('"message":"enrolled"') ? true : undefined,
    );
    await first.stop();
    const second = agentOf('third-agent');
    await bed.wait('the second agent to give up', () => (second.running ? undefined : true));
    expect(second.tail()).toContain('unauthenticated');
    const refused = await bed.api().events('types=audit.token.refused');
    expect(refused).not.toEqual([]);
  }, 60_000);

  it('revocation ends the session and keeps the agent out, audited', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.api().post('/api/v1/clusters/two/revoke', { reason: 'lost laptop' });
    await bed.wait('the session to end', async () => {
      const { items } = (await bed
        ?.api()
        .get<{ items: { name: string; connected: boolean }[] }>('/api/v1/clusters')) ?? { items: [] };
      return items.find(({ name }) => name === 'two')?.connected === false ? true : undefined;
    });
    await bed.wait('the refusal to be audited', async () =>
      (await bed?.api().events('types=audit.certificate.refused'))?.length ? true : undefined,
    );
    await bed.killAgent('two');
    bed.kubectl('two', 'delete', 'namespace', 'fairway-agent', '--wait=false');
    bed.kubectl('two', 'delete', 'secret', 'fairway-agent-identity', '-n', 'fairway-agent');
  }, 60_000);
});

describe('a hub restored from an older backup', () => {
  it('deletes nothing, catches up, and waits for a confirmation to delete again', async (context) => {
    if (!bed) return context.skip(skipped);
    const backup = join(bed.folder, 'backup.db');
    const { api, token } = bed.addresses();
    const response = await fetch(`${api}/api/v1/backup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(200);
    writeFileSync(backup, Buffer.from(await response.arrayBuffer()));

    const later = await bed.merge(
      { 'apps/alpha/maps.yaml': `${map('a', '5')}---\n${map('b', '5')}---\n${map('after-backup', '1')}` },
      'after the backup',
    );
    await bed.wait('the change after the backup', () => (exists('after-backup') ? true : undefined));
    await bed.killHub('SIGTERM');
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(bed.dataDir, `fairway.db${suffix}`), { force: true });
    cpSync(backup, join(bed.dataDir, 'fairway.db'));
    // While the hub was away, somebody merged a removal: it must wait.
    await bed.merge({ 'apps/alpha/maps.yaml': `${map('a', '6')}` }, 'remove b and after-backup');
    await bed.startHub();
    await bed.wait('the restored hub to catch up', () => (dataOf('a') === '6' ? true : undefined));
    expect(exists('b')).toBe(true);
    expect(exists('after-backup')).toBe(true);
    const { items } = await bed
      .api()
      .get<{ items: { id: string; kind: string; confirmedAt: string | null }[] }>('/api/v1/confirmations');
    const open = items.find(({ kind, confirmedAt }) => kind === 'restored-hub' && confirmedAt === null);
    expect(open).toBeDefined();
    await bed.api().post(`/api/v1/confirmations/${open?.id}/confirm`, {});
    await bed.wait('the removal after the confirmation', () =>
      exists('b') || exists('after-backup') ? undefined : true,
    );
    expect(later).toHaveLength(40);
  }, 180_000);
});

/** The installer's manifests on a real API server: they apply as they are, and their service account has what the agent needs and no more. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, startProgram } from '../../hub/cli/demo/processes.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const cluster = (name: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: here }\n`;
const application = (name: string, on: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: ${name} }\nspec:\n  source: { path: apps/${name} }\n  placement: { clusters: [${on}] }\n  rollout: { strategy: all-at-once }\n`;
const namespace = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;
const map = (space: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: ${space} }\ndata: { a: "1" }\n`;
const secret = (space: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: login, namespace: ${space} }\ndata: { word: b25l }\n`;
const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: readers, namespace: shop }
rules: [{ apiGroups: [apps], resources: [deployments], verbs: [get] }]
`;

let bed: FleetBed | undefined;
const agents: Program[] = [];

beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['by-kind', 'by-namespace'],
    files: {
      'fleet/clusters.yaml': `${cluster('by-kind')}---\n${cluster('by-namespace')}`,
      'fleet/shop.yaml': application('shop', 'by-kind'),
      'fleet/team.yaml': application('team', 'by-namespace'),
      'apps/shop/all.yaml': `${namespace('shop')}---\n${map('shop')}---\n${role}`,
      'apps/team/all.yaml': `${map('team')}---\n${secret('team')}---\n${role.replace('shop', 'team')}`,
    },
  });
  await bed?.startHub();
}, 240_000);

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop('SIGKILL')));
  await bed?.close();
});

/** Applies what the API gives for this cluster and runs the agent with the service account's own token and rights, as a pod would. */
async function install(fleet: FleetBed, name: string, rights: object): Promise<void> {
  const { api, token, enrolmentPort } = fleet.addresses();
  const response = await fetch(`${api}/api/v1/agent-manifests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ cluster: name, enrolmentAddress: `127.0.0.1:${enrolmentPort}`, rights }),
  });
  expect(response.status).toBe(200);
  const plane = fleet.plane(name);
  const applied = spawnSync(plane.kubectl, ['--kubeconfig', plane.kubeconfig, 'apply', '-f', '-'], {
    input: await response.text(),
    encoding: 'utf8',
  });
  expect(applied.stderr).toBe('');
  expect(applied.status).toBe(0);
  const folder = join(fleet.folder, `serviceaccount-${name}`);
  mkdirSync(folder);
  const bound = fleet.kubectl(
    name,
    'create',
    'token',
    'fairway-agent',
    '-n',
    'fairway-agent',
    '--duration=1h',
  );
  writeFileSync(join(folder, 'token'), bound.stdout.trim());
  writeFileSync(join(folder, 'ca.crt'), plane.ca);
  writeFileSync(join(folder, 'namespace'), 'fairway-agent');
  const secret = fleet.kubectl(
    name,
    'get',
    'secret',
    'fairway-agent-enrolment',
    '-n',
    'fairway-agent',
    '-o',
    'jsonpath={.data.token}',
  );
  writeFileSync(join(folder, 'enrolment'), Buffer.from(secret.stdout, 'base64'));
  const { port } = new URL(plane.url);
  agents.push(
    startProgram({
      name: `agent ${name}`,
      script: 'agent/main.ts',
      args: [
        '--service-account',
        folder,
        '--token-file',
        join(folder, 'enrolment'),
        '--enrolment-address',
        `127.0.0.1:${enrolmentPort}`,
      ],
      env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port },
      logFile: join(fleet.folder, `agent-${name}.log`),
    }),
  );
}

describe("the installer's manifests", () => {
  it('by kind: the agent enrols, applies and heals with its own rights', async (context) => {
    if (!bed) return context.skip(skipped);
    await install(bed, 'by-kind', { mode: 'kinds' });
    await bed.wait('the application', () =>
      bed?.kubectl('by-kind', 'get', 'role', 'readers', '-n', 'shop').status === 0 ? true : undefined,
    );
    bed.kubectl(
      'by-kind',
      'patch',
      'configmap',
      'settings',
      '-n',
      'shop',
      '--type=merge',
      '-p',
      '{"data":{"a":"2"}}',
    );
    await bed.wait('the drift to be healed', () => {
      const value = bed?.kubectl(
        'by-kind',
        'get',
        'configmap',
        'settings',
        '-n',
        'shop',
        '-o',
        'jsonpath={.data.a}',
      );
      return value?.stdout === '1' ? true : undefined;
    });
    const may = (...what: string[]) =>
      bed
        ?.kubectl(
          'by-kind',
          'auth',
          'can-i',
          ...what,
          '--as=system:serviceaccount:fairway-agent:fairway-agent',
        )
        .stdout.trim();
    expect(may('create', 'clusterroles')).toBe('no');
    expect(may('delete', 'nodes')).toBe('no');
  }, 120_000);

  it('by namespace: the agent works with rights in its namespaces only', async (context) => {
    if (!bed) return context.skip(skipped);
    bed.kubectl('by-namespace', 'create', 'namespace', 'team');
    await install(bed, 'by-namespace', { mode: 'namespaces', namespaces: ['team'] });
    const value = () =>
      bed?.kubectl('by-namespace', 'get', 'configmap', 'settings', '-n', 'team', '-o', 'jsonpath={.data.a}')
        .stdout;
    await bed.wait('the object', () => (value() === '1' ? true : undefined));
    bed.kubectl(
      'by-namespace',
      'patch',
      'configmap',
      'settings',
      '-n',
      'team',
      '--type=merge',
      '-p',
      '{"data":{"a":"2"}}',
    );
    await bed.wait('the drift to be healed', () => (value() === '1' ? true : undefined));
    const account = '--as=system:serviceaccount:fairway-agent:fairway-agent';
    const may = (...what: string[]) =>
      bed?.kubectl('by-namespace', 'auth', 'can-i', ...what, account).stdout.trim();
    expect(may('create', 'configmaps', '-n', 'default')).toBe('no');
    expect(may('list', 'configmaps', '-A')).toBe('no');
    expect(may('watch', 'secrets', '-A')).toBe('no');
    expect(may('watch', 'secrets', '-n', 'team')).toBe('yes');
  }, 120_000);

  it("by namespace: a Secret's drift is healed, and what leaves Git is pruned", async (context) => {
    if (!bed) return context.skip(skipped);
    const live = (kind: string, name: string, path: string) =>
      bed?.kubectl('by-namespace', 'get', kind, name, '-n', 'team', '-o', `jsonpath=${path}`);
    bed.kubectl('by-namespace', 'patch', 'secret', 'login', '-n', 'team', '-p', '{"data":{"word":"dHdv"}}');
    await bed.wait('the Secret to be healed', () =>
      live('secret', 'login', '{.data.word}')?.stdout === 'b25l' ? true : undefined,
    );
    bed.kubectl('by-namespace', 'delete', 'role', 'readers', '-n', 'team');
    await bed.wait('the Role to be back', () =>
      live('role', 'readers', '{.metadata.name}')?.status === 0 ? true : undefined,
    );
    bed.kubectl('by-namespace', 'create', 'configmap', 'by-hand', '-n', 'team', '--from-literal=a=b');
    await bed.merge({ 'apps/team/all.yaml': map('team') }, 'team: no Secret, no Role');
    await bed.wait('the Secret to go', () =>
      live('secret', 'login', '{.metadata.name}')?.status === 0 ? undefined : true,
    );
    await bed.wait('the Role to go', () =>
      live('role', 'readers', '{.metadata.name}')?.status === 0 ? undefined : true,
    );
    expect(live('configmap', 'settings', '{.data.a}')?.stdout).toBe('1');
    expect(live('configmap', 'by-hand', '{.data.a}')?.stdout).toBe('b');
  }, 120_000);
});

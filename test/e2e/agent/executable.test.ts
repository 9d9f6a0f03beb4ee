/** The agent as one executable, without Node, without source, on a real API server and a real hub. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../../shared/version.ts';
import { freePort } from '../../cluster/free-port.ts';
import { bundleExecutable } from '../../tools/bundle-executable.ts';
import { createFleetBed, type FleetBed } from '../fleet-bed.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairway-one-'));
const executable = join(folder, 'fairway-agent');
let bed: FleetBed | undefined;
let agent: ChildProcess | undefined;
let output = '';

beforeAll(async () => {
  await bundleExecutable(executable);
  bed = await createFleetBed({
    clusters: ['one'],
    files: {
      'fleet/one.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: one }\nspec: { region: here }\n',
      'fleet/maps.yaml':
        'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: maps }\nspec:\n  source: { path: apps/maps }\n  placement: { clusters: [one] }\n',
      'apps/maps/all.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default }\ndata: { value: "1" }\n',
    },
  });
  await bed?.startHub();
}, 240_000);

afterAll(async () => {
  agent?.kill('SIGKILL');
  await bed?.close();
  rmSync(folder, { recursive: true, force: true });
});

// An empty environment: whatever it needs is in it.
const run = (...args: readonly string[]) =>
  spawnSync(executable, args, { encoding: 'utf8', env: {}, cwd: folder, timeout: 30_000 });

describe('the agent as one executable', () => {
  it('says how it is used', () => {
    const help = run('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('--enrolment-address');
    expect(run('--unknown').status).toBe(2);
  });

  it('enrols by a kubeconfig, applies what the hub says, tells its version and ends when told', async (context) => {
    if (!bed) return context.skip('needs Go or KUBEBUILDER_ASSETS');
    const fleet = bed;
    const port = await freePort();
    const { kubeconfig } = fleet.plane('one');
    agent = spawn(
      executable,
      ['--kubeconfig', kubeconfig, '--context', 'one', '--health-address', `127.0.0.1:${port}`].concat(
        '--enrolment-address',
        `127.0.0.1:${fleet.addresses().enrolmentPort}`,
      ),
      { env: { FAIRWAY_ENROLMENT_TOKEN: await fleet.api().enrolmentToken('one') }, cwd: folder },
    );
    agent.stderr?.on('data', (chunk) => {
      output += String(chunk);
    });
    const ended = new Promise((resolve) => agent?.once('exit', resolve));
    await fleet.settle(await fleet.repository.head(), { placements: 1 }).catch((error: unknown) => {
      throw new Error(`the agent said:\n${output}`, { cause: error });
    });
    expect(fleet.kubectl('one', 'get', 'configmap', 'a', '-o', 'jsonpath={.data.value}').stdout, output).toBe(
      '1',
    );
    const status = run('status', '--address', `127.0.0.1:${port}`);
    expect(status.stdout).toContain(version);
    agent.kill('SIGTERM');
    expect(await ended).toBe(0);
  }, 90_000);
});

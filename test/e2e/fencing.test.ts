/** A primary that is cut off from the hub fences itself, is known to be fenced, and takes up nothing old when it returns: a hub, two real control planes, and a network between that is cut. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiCluster } from '../../hub/api/schemas/cluster.ts';
import type { ApiFailover, ApiFailoverPlan } from '../../hub/api/schemas/failover.ts';
import { freePort } from '../cluster/free-port.ts';
import { type CutProxy, createCutProxy } from './cut-proxy.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const fleet = `${head}kind: Cluster
metadata: { name: eu-1 }
spec: { region: north, role: primary }
---
${head}kind: Cluster
metadata: { name: eu-2 }
spec: { region: south, role: standby }
---
${head}kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web, overlays: ["overlays/{{cluster.role}}"] }
  rollout: { strategy: all-at-once }
  placement: { clusters: [eu-1, eu-2] }
---
${head}kind: ParityGroup
metadata: { name: eu }
spec:
  primary: eu-1
  standbys: { clusters: [eu-2] }
  failover: { fencing: { after: 10s } }
`;
const base = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 5
      containers: [{ name: web, image: "registry.example/web:1" }]
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: report, namespace: default }
spec:
  schedule: "0 0 1 1 *"
  suspend: false
  jobTemplate:
    spec:
      template:
        spec: { restartPolicy: Never, containers: [{ name: report, image: "registry.example/report:1" }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: default }
data: { role: none, version: "1" }
`;
const overlay = (role: string, replicas: number) => `resources: [../../base]
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: { name: web, namespace: default }
      spec: { replicas: ${replicas} }
  - patch: |-
      apiVersion: batch/v1
      kind: CronJob
      metadata: { name: report, namespace: default }
      spec: { suspend: ${role === 'standby'} }
  - patch: |-
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: settings, namespace: default }
      data: { role: ${role} }
`;
const files = {
  'fleet/fleet.yaml': fleet,
  'apps/web/base/kustomization.yaml': 'resources: [all.yaml]\n',
  'apps/web/base/all.yaml': base,
  'apps/web/overlays/primary/kustomization.yaml': overlay('primary', 3),
  'apps/web/overlays/standby/kustomization.yaml': overlay('standby', 0),
};

const path = '/api/v1/parity/eu/failover';
let bed: FleetBed | undefined;
let proxy: CutProxy | undefined;
let health = 0;
const watches: ChildProcess[] = [];

const need = (): FleetBed => {
  if (!bed) throw new Error('there is no bed');
  return bed;
};
const read = (cluster: string, kind: string, name: string, field: string) =>
  need().kubectl(cluster, 'get', kind, name, '-o', `jsonpath={${field}}`).stdout;
const replicas = (cluster: string) => read(cluster, 'deployment', 'web', '.spec.replicas');
const note = (cluster: string) =>
  read(cluster, 'deployment', 'web', '.metadata.annotations.fairway\\.dev/fenced');
const role = (cluster: string) => read(cluster, 'configmap', 'settings', '.data.role');
const suspended = (cluster: string) => read(cluster, 'cronjob', 'report', '.spec.suspend');
const plan = (query = '') => need().api().get<ApiFailoverPlan>(`${path}${query}`);
const cluster = (name: string) => need().api().get<ApiCluster>(`/api/v1/clusters/${name}`);
const until = (what: string, holds: () => Promise<boolean> | boolean, limitMs = 60_000) =>
  need().wait(what, async () => ((await holds()) ? true : undefined), limitMs);
const reached = (id: string, phase: string) =>
  need().wait(`the failover to be ${phase}`, async () => {
    const one = await need().api().get<ApiFailover>(`/api/v1/failovers/${id}`);
    return one.phase === phase ? one : undefined;
  });
const events = async () =>
  (
    await need()
      .api()
      .get<{ items: { type: string; message: string; cluster: string }[] }>('/api/v1/events?types=fence')
  ).items;
const startAgent = async (name: string, token: boolean) => {
  // The one that the network is cut for knows no address but the proxy's, which the hub tells.
  const direct = ['--hub-address', `127.0.0.1:${need().addresses().agentPort}`];
  const own = ['--health-address', `127.0.0.1:${health}`];
  await need().startAgent(name, { token, args: name === 'eu-2' ? direct : own });
};

/** Every value that a field takes from now on. */
function follow(name: string, kind: string, object: string, field: string) {
  const seen: string[] = [];
  const { kubectl, kubeconfig } = need().plane(name);
  const args = ['--kubeconfig', kubeconfig, 'get', kind, object, '-w', '-o', `jsonpath={${field}}{"\\n"}`];
  const watch = spawn(kubectl, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  watches.push(watch);
  watch.stdout.on('data', (chunk: Buffer) => seen.push(...chunk.toString().split('\n').filter(Boolean)));
  return seen;
}

beforeAll(async () => {
  proxy = await createCutProxy(() => need().addresses().agentPort);
  health = await freePort();
  bed = await createFleetBed({
    ...{ clusters: ['eu-1', 'eu-2'], whole: ['eu-1', 'eu-2'], files, anonymousPush: true },
    hubConfig: 'commits: { name: Fairway, email: fairway@example.com }\n',
    hubEnv: { FAIRWAY_ADVERTISE_AGENT: `127.0.0.1:${proxy.port}` },
  });
  if (!bed) return;
  await bed.startHub();
  for (const name of ['eu-1', 'eu-2']) await startAgent(name, true);
}, 300_000);

afterAll(async () => {
  for (const watch of watches) watch.kill('SIGKILL');
  await bed?.close();
  await proxy?.close();
});

describe('a primary that is cut off', { timeout: 300_000 }, () => {
  it('serves as long as the hub answers it', async (context) => {
    if (!bed) return context.skip();
    await until('both to have their roles', () => role('eu-1') === 'primary' && role('eu-2') === 'standby');
    expect([replicas('eu-1'), replicas('eu-2')]).toEqual(['3', '0']);
    await until('the agents to be connected', async () => (await cluster('eu-1')).connected);
    expect(await plan()).toMatchObject({ fenced: 'no', fencedReason: 'the agent of eu-1 is connected' });
  });

  it('fences itself, also across a new start, and takes its work up again when only the network was away', async (context) => {
    if (!bed || !proxy) return context.skip();
    proxy.cut();
    await until('eu-1 to be fenced', () => replicas('eu-1') === '0' && suspended('eu-1') === 'true');
    expect(note('eu-1')).toBe('{"replicas":3}');
    await bed.killAgent('eu-1');
    bed.kubectl('eu-1', 'scale', 'deployment', 'web', '--replicas=2');
    await startAgent('eu-1', false);
    await until('it to be stopped again', () => replicas('eu-1') === '0');
    expect(note('eu-1')).toBe('{"replicas":3}');
    const status = await fetch(`http://127.0.0.1:${health}/status`);
    expect(await status.json()).toMatchObject({ fenced: [{ application: 'web', group: 'eu' }] });
    proxy.heal();
    await until('its work to be taken up', () => replicas('eu-1') === '3' && suspended('eu-1') === 'false');
    expect(note('eu-1')).toBe('');
    await until('the events to be told', async () => {
      const types = (await events()).map(({ type }) => type);
      return types.includes('fence.closed') && types.includes('fence.opened');
    });
  });

  it('is known to be fenced, is failed over from, and applies nothing old when it returns', async (context) => {
    if (!bed || !proxy) return context.skip();
    await until('the hub to hear of it', async () => (await plan()).fenced === 'no');
    proxy.cut();
    await until('eu-1 to be fenced', () => replicas('eu-1') === '0');
    // A release of the old role that it has never had: it must not get it when it is back.
    const text = base.replace('version: "1"', 'version: "2"');
    const revision = await bed.merge({ 'apps/web/base/all.yaml': text }, 'change the settings');
    await until('it to be assigned', async () => {
      const { items } = await need()
        .api()
        .get<{ items: { cluster: string; revisionId: string }[] }>('/api/v1/assignments');
      return items.some((one) => one.cluster === 'eu-1' && one.revisionId === revision);
    });
    await until('the hub to know that it is fenced', async () => (await plan()).fenced === 'yes', 150_000);
    const known = await plan();
    expect(known.fencedReason).toContain('has promised to stop all within 10 s without this hub');
    expect(known.confirm.join()).not.toContain('fenced');
    const begun = await bed.api().post<ApiFailover>(path, { reason: 'cut off', confirm: true });
    const ready = await reached(begun.id, 'TrafficReady');
    expect(ready).toMatchObject({ fenced: 'yes', message: expect.stringContaining('its agent is away') });
    await until('eu-2 to serve', () => replicas('eu-2') === '3');
    expect([replicas('eu-1'), role('eu-1')]).toEqual(['0', 'primary']);
    const seen = follow('eu-1', 'configmap', 'settings', '.data');
    const counts = follow('eu-1', 'deployment', 'web', '.spec.replicas');
    await until('the watches to be open', () => seen.length > 0 && counts.length > 0);
    proxy.heal();
    const done = await reached(begun.id, 'Done');
    expect(ready.rtoSeconds).toBeGreaterThanOrEqual(0);
    expect(done.rtoSeconds).toBe(ready.rtoSeconds);
    expect([role('eu-1'), role('eu-2')]).toEqual(['standby', 'primary']);
    expect([replicas('eu-1'), suspended('eu-1')]).toEqual(['0', 'true']);
    await until('the note to go', () => note('eu-1') === '');
    expect(new Set(counts)).toEqual(new Set(['0']));
    expect(seen.filter((one) => one.includes('primary') && one.includes('"2"'))).toEqual([]);
    expect(seen.at(-1)).toContain('standby');
  });

  it('is the primary again by a failover back, with its time', async (context) => {
    if (!bed || !proxy) return context.skip();
    await until('eu-1 to be a standby that is compared', async () => {
      const { to, readiness } = await plan('?kind=back');
      return to === 'eu-1' && readiness.verdict !== 'Unknown';
    });
    const said = { kind: 'back', reason: 'the network is whole again', confirm: true };
    const begun = await bed.api().post<ApiFailover>(path, said);
    const done = await reached(begun.id, 'Done');
    expect(done).toMatchObject({ from: 'eu-2', to: 'eu-1' });
    expect(done.rtoSeconds).toBeGreaterThanOrEqual(0);
    await until('both to have their roles', () => role('eu-1') === 'primary' && role('eu-2') === 'standby');
    expect([replicas('eu-1'), suspended('eu-1')]).toEqual(['3', 'false']);
    expect([replicas('eu-2'), suspended('eu-2')]).toEqual(['0', 'true']);
  });
});

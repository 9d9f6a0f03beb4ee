/**
 * 1,000 objects in 20 applications on a real API server: applied from nothing, one of them changed, and looked at again, by the agent in release form and by
 * `kubectl apply --server-side` and `kubectl diff` with the same manifests in namespaces beside. kubectl runs once for all, and once an application with as
 * many at a time as the agent works on; the faster of the two counts, and the less processor time of the two.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { bundleAgent } from '../tools/bundle-agent.ts';
import { untilAtRest } from './kit/at-rest.ts';
import { type ByteCounter, createByteCounter } from './kit/byte-counter.ts';
import { createHubBed, type HubBed } from './kit/hub-bed.ts';
import { countRequests, runKubectl } from './kit/kubectl-run.ts';
import { applicationFile, clusterName, clustersFile, objectsOf } from './kit/manifests.ts';
import { cpuSeconds } from './kit/process-figures.ts';
import { createRealCluster, type RealCluster } from './kit/real-cluster.ts';
import { type ReleaseAgent, startReleaseAgent } from './kit/release-agent.ts';
import { pause, until } from './kit/wait.ts';
import { type Bench, type BenchResult, result } from './result.ts';

const bench_ = 'apply';
const namespace = 'fairway-agent';
/** Applications that an agent works on at once. */
const parallel = 4;
const limitMs = 300_000;

interface Load {
  readonly applications: number;
  readonly objects: number;
}

interface Figures {
  readonly seconds: number;
  readonly cpu: number;
  readonly requests: number;
  readonly bytes: number;
}

const applicationName = (index: number) => `apply-${index}`;
const kubectlNamespace = (index: number) => `kubectl-${index}`;
const fileText = (place: string, count: number, value: string) =>
  objectsOf(place, count, value)
    .map((object) => JSON.stringify(object, null, 2))
    .join('\n---\n');

function files({ applications, objects }: Load): Record<string, string> {
  const each = objects / applications;
  const all: Record<string, string> = {};
  for (let index = 0; index < applications; index += 1) {
    const name = applicationName(index);
    all[`fleet/${name}.yaml`] = applicationFile(name, `apps/${name}`);
    all[`apps/${name}/all.yaml`] = fileText(name, each, 'one');
  }
  return all;
}

async function makeNamespaces(cluster: RealCluster, { applications }: Load): Promise<void> {
  const names = [namespace];
  for (let index = 0; index < applications; index += 1)
    names.push(applicationName(index), kubectlNamespace(index));
  for (const name of names)
    await cluster.call('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
}

interface Stage {
  readonly load: Load;
  readonly bed: HubBed;
  readonly plane: ControlPlane;
  readonly way: ByteCounter;
  /** Of the agent in release form. */
  readonly launcher: string;
}

interface Applied {
  readonly items: readonly { readonly acknowledgements: { readonly appliedAt: string | null } }[];
}

/** The agent's own word, by its clock, which is this machine's. */
async function lastAppliedMs({ api }: HubBed): Promise<number> {
  const { items } = await api.get<Applied>('/api/v1/assignments?limit=100');
  return Math.max(...items.map(({ acknowledgements }) => Date.parse(acknowledgements.appliedAt ?? '')));
}

/** One that has enrolled finds its identity in the cluster: the token is empty then. */
async function startAgent(
  stage: Stage,
  enrolmentToken: string,
  flags: readonly string[] = [],
): Promise<ReleaseAgent> {
  const { bed, plane, way } = stage;
  return startReleaseAgent({
    folder: bed.folder,
    server: { host: '127.0.0.1', port: way.port, ca: plane.ca, token: plane.token },
    enrolmentAddress: bed.enrolmentAddress,
    enrolmentToken,
    namespace,
    bundled: stage.launcher,
    flags,
  });
}

/** Processor time of an agent that starts, enrols, connects, and has nothing to do. */
async function measureStart(stage: Stage): Promise<number> {
  const agent = await startAgent(stage, await stage.bed.api.enrolmentToken(clusterName(0)));
  try {
    const connected = async () =>
      (await agent.metrics()).get('fairway_agent_connected') === 1 ? true : undefined;
    await until('the agent to be connected', connected, limitMs);
    return cpuSeconds(agent.pid);
  } finally {
    await agent.stop();
  }
}

/** From the start of the process to the agent's word that all is applied: it connects, takes its targets and applies them. */
async function firstApply(stage: Stage): Promise<Figures & { readonly agent: ReleaseAgent }> {
  const { load, bed, way } = stage;
  const startCpu = await measureStart(stage);
  const commit = await bed.push(files(load), 'Place the load');
  await bed.tell();
  await bed.resolved(commit, limitMs);
  const before = way.bytes();
  const startedMs = Date.now();
  const agent = await startAgent(stage, '');
  await bed.settled(load.applications, limitMs);
  const seconds = ((await lastAppliedMs(bed)) - startedMs) / 1_000;
  const cpu = cpuSeconds(agent.pid) - startCpu;
  return { agent, seconds, cpu, requests: await agent.requests(), bytes: way.bytes() - before };
}

/** Its desired state comes from the hub anew. */
async function startWithVolume(stage: Stage): Promise<ReleaseAgent> {
  const agent = await startAgent(stage, '', ['--state', join(stage.bed.folder, 'state')]);
  await stage.bed.settled(stage.load.applications, limitMs);
  return agent;
}

async function measure(stage: Stage, agent: ReleaseAgent, work: () => Promise<unknown>): Promise<Figures> {
  await untilAtRest(agent);
  const before = { requests: await agent.requests(), bytes: stage.way.bytes(), cpu: cpuSeconds(agent.pid) };
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  const requests = (await agent.requests()) - before.requests;
  return {
    seconds,
    requests,
    cpu: cpuSeconds(agent.pid) - before.cpu,
    bytes: stage.way.bytes() - before.bytes,
  };
}

const valuePath = '/api/v1/namespaces/apply-0/configmaps/settings-0';

/** Records are written down a minute after a change: that of what came before is no part of this. */
const recordsMs = 70_000;

async function oneChange(
  stage: Stage,
  agent: ReleaseAgent,
  cluster: RealCluster,
  value: string,
): Promise<Figures> {
  const { bed, load } = stage;
  const name = applicationName(0);
  const lines = objectsOf(name, load.objects / load.applications, 'one');
  const [first, ...rest] = lines as readonly [{ readonly data: object }, ...object[]];
  const changed = [{ ...first, data: { ...first.data, VALUE: value } }, ...rest];
  await bed.push(
    { [`apps/${name}/all.yaml`]: changed.map((object) => JSON.stringify(object)).join('\n---\n') },
    'two',
  );
  return measure(stage, agent, async () => {
    await bed.tell();
    await until(
      'the new value',
      async () => {
        const live = (await cluster.call('GET', valuePath)) as {
          readonly data?: { readonly VALUE?: string };
        };
        return live.data?.VALUE === value ? true : undefined;
      },
      60_000,
      5,
    );
    await bed.settled(load.applications, limitMs);
  });
}

/** All applications looked at again. */
async function noop(stage: Stage, agent: ReleaseAgent): Promise<Figures> {
  const name = 'fairway_agent_events_total{event="syncs"}';
  const syncs = async () => (await agent.metrics()).get(name) ?? 0;
  const before = await syncs();
  return measure(stage, agent, async () => {
    await stage.bed.api.post('/api/v1/sync', { cluster: clusterName(0) });
    const wanted = before + stage.load.applications;
    await until('all to be looked at', async () => ((await syncs()) >= wanted ? true : undefined), 60_000, 5);
  });
}

interface KubectlStage extends Stage {
  readonly folder: string;
  readonly flags: readonly string[];
}

function prepareKubectl(stage: Stage): KubectlStage {
  const folder = join(stage.bed.folder, 'kubectl');
  mkdirSync(folder);
  const { load, plane, way } = stage;
  for (let index = 0; index < load.applications; index += 1)
    writeFileSync(
      join(folder, `${index}.yaml`),
      fileText(kubectlNamespace(index), load.objects / load.applications, 'one'),
    );
  const kubeconfig = join(stage.bed.folder, 'kubectl.json');
  const cluster = {
    server: `https://127.0.0.1:${way.port}`,
    'certificate-authority-data': Buffer.from(plane.ca).toString('base64'),
  };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
      clusters: [{ name: 'a', cluster }],
      users: [{ name: 'a', user: { token: plane.token } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    }),
    { mode: 0o600 },
  );
  return {
    ...stage,
    folder,
    flags: ['--kubeconfig', kubeconfig, '--cache-dir', join(stage.bed.folder, 'kubectl-cache')],
  };
}

const applyArgs = ['apply', '--server-side', '--force-conflicts', '-o', 'name'] as const;

async function kubectlApply({ plane, folder, flags, way }: KubectlStage): Promise<Omit<Figures, 'requests'>> {
  const before = way.bytes();
  const { seconds, cpu } = await runKubectl(plane.kubectl, [...flags, ...applyArgs, '-f', folder]);
  return { seconds, cpu, bytes: way.bytes() - before };
}

/** One process an application, as many at once as the agent works on. */
async function kubectlApplyParallel({
  load,
  plane,
  folder,
  flags,
}: KubectlStage): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const startedMs = performance.now();
  let next = 0;
  let cpu = 0;
  const worker = async () => {
    while (next < load.applications) {
      const file = join(folder, `${next++}.yaml`);
      cpu += (await runKubectl(plane.kubectl, [...flags, ...applyArgs, '-f', file])).cpu;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { seconds: (performance.now() - startedMs) / 1_000, cpu };
}

async function clearKubectl({ plane, folder, flags }: KubectlStage): Promise<void> {
  await runKubectl(plane.kubectl, [...flags, 'delete', '--wait=false', '-o', 'name', '-f', folder]);
}

interface KubectlFigures {
  readonly first: Figures;
  readonly parallelSeconds: number;
  readonly diff: Figures;
  readonly startCpu: number;
}

async function measureKubectl(stage: Stage): Promise<KubectlFigures> {
  const at = prepareKubectl(stage);
  const start = await runKubectl(at.plane.kubectl, ['version', '--client']);
  const split = await kubectlApplyParallel(at);
  await clearKubectl(at);
  const one = await kubectlApply(at);
  const told = await runKubectl(at.plane.kubectl, [...at.flags, ...applyArgs, '-v=6', '-f', at.folder]);
  const before = at.way.bytes();
  const diff = await runKubectl(
    at.plane.kubectl,
    [...at.flags, 'diff', '--server-side', '-f', at.folder],
    [0, 1],
  );
  const diffBytes = at.way.bytes() - before;
  const diffTold = await runKubectl(
    at.plane.kubectl,
    [...at.flags, 'diff', '--server-side', '-v=6', '-f', at.folder],
    [0, 1],
  );
  return {
    first: { ...one, cpu: Math.min(one.cpu, split.cpu), requests: countRequests(told.stderr) },
    parallelSeconds: split.seconds,
    diff: {
      seconds: diff.seconds,
      cpu: diff.cpu,
      bytes: diffBytes,
      requests: countRequests(diffTold.stderr),
    },
    startCpu: start.cpu,
  };
}

const describe = (what: string, { seconds, cpu, requests, bytes }: Figures) =>
  `${what}: ${seconds.toFixed(2)} s, ${cpu.toFixed(2)} CPU s, ${requests} requests, ${Math.round(bytes / 1024)} KiB`;

interface AgentFigures {
  readonly first: Figures;
  readonly change: Figures;
  readonly onVolume: Figures;
  readonly again: Figures;
}

function report(
  load: Load,
  { first, change, onVolume, again }: AgentFigures,
  kubectl: KubectlFigures,
): readonly BenchResult[] {
  const { diff } = kubectl;
  const wall = Math.min(kubectl.first.seconds, kubectl.parallelSeconds);
  // What a program takes to start is no part of applying, on either side.
  const cpu = Math.max(0.01, kubectl.first.cpu - kubectl.startCpu);
  const row = (metric: string, value: number, unit: string, peer: string, peerValue: number) =>
    result(bench_, metric, value, unit, peer, peerValue);
  return [
    row('noop_requests', again.requests, 'requests', 'limit', 0),
    row('noop_bytes', again.bytes, 'bytes', 'kubectl diff', diff.bytes),
    row('noop_cpu', again.cpu, 'CPU s', 'kubectl diff', diff.cpu),
    row('noop_wall', again.seconds, 's', 'kubectl diff', diff.seconds),
    row('one_change_requests', change.requests, 'requests', 'limit', 2),
    row('one_change_requests_state_in_volume', onVolume.requests, 'requests', 'limit', 2),
    row('one_change_wall', change.seconds, 's', 'kubectl diff', diff.seconds),
    row('first_apply_vs_kubectl', first.seconds / wall, 'ratio', 'limit', 1),
    row('first_apply_cpu_vs_kubectl', first.cpu / cpu, 'ratio', 'limit', 0.5),
    row('first_apply_requests', first.requests, 'requests', 'kubectl apply', kubectl.first.requests),
    row('first_apply_bytes', first.bytes, 'bytes', 'kubectl apply', kubectl.first.bytes),
    row('objects', load.objects, 'objects', 'applications', load.applications),
  ];
}

export const bench: Bench = async ({ say, quick }) => {
  const load = quick ? { applications: 4, objects: 100 } : { applications: 20, objects: 1_000 };
  const plane = await startControlPlane({ name: 'bench-apply' });
  if (!plane) throw new Error('this bench needs a real API server: Go or KUBEBUILDER_ASSETS');
  const cluster = createRealCluster(plane);
  const way = await createByteCounter(plane.url);
  let bed: HubBed | undefined;
  let agent: ReleaseAgent | undefined;
  try {
    await makeNamespaces(cluster, load);
    bed = await createHubBed({ files: { 'fleet/clusters.yaml': clustersFile(1) } });
    const launcher = await bundleAgent(join(bed.folder, 'agent'));
    const stage = { load, bed, plane, way, launcher };
    const kubectl = await measureKubectl(stage);
    say(describe('kubectl apply', kubectl.first));
    say(
      `kubectl apply, ${parallel} at once: ${kubectl.parallelSeconds.toFixed(2)} s; its start: ${kubectl.startCpu.toFixed(2)} CPU s`,
    );
    say(describe('kubectl diff', kubectl.diff));
    const first = await firstApply(stage);
    agent = first.agent;
    say(describe('agent, from its start to applied', first));
    await pause(quick ? 0 : recordsMs);
    const change = await oneChange(stage, agent, cluster, 'two');
    say(describe('agent, one change', change));
    const again = await noop(stage, agent);
    say(describe('agent, everything again', again));
    await agent.stop();
    agent = await startWithVolume(stage);
    const onVolume = await oneChange(stage, agent, cluster, 'three');
    say(describe('agent with its state in a volume, one change', onVolume));
    return report(load, { first, change, onVolume, again }, kubectl);
  } finally {
    await agent?.stop();
    await bed?.close();
    cluster.close();
    await way.close();
    await plane.stop();
  }
};

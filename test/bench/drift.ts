/**
 * 2,000 changes by other hands, of every kind, to 1,000 objects on a real API server, each timed from the API server's answer to the change until a watch shows the object as it should
 * be; then 10,000 status updates, of which nothing may come. The agent is in release form, in a process of its own.
 */
import { createKubeClient } from '../../agent/kube/create-kube-client.ts';
import type { ApiResource, KubeClient } from '../../agent/kube/kube-client.ts';
import { systemClock } from '../../shared/clock/clock.ts';
import { createSeededRandom, type Random, systemRandom } from '../../shared/clock/random.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilAtRest } from './kit/at-rest.ts';
import { driftObjects, essence, type Mutation, mutations, type Place, placeOf } from './kit/drift-objects.ts';
import { createHubBed, type HubBed } from './kit/hub-bed.ts';
import { applicationFile, clusterName, clustersFile } from './kit/manifests.ts';
import { createRealCluster, type RealCluster } from './kit/real-cluster.ts';
import { type ReleaseAgent, startReleaseAgent } from './kit/release-agent.ts';
import { until } from './kit/wait.ts';
import { type Bench, type BenchResult, percentile, result } from './result.ts';

const bench_ = 'drift';
const namespace = 'fairway-agent';
/** Hands at work at once, each on objects of its own. */
const hands = 8;
const healLimitMs = 15_000;
const seed = 20_261_121;

interface Load {
  readonly applications: number;
  readonly objects: number;
  readonly mutations: number;
  readonly statusUpdates: number;
}

const spaceOf = (index: number) => `drift-${index}`;

function objectsOf({ applications, objects }: Load): readonly KubeObject[] {
  return Array.from({ length: applications }, (_none, index) =>
    driftObjects(spaceOf(index), objects / applications),
  ).flat();
}

function files(load: Load): Record<string, string> {
  const all: Record<string, string> = { 'fleet/clusters.yaml': clustersFile(1) };
  const objects = objectsOf(load);
  for (let index = 0; index < load.applications; index += 1) {
    const name = spaceOf(index);
    const own = objects.filter(({ metadata }) => metadata.namespace === name);
    all[`fleet/${name}.yaml`] = applicationFile(name, `apps/${name}`);
    all[`apps/${name}/all.yaml`] = own.map((object) => JSON.stringify(object)).join('\n---\n');
  }
  return all;
}

interface Seen {
  readonly object: KubeObject;
  readonly essence: string;
  readonly atMs: number;
}

/** What a watch shows of each object, and when it did, by path. */
interface Sight {
  readonly objects: ReadonlyMap<string, Seen>;
  stop(): Promise<void>;
}

async function look(client: KubeClient, resources: readonly ApiResource[]): Promise<Sight> {
  const objects = new Map<string, Seen>();
  const abort = new AbortController();
  const watched = resources.map(async (resource) => {
    const { group, version, kind } = resource;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const put = (object: KubeObject) => {
      const whole = { ...object, apiVersion, kind };
      if (object.metadata.namespace?.startsWith('drift-'))
        objects.set(placeOf(whole).path, { object: whole, essence: essence(whole), atMs: performance.now() });
    };
    const list = await client.list({ resource, namespace: '' });
    list.items.forEach(put);
    const follow = async () => {
      let { resourceVersion } = list;
      while (!abort.signal.aborted)
        await client
          .watch(
            { resource, namespace: '', resourceVersion },
            ({ type, object }) => {
              resourceVersion = String(object.metadata['resourceVersion']);
              if (type === 'ADDED' || type === 'MODIFIED') put(object);
            },
            abort.signal,
          )
          .catch((caught: unknown) => {
            if (!abort.signal.aborted) throw caught;
          });
    };
    return follow;
  });
  const following = (await Promise.all(watched)).map((follow) => follow());
  return {
    objects,
    async stop() {
      abort.abort();
      await Promise.all(following);
    },
  };
}

interface Healed {
  readonly mutation: string;
  readonly writeMs: number;
  /** Undefined: not within the limit. */
  readonly healMs: number | undefined;
}

interface Stage {
  readonly load: Load;
  readonly cluster: RealCluster;
  readonly sight: Sight;
  /** As every object should be, by path. */
  readonly wanted: ReadonlyMap<string, string>;
}

type Metadata = { readonly metadata?: { readonly resourceVersion?: string } };

/** Writes, and waits until the object is as it should be in a version that came after. */
async function mutate(
  { cluster, sight, wanted }: Stage,
  place: Place,
  mutation: Mutation,
  chance: number,
): Promise<Healed> {
  const before = sight.objects.get(place.path)?.object;
  if (!before) throw new Error(`nothing is at ${place.path}`);
  let [after, writeMs, answeredMs] = ['', 0, 0];
  for (const { method, path, body, contentType } of mutation.writes(before, place, chance)) {
    const startedMs = performance.now();
    try {
      const answer = (await cluster.call(method, path, body, contentType)) as Metadata;
      after = method === 'DELETE' ? '' : (answer.metadata?.resourceVersion ?? '');
    } catch (caught) {
      // The agent was quicker in making it anew.
      if (method !== 'POST' || !String(caught).includes('AlreadyExists')) throw caught;
    }
    answeredMs = performance.now();
    writeMs = answeredMs - startedMs;
  }
  const isHealed = () => {
    const seen = sight.objects.get(place.path);
    if (!seen || seen.essence !== wanted.get(place.path)) return undefined;
    const { uid, resourceVersion } = seen.object.metadata;
    const newer =
      after === '' ? uid !== before.metadata['uid'] : BigInt(String(resourceVersion)) > BigInt(after);
    return newer ? seen.atMs : undefined;
  };
  const atMs = await until(`${mutation.name} of ${place.path} to be undone`, isHealed, healLimitMs, 2).catch(
    () => undefined,
  );
  return {
    mutation: mutation.name,
    writeMs,
    healMs: atMs === undefined ? undefined : Math.max(0, atMs - answeredMs),
  };
}

/** Every object in turn, by hands that work side by side. */
async function mutateAll(stage: Stage, random: Random): Promise<readonly Healed[]> {
  const places = [...stage.sight.objects.values()].map(({ object }) => placeOf(object));
  const shuffled = places
    .map((place) => ({ place, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ place }) => place);
  const done: Healed[] = [];
  const work = async (hand: number) => {
    const own = shuffled.filter((_place, index) => index % hands === hand);
    for (let turn = 0; turn < stage.load.mutations / hands; turn += 1) {
      const place = own[turn % own.length] as Place;
      const fit = mutations.filter(({ kinds }) => kinds.includes(place.kind));
      const mutation = fit[Math.floor(random.next() * fit.length)] as Mutation;
      done.push(await mutate(stage, place, mutation, Math.floor(random.next() * 90)));
    }
  };
  await Promise.all(Array.from({ length: hands }, (_none, hand) => work(hand)));
  return done;
}

function condition(at: number): object {
  const lastTransitionTime = new Date().toISOString();
  return { type: 'example.com/Seen', status: 'True', reason: `Turn${at}`, message: '', lastTransitionTime };
}

async function updateStatuses({ cluster, load, sight }: Stage): Promise<void> {
  const places = [...sight.objects.values()]
    .map(({ object }) => placeOf(object))
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Service');
  let next = 0;
  const work = async () => {
    while (next < load.statusUpdates) {
      const at = next++;
      const { kind, path } = places[at % places.length] as Place;
      const status =
        kind === 'Deployment'
          ? {
              observedGeneration: 1,
              replicas: 2,
              updatedReplicas: 2,
              availableReplicas: at % 3,
              readyReplicas: at % 3,
            }
          : { conditions: [condition(at)] };
      await cluster.call('PATCH', `${path}/status?fieldManager=controller`, { status });
    }
  };
  await Promise.all(Array.from({ length: hands }, work));
}

const eventCount = async (agent: ReleaseAgent, event: string) =>
  (await agent.metrics()).get(`fairway_agent_events_total{event="${event}"}`) ?? 0;

interface Events {
  readonly items: readonly { readonly message: string }[];
}

/** The newest of the hub's events, in words. */
async function lastDrifts({ api }: HubBed, count: number): Promise<readonly string[]> {
  const { items } = await api.get<Events>(`/api/v1/events?types=drift.found&limit=${Math.min(count, 20)}`);
  return items.map(({ message }) => message);
}

function report(
  healed: readonly Healed[],
  missedByWatch: number,
  alarms: number,
  load: Load,
): readonly BenchResult[] {
  const row = (metric: string, value: number, unit: string, peer: string, peerValue: number) =>
    result(bench_, metric, value, unit, peer, peerValue);
  const write = percentile(
    healed.map(({ writeMs }) => writeMs),
    0.5,
  );
  const beyond = healed.flatMap(({ healMs }) => (healMs === undefined ? [] : [Math.max(0, healMs - write)]));
  const late = healed.filter(({ healMs }) => healMs === undefined).length;
  return [
    row('heal_p50_ms_beyond_write', percentile(beyond, 0.5), 'ms', 'one write', write),
    row('heal_p99_ms_beyond_write', percentile(beyond, 0.99), 'ms', 'limit', 500),
    row('missed', late + missedByWatch, `of ${healed.length}`, 'limit', 0),
    row('false_alarms', alarms, `of ${load.statusUpdates}`, 'limit', 0),
  ];
}

function tellSlowest(say: (text: string) => void, healed: readonly Healed[]): void {
  for (const { name } of mutations) {
    const own = healed.filter(({ mutation }) => mutation === name);
    const times = own.flatMap(({ healMs }) => healMs ?? []);
    const late = own.length - times.length;
    say(
      `${name}: ${own.length}, p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms${late === 0 ? '' : `, ${late} not undone`}`,
    );
  }
}

async function prepare(load: Load, cluster: RealCluster): Promise<void> {
  const names = [namespace, ...Array.from({ length: load.applications }, (_none, index) => spaceOf(index))];
  for (const name of names)
    await cluster.call('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
}

async function watchAll(
  plane: ControlPlane,
): Promise<{ readonly sight: Sight; readonly client: KubeClient }> {
  const ports = { clock: systemClock, random: systemRandom, log: silentLogger };
  const client = createKubeClient({ server: plane.url, token: plane.token, ca: plane.ca }, ports);
  const resources = (await client.discover()).filter(
    ({ group, version, kind }) =>
      (kind === 'Deployment' && group === 'apps') ||
      (kind === 'Role' && group === 'rbac.authorization.k8s.io') ||
      (group === '' && version === 'v1' && (kind === 'ConfigMap' || kind === 'Service')),
  );
  return { client, sight: await look(client, resources) };
}

async function run(
  load: Load,
  plane: ControlPlane,
  say: (text: string) => void,
): Promise<readonly BenchResult[]> {
  const cluster = createRealCluster(plane);
  let bed: HubBed | undefined;
  let agent: ReleaseAgent | undefined;
  let seen: Awaited<ReturnType<typeof watchAll>> | undefined;
  try {
    await prepare(load, cluster);
    bed = await createHubBed({ files: files(load) });
    const enrolmentToken = await bed.api.enrolmentToken(clusterName(0));
    const { hostname, port } = new URL(plane.url);
    const server = { host: hostname, port: Number(port), ca: plane.ca, token: plane.token };
    agent = await startReleaseAgent({
      folder: bed.folder,
      server,
      enrolmentAddress: bed.enrolmentAddress,
      enrolmentToken,
      namespace,
    });
    await bed.settled(load.applications, 120_000);
    await untilAtRest(agent);
    seen = await watchAll(plane);
    const { sight } = seen;
    const wanted = new Map([...sight.objects].map(([path, seen]) => [path, seen.essence] as const));
    const stage = { load, cluster, sight, wanted };
    const healed = await mutateAll(stage, createSeededRandom(seed));
    tellSlowest(say, healed);
    await untilAtRest(agent);
    const missedByWatch = await eventCount(agent, 'driftMissedByWatch');
    const before = {
      found: await eventCount(agent, 'driftFound'),
      reads: await eventCount(agent, 'suspicions'),
    };
    await updateStatuses(stage);
    await untilAtRest(agent);
    const reads = (await eventCount(agent, 'suspicions')) - before.reads;
    // Services have no generation, so any new version of one has to be read.
    say(`${load.statusUpdates} status updates, half of them of Services: ${reads} objects read`);
    const alarms = (await eventCount(agent, 'driftFound')) - before.found;
    if (alarms > 0) for (const message of await lastDrifts(bed, alarms)) say(`false alarm: ${message}`);
    return report(healed, missedByWatch, alarms, load);
  } finally {
    await seen?.sight.stop();
    seen?.client.close();
    await agent?.stop();
    await bed?.close();
    cluster.close();
  }
}

export const bench: Bench = async ({ say, quick }) => {
  const whole = { applications: 10, objects: 1_000, mutations: 2_000, statusUpdates: 10_000 };
  const load = quick ? { applications: 2, objects: 200, mutations: 200, statusUpdates: 1_000 } : whole;
  const plane = await startControlPlane({ name: 'bench-drift' });
  if (!plane) throw new Error('this bench needs a real API server: Go or KUBEBUILDER_ASSETS');
  try {
    return await run(load, plane, say);
  } finally {
    await plane.stop();
  }
};

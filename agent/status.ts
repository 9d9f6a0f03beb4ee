/** `fairway agent status`: how the agent of a cluster is, from its own endpoint, or from what it keeps in its cluster. */
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock/clock.ts';
import { systemRandom } from '../shared/clock/random.ts';
import { FairwayError, toFairwayError } from '../shared/error/error.ts';
import { silentLogger } from '../shared/log/log.ts';
import { findLive } from './apply/find-live.ts';
import { loadParents, type ParentContent } from './apply/parent.ts';
import { createKubeClient } from './kube/create-kube-client.ts';
import type { KubeClient } from './kube/kube-client.ts';
import { loadKubeconfig } from './kube/kubeconfig.ts';
import { leaseName, leaseResource } from './loops/process/leader.ts';

export const statusUsage = `fairway agent status: how the agent of a cluster is

  --address URL              ask the agent's own endpoint (its --health-address, or a port-forward to it)
  --kubeconfig FILE, --context NAME
                             else: read what it keeps in the cluster
  --namespace NAME           the agent's namespace (default fairway-agent)
  -o, --output text|json     how to show it (default text)
`;

const flags = {
  address: { type: 'string' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', default: 'fairway-agent' },
  output: { type: 'string', short: 'o', default: 'text' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const limitMs = 10_000;

/** What the agent says of itself, as far as people are shown it. */
interface LiveStatus {
  readonly state: string;
  readonly cluster?: string;
  readonly leader?: boolean;
  readonly uptimeSeconds?: number;
  readonly versions?: { readonly agent: string; readonly kubernetes: string };
  readonly hub?: { readonly connected: boolean; readonly address: string; readonly lastError?: string };
  readonly unreachable?: string;
  readonly watches?: number;
  readonly observed?: number;
  readonly refused?: number;
  readonly fenced?: readonly { readonly application: string; readonly since: string }[];
  readonly applications?: readonly {
    readonly application: string;
    readonly health: string;
    readonly objects: number;
    readonly failures: number;
  }[];
  readonly process?: { readonly residentBytes: number };
}

async function askAgent(address: string): Promise<LiveStatus> {
  const url = new URL('/status', address.includes('://') ? address : `http://${address}`);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    if (!response.ok) throw new FairwayError('unavailable', `${url} answered ${response.status}`);
    return (await response.json()) as LiveStatus;
  } catch (caught) {
    if (caught instanceof FairwayError) throw caught;
    throw new FairwayError('unavailable', `${url} cannot be reached`, { cause: caught });
  }
}

function row(name: string, value: string | number): string {
  return `${`${name}:`.padEnd(14)}${value}\n`;
}

function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((cells) => String(cells[column]).length)),
  );
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => String(cell).padEnd((widths[column] ?? 0) + 2))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function describeLive(status: LiveStatus): string {
  if (status.state !== 'running')
    return row('State', status.state === 'standby' ? 'stands by: another replica leads' : status.state);
  const { hub, versions, applications = [], fenced = [] } = status;
  const link = hub?.connected
    ? `connected to ${hub.address}`
    : `not connected${hub?.lastError ? `: ${hub.lastError}` : ''}`;
  const rows = applications.map(({ application, health, objects, failures }) => [
    application,
    health,
    objects,
    failures,
  ]);
  return [
    row('Cluster', status.cluster ?? ''),
    row(
      'Agent',
      `${versions?.agent} on Kubernetes ${versions?.kubernetes}, up for ${status.uptimeSeconds} s${status.leader ? ', leads' : ''}`,
    ),
    row('Hub', link),
    row('API server', status.unreachable ?? 'answers'),
    row('Watches', `${status.watches}, ${status.observed} objects, ${status.refused} refused`),
    ...fenced.map(({ application, since }) => row('Fenced', `${application}, since ${since}`)),
    row('Memory', `${Math.round((status.process?.residentBytes ?? 0) / 1024 / 1024)} MiB`),
    applications.length === 0
      ? '\nNo applications.\n'
      : `\n${table([['APPLICATION', 'HEALTH', 'OBJECTS', 'FAILURES'], ...rows])}`,
  ].join('');
}

interface KeptStatus {
  readonly namespace: string;
  readonly leader: {
    readonly holder: string;
    readonly renewedAt: string;
    readonly transitions: number;
  } | null;
  readonly applications: readonly ParentContent[];
}

async function readKept(kube: KubeClient, namespace: string): Promise<KeptStatus> {
  const signal = AbortSignal.timeout(limitMs);
  const [lease, applications] = await Promise.all([
    findLive(kube, { resource: leaseResource, namespace, name: leaseName }, signal),
    loadParents(kube, namespace, signal),
  ]);
  const spec = lease?.['spec'] as
    | { holderIdentity?: string; renewTime?: string; leaseTransitions?: number }
    | undefined;
  const leader = spec
    ? {
        holder: spec.holderIdentity ?? '',
        renewedAt: spec.renewTime ?? '',
        transitions: spec.leaseTransitions ?? 0,
      }
    : null;
  return { namespace, leader, applications };
}

function describeKept({ namespace, leader, applications }: KeptStatus, nowMs: number): string {
  const ago = leader ? Math.round((nowMs - Date.parse(leader.renewedAt)) / 1_000) : 0;
  const held = leader?.holder
    ? `${leader.holder}, renewed ${ago} s ago, ${leader.transitions} changes`
    : 'nobody holds the Lease';
  const rows = applications.map(({ application, mark = '', groupKinds, namespaces }) => [
    application,
    mark.slice(mark.lastIndexOf('/') + 1) || '-',
    groupKinds.join(','),
    namespaces.join(',') || '-',
  ]);
  return [
    row('Namespace', namespace),
    row('Leader', leader ? held : 'no election'),
    applications.length === 0
      ? '\nNo applications.\n'
      : `\n${table([['APPLICATION', 'GENERATION', 'KINDS', 'NAMESPACES'], ...rows])}`,
  ].join('');
}

/** @param argv after `status`. Resolves to the exit code: 0, 1 failed, 2 usage. */
export async function runStatus(
  argv: readonly string[],
  write: (text: string) => void = (text) => void process.stdout.write(text),
  complain: (text: string) => void = (text) => void process.stderr.write(text),
): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (caught) {
    complain(`fairway: ${caught instanceof Error ? caught.message : String(caught)}\n\n${statusUsage}`);
    return 2;
  }
  if (values.help) {
    write(statusUsage);
    return 0;
  }
  const json = values.output === 'json';
  const show = <T>(value: T, text: (value: T) => string) =>
    write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text(value));
  try {
    if (values.address !== undefined) show(await askAgent(values.address), describeLive);
    else {
      const { connection } = await loadKubeconfig(values.kubeconfig, values.context);
      const kube = createKubeClient(connection, {
        clock: systemClock,
        random: systemRandom,
        log: silentLogger,
      });
      try {
        show(await readKept(kube, values.namespace), (kept) => describeKept(kept, systemClock.now()));
      } finally {
        kube.close();
      }
    }
    return 0;
  } catch (caught) {
    complain(`fairway: ${toFairwayError(caught).message}\n`);
    return 1;
  }
}

function parse(argv: readonly string[]) {
  const { values } = parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false });
  if (values.output !== 'text' && values.output !== 'json')
    throw new Error(`--output ${values.output}: expected text or json`);
  return values;
}

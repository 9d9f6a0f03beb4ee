/**
 * Real control planes for tests: an etcd shared by all of one process and a kube-apiserver each, ready in about two seconds and 300 MB; with
 * `controllers` also a controller manager and a scheduler, with `nodes` kwok's simulated kubelets too. Everything ends with `stop`, or with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BinaryName, ensureBinary, missing } from './binaries.ts';
import { freePort } from './free-port.ts';
import { brokenImageStages } from './pod-stages.ts';

export interface ControlPlane {
  readonly name: string;
  /** https://127.0.0.1:PORT */
  readonly url: string;
  /** Bearer token of a member of system:masters. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** Path of a kubeconfig whose context is `name`. */
  readonly kubeconfig: string;
  /** Path of kubectl. */
  readonly kubectl: string;
  /** Kills the API server and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly name: string;
  /** Controller manager and scheduler too. Default false. */
  readonly controllers?: boolean;
  /** Simulated nodes by kwok (with controllers). Default 0. */
  readonly nodes?: number;
  /** On those nodes images tagged `broken` cannot be pulled; Jobs do not end there. Default false: every pod runs. */
  readonly brokenImages?: boolean;
  /** Other users: token to `user,uid,"group"`. */
  readonly extraTokens?: Readonly<Record<string, string>>;
}

const readyTimeoutMs = 60_000;
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Polls until true. @throws after the limit, naming what was waited for. */
export async function waitFor(
  what: string,
  isTrue: () => Promise<boolean> | boolean,
  limitMs = readyTimeoutMs,
): Promise<void> {
  const until = Date.now() + limitMs;
  for (;;) {
    if (await isTrue()) return;
    if (Date.now() > until) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function start(program: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

/** GETs a path of an API server; the status code, 0 when there is no answer. */
function probe(url: string, ca: string, token: string): Promise<number> {
  return new Promise((resolve) => {
    const call = request(
      url,
      { ca, headers: { authorization: `Bearer ${token}` }, timeout: 2000 },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', () => resolve(0));
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

interface Etcd {
  readonly url: string;
  users: number;
  readonly stop: () => Promise<void>;
}

let sharedEtcd: Promise<Etcd> | undefined;

async function startEtcd(program: string): Promise<Etcd> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-etcd-'));
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const child = start(
    program,
    [
      '--data-dir',
      join(folder, 'data'),
      '--unsafe-no-fsync',
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
    ]
      .concat([
        '--listen-peer-urls',
        peerUrl,
        '--initial-advertise-peer-urls',
        peerUrl,
        '--initial-cluster',
        `default=${peerUrl}`,
      ])
      .concat(['--log-level', 'warn']),
    join(folder, 'etcd.log'),
  );
  await waitFor('etcd', async () => {
    if (child.exitCode !== null)
      throw new Error(`etcd ended: ${readFileSync(join(folder, 'etcd.log'), 'utf8').slice(-2000)}`);
    return fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    );
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, users: 0, stop };
}

async function acquireEtcd(program: string): Promise<Etcd> {
  sharedEtcd ??= startEtcd(program);
  const etcd = await sharedEtcd;
  etcd.users += 1;
  return etcd;
}

async function releaseEtcd(etcd: Etcd): Promise<void> {
  etcd.users -= 1;
  if (etcd.users > 0) return;
  sharedEtcd = undefined;
  await etcd.stop();
}

interface Layout {
  readonly folder: string;
  readonly port: number;
  readonly token: string;
}

function writeCredentials(layout: Layout, extraTokens: Readonly<Record<string, string>>): void {
  mkdirSync(join(layout.folder, 'certs'));
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(layout.folder, 'sa.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(layout.folder, 'sa.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  const extra = Object.entries(extraTokens).map(([token, user]) => `${token},${user}\n`);
  writeFileSync(
    join(layout.folder, 'tokens.csv'),
    `${layout.token},admin,admin,"system:masters"\n${extra.join('')}`,
  );
}

function apiServerArguments(layout: Layout, etcdUrl: string, name: string): string[] {
  const { folder, port } = layout;
  return [
    `--etcd-servers=${etcdUrl}`,
    `--etcd-prefix=/${name}-${port}`,
    `--cert-dir=${join(folder, 'certs')}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--allow-privileged=true',
  ];
}

function kubeconfigText(name: string, url: string, ca: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      { name, cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

async function programs(
  options: ControlPlaneOptions,
): Promise<Partial<Record<BinaryName, string>> | undefined> {
  const names: BinaryName[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (options.controllers) names.push('kube-controller-manager', 'kube-scheduler');
  if (options.nodes) names.push('kwok');
  const found: Partial<Record<BinaryName, string>> = {};
  for (const name of names) {
    const path = await ensureBinary(name);
    if (path === undefined) return missing(name);
    found[name] = path;
  }
  return found;
}

/** Undefined where no control plane can be had (neither Go nor KUBEBUILDER_ASSETS): the caller skips, saying so. Under CI=true it throws instead. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane | undefined> {
  const found = await programs(options);
  if (!found) return undefined;
  const etcd = await acquireEtcd(found.etcd ?? '');
  const folder = mkdtempSync(join(tmpdir(), `fairway-${options.name}-`));
  const layout: Layout = { folder, port: await freePort(), token: randomBytes(16).toString('hex') };
  writeCredentials(layout, options.extraTokens ?? {});
  const url = `https://127.0.0.1:${layout.port}`;
  const logFile = join(folder, 'apiserver.log');
  const readCa = () => readFileSync(join(folder, 'certs', 'apiserver.crt'), 'utf8');

  const launch = async () => {
    const child = start(
      found['kube-apiserver'] ?? '',
      apiServerArguments(layout, etcd.url, options.name),
      logFile,
    );
    await waitFor(`API server ${options.name}`, async () => {
      if (child.exitCode !== null)
        throw new Error(`kube-apiserver ended: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
      const ca = tryRead(readCa);
      return ca !== undefined && (await probe(`${url}/readyz`, ca, layout.token)) === 200;
    });
    return child;
  };

  let server = await launch();
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(options.name, url, readCa(), layout.token), { mode: 0o600 });
  const helpers: ChildProcess[] = [];
  if (options.controllers) helpers.push(...startControllers(found, folder, kubeconfig));
  if (options.nodes) helpers.push(await startNodes(found, folder, kubeconfig, options));
  return {
    name: options.name,
    url,
    token: layout.token,
    ca: readCa(),
    kubeconfig,
    kubectl: found.kubectl ?? '',
    async restart() {
      await end(server);
      server = await launch();
    },
    async stop() {
      await Promise.all([...helpers, server].map((child) => end(child)));
      await releaseEtcd(etcd);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function tryRead(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function startControllers(
  found: Partial<Record<BinaryName, string>>,
  folder: string,
  kubeconfig: string,
): ChildProcess[] {
  const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
  const manager = start(
    found['kube-controller-manager'] ?? '',
    [
      ...common,
      '--use-service-account-credentials=true',
      // kwok renews no lease of a node: after the usual 50 s its pods would count as not ready.
      '--node-monitor-grace-period=24h',
      `--service-account-private-key-file=${join(folder, 'sa.key')}`,
    ],
    join(folder, 'controller-manager.log'),
  );
  return [manager, start(found['kube-scheduler'] ?? '', common, join(folder, 'scheduler.log'))];
}

async function startNodes(
  found: Partial<Record<BinaryName, string>>,
  folder: string,
  kubeconfig: string,
  { nodes: count, brokenImages }: ControlPlaneOptions,
): Promise<ChildProcess> {
  const stages = join(folder, 'kwok.yaml');
  if (brokenImages) writeFileSync(stages, brokenImageStages);
  const child = start(
    found.kwok ?? '',
    [
      `--kubeconfig=${kubeconfig}`,
      '--manage-all-nodes=true',
      ...(brokenImages ? [`--config=${stages}`] : []),
    ],
    join(folder, 'kwok.log'),
  );
  const capacity = { cpu: '32', memory: '256Gi', pods: '110' };
  const nodes = Array.from({ length: count ?? 0 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${index}`,
      labels: { 'kubernetes.io/hostname': `node-${index}` },
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    status: { capacity, allocatable: capacity },
  }));
  await new Promise<void>((resolve, reject) => {
    const apply = spawn(found.kubectl ?? '', ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    apply.on('error', reject);
    apply.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`kubectl apply of nodes ended with ${code}`)),
    );
    apply.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: nodes }));
  });
  return child;
}

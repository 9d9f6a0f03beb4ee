/** A member cluster of the demo: where its API is, and a person's hand in it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { FairwayError } from '../../../shared/error/error.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { type Program, startProgram, waitForValue } from './processes.ts';

export interface Member {
  /** Name of the cluster in the fleet repository. */
  readonly name: string;
  readonly kubeconfig: string | undefined;
  readonly context: string;
  /** GETs an object by its path in the Kubernetes API; undefined where there is none. */
  get(path: string): Promise<JsonObject | undefined>;
  /** Merge-patches an object as a person with `kubectl edit` would. */
  edit(path: string, patch: JsonObject): Promise<void>;
  /** Removes what the demo made there; a simulated cluster goes with its process. */
  clear(): Promise<void>;
  readonly program: Program | undefined;
}

/** What the demo's applications and agent make in a cluster: all of it lies in these namespaces. */
const namespaces = ['shop', 'payments', 'fairway-agent'] as const;

const callLimitMs = 10_000;

/** The manager's name that kubectl gives itself for `kubectl edit`. */
const personManager = 'kubectl-edit';

/** Starts a simulated Kubernetes API in a process of its own. */
export async function startSimulatedMember(name: string, folder: string): Promise<Member> {
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  const logFile = join(folder, `${name}-cluster.log`);
  const program = startProgram({
    name: `cluster ${name}`,
    script: 'test/kubesim/main.ts',
    args: ['--name', name, '--kubeconfig', kubeconfig],
    logFile,
  });
  const ready = await waitForValue(`cluster ${name} to serve`, () => findReadyLine(program.tail(50)), {
    limitMs: 30_000,
    program,
  });
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${ready.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${ready.token}`, ...init.headers },
      signal: AbortSignal.timeout(callLimitMs),
    });
  return {
    name,
    kubeconfig,
    context: name,
    program,
    clear: () => Promise.resolve(),
    async get(path) {
      const response = await call(path);
      if (response.status === 404) return undefined;
      if (!response.ok) throw new FairwayError('unavailable', `${name}: GET ${path} gave ${response.status}`);
      return (await response.json()) as JsonObject;
    },
    async edit(path, patch) {
      const headers = { 'content-type': 'application/merge-patch+json' };
      const response = await call(`${path}?fieldManager=${personManager}`, {
        method: 'PATCH',
        headers,
        body: JSON.stringify(patch),
      });
      if (!response.ok)
        throw new FairwayError('unavailable', `${name}: PATCH ${path} gave ${response.status}`);
    },
  };
}

function findReadyLine(text: string): { readonly url: string; readonly token: string } | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith('{"name"')) continue;
    return JSON.parse(line) as { url: string; token: string };
  }
  return undefined;
}

/**
 * A context of the user's kubeconfig, spoken to by the user's own kubectl. @throws failed_precondition when a namespace of the demo is there already: it
 * would be taken over, and deleted at the end.
 */
export async function createContextMember(name: string, context: string): Promise<Member> {
  const kubectl = (args: readonly string[], input?: string) =>
    runKubectl(['--context', context, ...args], input);
  const found = await kubectl(['get', 'namespaces', ...namespaces, '--ignore-not-found', '-o', 'name']);
  if (found.code !== 0)
    throw new FairwayError(
      'unavailable',
      `context ${context} cannot be reached: ${found.output.trim().slice(-300)}`,
    );
  if (found.output.trim() !== '')
    throw new FairwayError(
      'failed_precondition',
      `context ${context} has ${found.output.trim().replace(/\s+/g, ', ')} already, which the demo would take over: use another cluster or delete them`,
    );
  return {
    name,
    kubeconfig: undefined,
    context,
    program: undefined,
    async clear() {
      await kubectl(['delete', 'namespace', ...namespaces, '--ignore-not-found', '--wait=false']);
    },
    async get(path) {
      const { code, output } = await kubectl(['get', '--raw', path]);
      return code === 0 ? (JSON.parse(output) as JsonObject) : undefined;
    },
    async edit(path, patch) {
      const { namespace, resource, object } = resourceOf(path);
      const args = [
        'patch',
        resource,
        object,
        '-n',
        namespace,
        '--type=merge',
        `--field-manager=${personManager}`,
        '-p',
        JSON.stringify(patch),
      ];
      const { code, output } = await kubectl(args);
      if (code !== 0)
        throw new FairwayError('unavailable', `${name}: kubectl patch failed: ${output.slice(-300)}`);
    },
  };
}

/** `/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web` in parts. */
function resourceOf(path: string): { namespace: string; resource: string; object: string } {
  const parts = path.split('/');
  const at = parts.indexOf('namespaces');
  const [namespace = '', resource = '', object = ''] = parts.slice(at + 1);
  return { namespace, resource, object };
}

function runKubectl(
  args: readonly string[],
  input?: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: callLimitMs });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (cause) =>
      reject(
        new FairwayError('failed_precondition', 'kubectl cannot be run; --contexts needs it on PATH', {
          cause,
        }),
      ),
    );
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.end(input ?? '');
  });
}

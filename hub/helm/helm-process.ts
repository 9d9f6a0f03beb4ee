/**
 * The real `helm template` as a HelmRunner. Each run has a folder of its own (mode 0700, removed afterwards) that holds chart, values and all of Helm's own
 * homes, an environment with nothing of the hub's in it, a time limit, a limit of memory, one of output, and no network: a network namespace without
 * a way out where the machine lets us have one (Linux, unprivileged user namespaces), and a proxy that is nobody everywhere.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import type { HelmOutcome, HelmRequest, HelmRunner } from '../render/helm/helm-runner.ts';
import { runBounded } from './run-bounded.ts';

export interface HelmProcessOptions {
  /** Path of the program, or its name on the PATH. Default helm. */
  readonly binary?: string | undefined;
  /** Where a name is looked for, as in the variable PATH. */
  readonly path: string;
  /** Folder for the private folders. Default: the machine's for temporary files. */
  readonly temporary?: string | undefined;
  /** Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Resident memory of the program. Default 512 MiB. */
  readonly memoryBytesMax?: number | undefined;
  /** Default 32 MiB. */
  readonly outputBytesMax?: number | undefined;
}

const errorCharactersMax = 2_000;
/** More wait. */
const runsAtOnce = 2;

export function createHelmProcess(options: HelmProcessOptions): HelmRunner {
  const limits = {
    timeoutMs: options.timeoutMs ?? 30_000,
    memoryBytesMax: options.memoryBytesMax ?? 512 * 1024 * 1024,
    outputBytesMax: options.outputBytesMax ?? 32 * 1024 * 1024,
  };
  const temporary = options.temporary ?? tmpdir();
  const versions = new Map<string, Promise<string | undefined>>();
  const turns = createTurns(runsAtOnce);
  let isolation: Promise<readonly string[]> | undefined;

  const isolated = (): Promise<readonly string[]> => {
    isolation ??= findIsolation(options.path);
    return isolation;
  };

  const runIn = async (
    folder: string,
    program: string,
    args: readonly string[],
    signal: AbortSignal | undefined,
  ) => {
    const [command = program, ...before] = [...(await isolated()), program];
    return runBounded({
      command,
      args: [...before, ...args],
      cwd: folder,
      env: environmentOf(folder),
      signal,
      ...limits,
    });
  };

  const askVersion = async (
    program: string,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> => {
    const ran = await inPrivateFolder(temporary, (folder) =>
      runIn(folder, program, ['version', '--short'], signal),
    );
    return ran.end === 'done' ? ran.output.toString('utf8').trim() : undefined;
  };

  return {
    version: async (signal) => {
      const program = await findProgram(options.binary ?? 'helm', options.path);
      if (program === undefined) return undefined;
      const { mtimeMs, size } = await stat(program);
      const key = `${program} ${mtimeMs} ${size}`;
      const known = versions.get(key);
      if (known !== undefined) return known;
      // Another program under the same name is another version; of those before nothing is kept.
      versions.clear();
      const asked = askVersion(program, signal);
      versions.set(key, asked);
      const forget = () => versions.delete(key);
      asked.then((version) => version ?? forget(), forget);
      return asked;
    },
    template: async (request, signal) => {
      const program = await findProgram(options.binary ?? 'helm', options.path);
      if (program === undefined)
        return { ok: false, reason: 'missing', message: 'the helm program is not there' };
      return turns(signal, () =>
        inPrivateFolder(temporary, async (folder) => {
          const args = await prepare(folder, request);
          const ran = await runIn(folder, program, args, signal);
          if (ran.end === 'done') return { ok: true, output: ran.output };
          return failureOf(ran, folder, request, limits);
        }),
      );
    },
  };
}

type Ran = Awaited<ReturnType<typeof runBounded>>;

function failureOf(
  ran: Ran,
  folder: string,
  request: HelmRequest,
  limits: { readonly timeoutMs: number; readonly memoryBytesMax: number; readonly outputBytesMax: number },
): HelmOutcome {
  const told = {
    timeout: `helm template took longer than ${limits.timeoutMs / 1000} s and was ended`,
    memory: `helm template took more than ${limits.memoryBytesMax} bytes of memory, or crashed`,
    output: `helm template wrote more than ${limits.outputBytesMax} bytes and was ended`,
  } as const;
  if (ran.end !== 'failed' && ran.end !== 'done')
    return { ok: false, reason: ran.end, message: told[ran.end] };
  let said = ran.errors;
  for (const [index, { name }] of request.valueFiles.entries())
    said = said.replaceAll(join(folder, 'values', `${index}.yaml`), name);
  said = said
    .replaceAll(`${folder}/`, '')
    .replace(/^Error: /, '')
    .replace(/\n\nUse --debug flag to render out invalid YAML\s*$/, '')
    .trim()
    .slice(0, errorCharactersMax);
  return { ok: false, reason: 'failed', message: `helm template: ${said || 'failed without a word'}` };
}

/** Writes chart and values; what to call helm with. */
async function prepare(folder: string, request: HelmRequest): Promise<readonly string[]> {
  const chart = join(folder, 'chart');
  const made = new Set<string>();
  for (const [path, bytes] of request.chart) {
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw new FairwayError('internal', 'a path of a chart was not checked');
    const target = join(chart, path);
    if (!made.has(dirname(target))) await mkdir(dirname(target), { recursive: true });
    made.add(dirname(target));
    await writeFile(target, bytes);
  }
  const values: string[] = [];
  await mkdir(join(folder, 'values'));
  for (const [index, { bytes }] of request.valueFiles.entries()) {
    const target = join(folder, 'values', `${index}.yaml`);
    await writeFile(target, bytes);
    values.push('--values', target);
  }
  const { releaseName, nameTemplate } = request;
  return [
    'template',
    ...(nameTemplate === undefined ? [releaseName, chart] : [chart, '--name-template', nameTemplate]),
    '--namespace',
    request.namespace,
    request.includeCrds ? '--include-crds' : '--skip-crds',
    ...(request.skipTests ? ['--skip-tests'] : []),
    ...(request.skipHooks ? ['--no-hooks'] : []),
    ...(request.kubeVersion === '' ? [] : ['--kube-version', request.kubeVersion]),
    ...request.apiVersions.flatMap((version) => ['--api-versions', version]),
    ...values,
  ];
}

/** Everything that Helm and Go would look for elsewhere. Nobody listens on the discard port. */
function environmentOf(folder: string): Readonly<Record<string, string>> {
  const nobody = 'http://127.0.0.1:9';
  return {
    HOME: folder,
    TMPDIR: folder,
    PATH: '',
    LANG: 'C',
    TZ: 'UTC',
    HELM_CACHE_HOME: join(folder, 'cache'),
    HELM_CONFIG_HOME: join(folder, 'config'),
    HELM_DATA_HOME: join(folder, 'data'),
    HELM_PLUGINS: join(folder, 'plugins'),
    KUBECONFIG: join(folder, 'no-kubeconfig'),
    HTTP_PROXY: nobody,
    HTTPS_PROXY: nobody,
    ALL_PROXY: nobody,
    GOMAXPROCS: '2',
  };
}

async function inPrivateFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  // mkdtemp makes it 0700.
  const folder = await mkdtemp(join(parent, 'fairway-helm-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findProgram(binary: string, path: string): Promise<string | undefined> {
  const candidates = isAbsolute(binary)
    ? [binary]
    : binary.includes('/')
      ? [join(process.cwd(), binary)]
      : path
          .split(delimiter)
          .filter((folder) => isAbsolute(folder))
          .map((folder) => join(folder, binary));
  for (const candidate of candidates) {
    const found = await access(candidate, constants.X_OK).then(
      () => stat(candidate),
      () => undefined,
    );
    if (found?.isFile()) return candidate;
  }
  return undefined;
}

/** `unshare` puts what it starts into a network of its own, with not even a loopback that is up. Empty where this machine forbids it. */
async function findIsolation(path: string): Promise<readonly string[]> {
  const unshare = process.platform === 'linux' ? await findProgram('unshare', path) : undefined;
  if (unshare === undefined) return [];
  const prefix = [unshare, '--user', '--map-current-user', '--net', '--'];
  const works = await new Promise<boolean>((resolve) => {
    const child = spawn(unshare, [...prefix.slice(1), '/bin/sh', '-c', ':'], {
      stdio: 'ignore',
      timeout: 5_000,
    });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
  return works ? prefix : [];
}

/** At most so many at a time, first come, first served. */
function createTurns(
  atOnce: number,
): <T>(signal: AbortSignal | undefined, work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (signal, work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

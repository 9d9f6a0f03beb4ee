import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export interface BoundedRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryBytesMax: number;
  readonly outputBytesMax: number;
  readonly signal?: AbortSignal | undefined;
}

export interface BoundedResult {
  readonly end: 'done' | 'failed' | 'timeout' | 'memory' | 'output';
  readonly output: Buffer;
  /** The beginning of what it said on standard error. */
  readonly errors: string;
}

const errorBytesMax = 64 * 1024;
const memoryCheckMs = 50;
/** A Go program reserves address space that it never uses. */
const reservedBytes = 3 * 1024 * 1024 * 1024;

/**
 * Runs a program to its end or to a limit, when it and all it started are killed. Memory is watched where there is /proc, and the address
 * space is bounded besides (ulimit -v), so that a burst between two looks does not take the machine. @throws AbortError when told to stop.
 */
export async function runBounded(run: BoundedRun): Promise<BoundedResult> {
  run.signal?.throwIfAborted();
  const addressSpaceKiB = Math.ceil((run.memoryBytesMax + reservedBytes) / 1024);
  // ulimit is the shell's own; where it knows no -v the program runs without.
  const script = 'ulimit -v "$0" 2>/dev/null; exec "$@"';
  const child = spawn('/bin/sh', ['-c', script, String(addressSpaceKiB), run.command, ...run.args], {
    cwd: run.cwd,
    env: run.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, to be killed as one.
    detached: true,
  });
  let end: BoundedResult['end'] | undefined;
  const kill = (why?: BoundedResult['end']) => {
    end ??= why;
    killGroup(child);
  };
  const onAbort = () => kill();
  run.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => kill('timeout'), run.timeoutMs);
  const watch = setInterval(() => {
    void residentBytes(child.pid).then((bytes) => {
      if (bytes > run.memoryBytesMax) kill('memory');
    });
  }, memoryCheckMs);
  const output = collect(child.stdout, run.outputBytesMax, () => kill('output'));
  const errors = collect(child.stderr, errorBytesMax, () => undefined);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    run.signal?.throwIfAborted();
    // helm says what is wrong with exit code 1; Go's runtime ends a program that it cannot give memory with another, the machine by a signal.
    const ended = code === 0 ? 'done' : code === 1 ? 'failed' : 'memory';
    return { end: end ?? ended, output: output(), errors: errors().toString('utf8') };
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    run.signal?.removeEventListener('abort', onAbort);
  }
}

function collect(stream: NodeJS.ReadableStream, bytesMax: number, onMore: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else onMore();
  });
  return () => Buffer.concat(chunks);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (caught) {
    // It has ended by itself.
    if ((caught as NodeJS.ErrnoException).code !== 'ESRCH') throw caught;
  }
}

/** 0 where it cannot be known. The page size of Linux on the machines that Node is built for is 4 KiB, or more, which errs on the side of the program. */
async function residentBytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  try {
    const pages = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1];
    return Number(pages) * 4096;
  } catch {
    // No /proc, or no process any more.
    return 0;
  }
}

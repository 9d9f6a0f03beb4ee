/** kubectl as a bench runs it: wall, processor time of all its processes, and its requests. */
import { spawn } from 'node:child_process';
import { cpuSeconds } from './process-figures.ts';
import { adopt } from './worker.ts';

export interface KubectlRun {
  readonly seconds: number;
  readonly cpu: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** /proc is read until the process is gone: what it uses in its last moments is lost, which is in kubectl's favour. */
const sampleMs = 10;

/** @param okCodes exit codes that are no failure; `diff` ends with 1 where something differs. */
export async function runKubectl(
  program: string,
  args: readonly string[],
  okCodes: readonly number[] = [0],
): Promise<KubectlRun> {
  const startedMs = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = adopt(child);
  let cpu = 0;
  const sample = setInterval(() => {
    try {
      cpu = Math.max(cpu, cpuSeconds(child.pid ?? 0));
    } catch {
      // It is gone; what was read last counts.
    }
  }, sampleMs);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString();
    });
  await exited;
  clearInterval(sample);
  if (!okCodes.includes(child.exitCode ?? -1))
    throw new Error(`kubectl ${args.join(' ')} ended with ${child.exitCode}: ${texts.stderr.slice(-1_000)}`);
  return { seconds: (performance.now() - startedMs) / 1_000, cpu, ...texts };
}

/** Requests that a run with `-v=6` has told of. */
export function countRequests(stderr: string): number {
  return stderr.split('\n').filter((line) => /"Response" verb="|\] (?:GET|PATCH|POST|PUT) https:/.test(line))
    .length;
}

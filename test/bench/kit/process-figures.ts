/** What the operating system says of a process: resident memory and processor time. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for /proc (man 5 proc, `utime`). */
const ticksPerSecond = 100;
const hasProc = existsSync('/proc/self/stat');

function ps(pid: number, field: string): string {
  return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** Resident set size in KiB. @throws when there is no such process. */
export function residentKb(pid: number): number {
  if (!hasProc) return Number(ps(pid, 'rss'));
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!match) throw new Error(`process ${pid} has no VmRSS`);
  return Number(match[1]);
}

/** The most that was resident so far, in KiB; where the system does not tell, what is resident now. @throws when there is no such process. */
export function peakResidentKb(pid: number): number {
  if (!hasProc) return residentKb(pid);
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return match ? Number(match[1]) : residentKb(pid);
}

/** Seconds of user and system time of all its threads so far. @throws when there is no such process. */
export function cpuSeconds(pid: number): number {
  if (!hasProc) return secondsOf(ps(pid, 'time'));
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name in brackets, may hold blanks; utime and stime are the 14th and 15th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** `[[dd-]hh:]mm:ss[.cc]` of ps. */
function secondsOf(text: string): number {
  const [days = 0, clock = ''] = text.includes('-')
    ? [Number(text.split('-')[0]), text.split('-')[1]]
    : [0, text];
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + days * 86_400;
}

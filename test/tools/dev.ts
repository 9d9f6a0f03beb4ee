/**
 * `npm run dev`: the whole thing (fleet repository, hub, four agents on simulated clusters) by the demo, started anew when a source file changes. With
 * arguments another command instead: `npm run dev -- hub --config my.yaml`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

const folders = ['hub', 'agent', 'shared', 'deploy/demo', 'test/kubesim'];
/** An editor saves in bursts. */
const settleMs = 200;

const args = process.argv.slice(2);
let child: ChildProcess | undefined;
let restarting = false;
let timer: NodeJS.Timeout | undefined;

function start(): void {
  child = spawn(process.execPath, ['hub/cli/main.ts', ...(args.length > 0 ? args : ['demo'])], {
    cwd: root,
    stdio: 'inherit',
  });
  child.once('exit', (code) => {
    child = undefined;
    if (restarting) {
      restarting = false;
      start();
    } else {
      console.log(`ended with ${code}; waiting for a change`);
    }
  });
}

function restart(file: string): void {
  console.log(`\n${file} changed`);
  if (!child) {
    start();
    return;
  }
  restarting = true;
  child.kill('SIGINT');
}

for (const folder of folders)
  watch(join(root, folder), { recursive: true }, (_event, name) => {
    if (!name || !/\.(ts|ya?ml|json)$/.test(name) || name.endsWith('.test.ts')) return;
    clearTimeout(timer);
    timer = setTimeout(restart, settleMs, join(folder, name));
  });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    if (!child) process.exit(0);
    child.once('exit', () => process.exit(0));
    // A terminal's Ctrl-C has reached the child already; a second one would cut its clearing short.
    if (signal === 'SIGTERM') child.kill('SIGINT');
  });
start();

#!/usr/bin/env node
// Started by whatever Node the system has (20 or later): finds the Node that Fairway pins and runs the command with it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The npm package `node` lays its program at bin/node (bin/node.exe on Windows); its install script may have been switched off. */
function findNode() {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const path = join(folder, 'bin', binary);
    if (existsSync(path)) return path;
  } catch {
    // Not installed: told below, unless this Node will do.
  }
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major >= 24) return process.execPath;
  process.stderr.write(
    `fairway: Node 24 is needed, and this is ${process.versions.node}.\n` +
      '  Run `npm ci` with install scripts allowed: the package `node` brings it.\n',
  );
  return process.exit(1);
}

/**
 * What hands on each set as it comes keeps little, so its heap stays small if it is collected often: a quarter more time for a quarter less memory.
 * test/bench/kit/render-order.ts measures with these.
 */
function smallHeap(args, node) {
  const isOneShot =
    args[0] === 'render' && args.some((arg) => arg === '--write' || arg.startsWith('--write='));
  // Another Node may know other flags, and refuses to start with one that it does not know.
  const isPinned = node !== process.execPath || process.versions.node.startsWith('24.');
  if (!isOneShot || !isPinned) return { flags: [], env: {} };
  return {
    flags: [
      '--max-semi-space-size=1',
      '--initial-old-space-size=8',
      '--heap-growing-percent=30',
      '--no-incremental-marking',
      '--no-maglev',
      '--no-concurrent-recompilation',
      '--no-concurrent-sparkplug',
    ],
    // glibc keeps an arena for each of V8's threads otherwise (man 3 mallopt).
    env: { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' },
  };
}

const args = process.argv.slice(2);
const node = findNode();
const { flags, env } = smallHeap(args, node);
const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts');
// Types are stripped and code is compiled once for all starts: a command is there in a third of the time.
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairway', 'code');
const child = spawn(node, [...flags, main, ...args], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: cache, ...env, ...process.env },
});

// A terminal sends Ctrl-C to both processes; a supervisor sends its signal to this one only.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    if (!process.stdin.isTTY || name !== 'SIGINT') child.kill(name);
  });
}
child.on('error', (error) => {
  process.stderr.write(`fairway: cannot start ${main}: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});

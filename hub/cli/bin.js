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

const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts');
// Types are stripped and code is compiled once for all starts: a command is there in a third of the time.
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairway', 'code');
const child = spawn(findNode(), [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: cache, ...process.env },
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

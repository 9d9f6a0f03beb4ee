/**
 * The agent as one executable: Node's own program with the agent inside, for machines outside a cluster that have no Node.
 * `node test/tools/bundle-executable.ts [FILE]`, default `dist/fairway-agent`. By Node's single executable applications
 * (https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html): it is for the system of the Node that builds it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { agentFlags } from './agent-settings.ts';
import { unused } from './bundle-agent.ts';
import { root } from './source-files.ts';

/** By which Node finds what was put into it, and the mark that says so: names that are part of Node. */
const resource = 'NODE_SEA_BLOB';
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** One CommonJS script, the only form that Node 24 starts from within; what runs at its top and waits becomes a function for that. */
async function bundleScript(file: string): Promise<void> {
  await build({
    absWorkingDir: root,
    stdin: {
      contents:
        "import { runAgent } from './agent/main.ts'; void runAgent(process.argv.slice(2)).then((code) => process.exit(code));",
      resolveDir: root,
      sourcefile: 'executable.ts',
    },
    outfile: file,
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    legalComments: 'none',
    external: [unused],
    // The agent's main file starts nothing when it is imported; its top-level await is no CommonJS.
    define: { 'import.meta.main': 'false' },
  });
}

const runNode = (args: readonly string[]) =>
  execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Writes the executable. @throws Error when Node or the injection refuses. */
export async function bundleExecutable(file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-executable-'));
  try {
    const config = join(folder, 'config.json');
    const blob = join(folder, 'blob');
    const main = join(folder, 'agent.cjs');
    await bundleScript(main);
    const execArgv = agentFlags;
    writeFileSync(
      config,
      JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true, execArgv }),
    );
    runNode(['--experimental-sea-config', config]);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    runNode([
      join(root, 'node_modules/postject/dist/cli.js'),
      file,
      resource,
      blob,
      '--sentinel-fuse',
      sentinelFuse,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const file = resolve(process.argv[2] ?? join(root, 'dist', 'fairway-agent'));
  await bundleExecutable(file);
  console.log(file);
}

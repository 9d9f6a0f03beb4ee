/**
 * The agent in release form: one minified ES module that the same Node runs, and beside it a chunk for what is loaded only outside a cluster (the
 * Kubernetes client, for kubeconfig files). `node test/tools/bundle-agent.ts [FOLDER]`, default `dist/agent`.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { root } from './source-files.ts';

/** CommonJS packages in the bundle ask for Node's own modules with `require`, which ES modules do not have. */
const banner =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);";

/** Bundles into that folder, which is emptied first. @returns the path of the program. */
export async function bundleAgent(folder: string): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { agent: join(root, 'agent', 'main.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    // Keeps what is imported lazily out of the program, and so out of its memory.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    legalComments: 'none',
    banner: { js: banner },
  });
  return join(folder, 'agent.mjs');
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist', 'agent'));
  console.log(await bundleAgent(folder));
}

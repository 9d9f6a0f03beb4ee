/**
 * The agent in release form: one minified ES module, beside it a chunk for what is loaded only outside a cluster (the Kubernetes client, for
 * kubeconfig files), and the launcher that gives Node its flags. `node test/tools/bundle-agent.ts [FOLDER]`, default `dist/agent`.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { root } from './source-files.ts';

/** CommonJS packages in the bundle ask for Node's own modules with `require`, which ES modules do not have. */
const banner =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);";

/**
 * Node's own modules by `require`: the moment an ES module imports `node:http`, Node reads all of its exports, and with its `WebSocket` loads the whole
 * of undici, some 10 MB that no agent needs (lib/internal/bootstrap/realm.js `getESMFacade`, lib/http.js).
 */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace: 'builtin' },
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

/** A fifth of the program, which gRPC would load to serve its own administration, or to ask servers for their load: the agent does neither. */
export const unused = '@grpc/proto-loader';

/** Bundles into that folder, which is emptied first. @returns the path of the launcher. */
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
    external: [unused],
    plugins: [builtinsByRequire],
    banner: { js: banner },
  });
  const launcher = join(folder, 'fairway-agent');
  copyFileSync(join(root, 'deploy', 'container', 'fairway-agent'), launcher);
  return launcher;
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist', 'agent'));
  console.log(await bundleAgent(folder));
}

/** Runs one simulated cluster: `node test/kubesim/main.ts --name eu-1 [--port 0] [--kubeconfig FILE] [--with-parent]`. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKubeSim, type KubeSim } from './kube-sim.ts';

/** A kubeconfig for one cluster with a token; JSON, which is YAML too. */
function kubeconfigOf(sim: Pick<KubeSim, 'name' | 'url' | 'token'>): string {
  const { name } = sim;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: sim.url } }],
    users: [{ name, user: { token: sim.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'sim' },
      port: { type: 'string', default: '0' },
      token: { type: 'string' },
      kubeconfig: { type: 'string' },
      'with-parent': { type: 'boolean', default: false },
    },
  });
  const sim = await createKubeSim({
    name: values.name,
    port: Number(values.port),
    ...(values.token ? { token: values.token } : {}),
  });
  const file =
    values.kubeconfig ?? join(mkdtempSync(join(tmpdir(), 'kubesim-')), `${values.name}.kubeconfig`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, kubeconfigOf(sim), { mode: 0o600 });
  const end = () => process.exit(0);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (values['with-parent']) {
    process.stdin.on('end', end).on('close', end).on('error', end);
    process.stdin.resume();
  }
  process.stdout.write(
    `${JSON.stringify({ name: sim.name, url: sim.url, token: sim.token, kubeconfig: file })}\n`,
  );
}

if (import.meta.main) await main();

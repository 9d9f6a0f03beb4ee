/** A bench's simulated clusters, many in one process. */
import type { KubeConnection } from '../../../agent/kube/connection.ts';
import { createKubeSim, createKubeSimFleet, type KubeSim } from '../../kubesim/kube-sim.ts';
import { clusterName } from '../kit/manifests.ts';
import type { ApiServer } from '../kit/release-agent.ts';
import { createTlsFront } from '../kit/tls-front.ts';
import { serveWorker } from '../kit/worker.ts';

export interface SimulatedCluster extends Pick<KubeConnection, 'server'> {
  readonly name: string;
  readonly token: string;
}

let sims: readonly KubeSim[] = [];

function sim(name: string): KubeSim {
  const found = sims.find((each) => each.name === name);
  if (!found) throw new Error(`no cluster is named ${name}`);
  return found;
}

serveWorker({
  async start({ count }: { readonly count: number }): Promise<readonly SimulatedCluster[]> {
    const fleet = await createKubeSimFleet({ count, nameOf: clusterName });
    sims = fleet.sims;
    return sims.map(({ name, url, token }) => ({ name, server: url, token }));
  },
  /** One cluster behind TLS, with the agent's namespace, as a pod finds its API server. */
  async startSecure({ namespace }: { readonly namespace: string }): Promise<ApiServer> {
    const name = clusterName(0);
    const one = await createKubeSim({ name });
    sims = [one];
    const made = await fetch(`${one.url}/api/v1/namespaces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${one.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    });
    if (!made.ok) throw new Error(`the namespace ${namespace} was refused: ${await made.text()}`);
    const { port, ca } = await createTlsFront(Number(new URL(one.url).port));
    return { host: '127.0.0.1', port, ca, token: one.token };
  },
  /** Requests answered by verb so far. */
  requests: ({ name }: { readonly name: string }) => sim(name).requestCounts(),
  openWatches: ({ name }: { readonly name: string }) => sim(name).openWatches(),
});

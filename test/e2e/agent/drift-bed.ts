/** An application of a namespace of its own on a bed, to be changed by other hands. */
import type { Drift } from '../../../shared/manifest/health.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import type { Bed, Desire, Manifest } from './agent-bed.ts';

export const web: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          { name: 'web', image: 'web:1', ports: [{ containerPort: 80 }, { containerPort: 81 }] },
          { name: 'side', image: 'side:1' },
        ],
      },
    },
  },
};
export const settings: Manifest = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { a: '1', b: '2' },
};

let count = 0;
export async function startDrifting(
  at: Bed,
  options: { sync?: Desire['sync']; agent?: Parameters<Bed['agent']>[0] } = {},
  manifests: readonly Manifest[] = [web, settings],
) {
  count += 1;
  const ns = `found-${count}`;
  const space: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } };
  const agent = await at.agent(options.agent);
  agent.desire(ns, [space, ...manifests], { sync: { namespace: ns, ...options.sync } });
  await agent.synced(ns);
  const events = (type: string) => agent.events.filter((event) => event.type === type);
  return {
    ...{ agent, ns, events },
    kubectl: (...args: readonly string[]) => at.kubectl('-n', ns, ...args),
    ref: async (manifest: Manifest) => ({
      resource: await at.resource(manifest.apiVersion, manifest.kind),
      namespace: ns,
      name: String(manifest.metadata['name']),
    }),
    get: async (manifest: Manifest) =>
      (await at.get(manifest.apiVersion, manifest.kind, ns, String(manifest.metadata['name'])))!,
    async healed(times = 1): Promise<Drift> {
      await waitFor('the drift to be healed', () => events('drift.healed').length >= times, 10_000);
      await agent.loops.idle();
      return events('drift.healed')[times - 1]!.drift!;
    },
  };
}
export type Drifting = Awaited<ReturnType<typeof startDrifting>>;

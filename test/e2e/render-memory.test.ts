/** A hub process that starts again over its store: what it renders then, told by its own metrics. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const names = Array.from({ length: 12 }, (_, index) => `c${index}`);
const settings = () => ({ root: { url: bed.git.url('fleet.git'), pollInterval: '1s' } });

let bed: HubBed;
beforeAll(async () => {
  bed = await createHubBed();
}, 120_000);
afterAll(() => bed.close());

const files = (): Record<string, string> => ({
  'fleet/clusters.yaml': clusterFile(...names),
  'fleet/web.yaml':
    'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n' +
    "  source: { path: web, overlays: ['overlays/{{cluster.name}}'] }\n  placement: { selector: {} }\n  rollout: { strategy: all-at-once }\n",
  'web/base/kustomization.yaml': 'resources: [map.yaml, secret.yaml]\n',
  'web/base/map.yaml': configMap('web', 'base'),
  'web/base/secret.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata: { name: key, namespace: default }\nstringData: { a: hidden }\n',
  ...Object.fromEntries(
    names.flatMap((name) => [
      [`web/overlays/${name}/kustomization.yaml`, 'resources: [../../base, own.yaml]\n'],
      [`web/overlays/${name}/own.yaml`, configMap('own', name)],
    ]),
  ),
});

/** Figures of rendering, by name. */
async function figures(): Promise<Readonly<Record<string, number>>> {
  const { api, token } = bed.addresses();
  const answer = await fetch(`${api}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const lines = (await answer.text()).matchAll(/^fairway_render_(\S+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]));
}
/** When the hub has looked at every cluster since it was started. */
const rendered = (times = 1) =>
  bed.wait('all clusters to be rendered', async () => {
    const found = await figures();
    return (found['requests_total'] ?? 0) >= times * names.length ? found : undefined;
  });
const holds = (cluster: string, text: string) =>
  bed.wait(`${cluster} to have ${text}`, async () =>
    (await bed.manifests(cluster, 'web')).includes(text) ? true : undefined,
  );

describe('a hub that is started again', () => {
  it('builds and reads nothing of what it has rendered before, and then what a commit changes', async () => {
    await bed.merge(files(), 'start');
    await bed.start(settings());
    await holds('c11', 'c11');
    expect(await rendered()).toMatchObject({ directories_built_total: names.length + 1 });
    const before = await bed.manifests('c3', 'web');
    await bed.stop();
    await bed.start(settings());
    expect(await rendered()).toMatchObject({
      ...{ directories_built_total: 0, files_read_total: 0, bytes_parsed_total: 0 },
    });
    expect(await bed.manifests('c3', 'web')).toBe(before);
    await bed.merge({ 'web/overlays/c3/own.yaml': configMap('own', 'changed') }, 'change one');
    await holds('c3', 'changed');
    // The overlay, and the base that it stands on: two files and three.
    expect(await figures()).toMatchObject({
      'revision{counter="directoriesBuilt"}': 2,
      'revision{counter="filesRead"}': 5,
    });
    expect(await bed.manifests('c4', 'web')).toContain('c4');
  }, 180_000);
});

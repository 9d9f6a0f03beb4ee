/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: cluster variables */
/** Charts and cluster variables end to end: a hub of its own with the real helm, from a commit to what each cluster shall have. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBinary } from '../cluster/binaries.ts';
import { configMap, createHubBed, type HubBed } from './hub-bed.ts';

const program = await ensureBinary('helm');
const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, region: string, size: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec:\n  region: ${region}\n  variables: { SIZE: "${size}" }\n  kubernetes: { version: 1.36.3, apiVersions: [example.com/v1] }\n`;
const fleet = `${head}kind: Application
metadata: { name: web }
spec:
  source:
    path: apps/web
    helm:
      chart: chart
      namespace: shop
      valueFiles: [values.yaml, "values-{{cluster.region}}.yaml"]
      values: { inline: "yes" }
  substitute: {}
  placement: { clusters: [eu-1, us-1] }
  rollout: { strategy: all-at-once }
---
${head}kind: Application
metadata: { name: plain }
spec:
  source: { path: apps/plain }
  substitute: { variables: { SIZE: small, OTHER: own } }
  placement: { clusters: [eu-1, us-1] }
  rollout: { strategy: all-at-once }
`;
const template = `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data:
  region: {{ .Values.region }}
  inline: {{ .Values.inline | quote }}
  namespace: {{ .Release.Namespace }}
  knows: "{{ .Capabilities.APIVersions.Has "example.com/v1" }}"
  size: \${SIZE} in \${FAIRWAY_CLUSTER_NAME}
---
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData: { password: "hunter2-{{ .Values.region }}" }
`;

let bed: HubBed;
beforeAll(async () => {
  if (program === undefined) return;
  bed = await createHubBed();
  await bed.merge(
    {
      'fleet/clusters.yaml': `${cluster('eu-1', 'eu', 'large')}---\n${cluster('us-1', 'us', 'huge')}`,
      'fleet/applications.yaml': fleet,
      'apps/web/chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
      'apps/web/chart/templates/all.yaml': template,
      'apps/web/values.yaml': 'region: none\n',
      'apps/web/values-eu.yaml': 'region: europe\n',
      'apps/plain/a.yaml': configMap('a', '${SIZE} ${OTHER}'),
    },
    'a chart',
  );
  await bed.start({ helm: { binary: program } });
}, 60_000);
afterAll(async () => {
  if (program !== undefined) await bed.close();
});

const holds = (cluster: string, application: string, text: string) =>
  bed.wait(`${application} in ${cluster} to have ${text}`, async () =>
    (await bed.manifests(cluster, application)).includes(text) ? true : undefined,
  );

interface Revisions {
  readonly items: readonly {
    readonly problems: readonly { readonly file: string; readonly message: string }[];
  }[];
}
const tells = (file: string, text: string) =>
  bed.wait(`${file} to be refused`, async () => {
    const { items } = await bed.api().get<Revisions>('/api/v1/revisions');
    return items
      .flatMap(({ problems }) => problems)
      .find((one) => one.file === file && one.message.includes(text));
  });

describe.skipIf(program === undefined)('charts and variables', () => {
  it('give each cluster its own', async () => {
    await holds('eu-1', 'web', '"size":"large in eu-1"');
    await holds('us-1', 'web', '"size":"huge in us-1"');
    const eu = await bed.manifests('eu-1', 'web');
    for (const text of ['"region":"europe"', '"inline":"yes"', '"namespace":"shop"', '"knows":"true"'])
      expect(eu).toContain(text);
    expect(await bed.manifests('us-1', 'web')).toContain('"region":"none"');
    // A cluster's own variable goes before the application's.
    await holds('us-1', 'plain', 'huge own');
    expect(eu).not.toContain('hunter2');
    expect(bed.log()).not.toContain('hunter2');
  }, 60_000);

  it('say what is wrong and leave what was, until it is mended', async () => {
    await bed.merge(
      { 'apps/web/chart/templates/more.yaml': configMap('more', '{{ randAlphaNum 5 }}') },
      'chance',
    );
    await tells(
      'apps/web/chart/templates/more.yaml',
      'ConfigMap more is another each time the chart is rendered',
    );
    expect(await bed.manifests('eu-1', 'web')).toContain('large in eu-1');
    await bed.merge({ 'apps/web/chart/templates/more.yaml': configMap('more', 'mended') }, 'mend');
    await holds('eu-1', 'web', 'mended');
    await bed.merge({ 'apps/plain/a.yaml': configMap('a', '${NOPE}') }, 'unknown');
    await tells('apps/plain/a.yaml', 'there is no variable NOPE');
    expect(await bed.manifests('us-1', 'plain')).toContain('huge own');
  }, 60_000);
});

import { describe, expect, it } from 'vitest';
import type { Application, Cluster } from '../model/fleet.ts';
import { describeProblem } from '../model/problem.ts';
import { readResource } from './read-resource.ts';
import { readYamlDocuments } from './yaml-document.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const application = (source: string, more = '') =>
  `${head}kind: Application\nmetadata: {name: web}\nspec:\n  source: ${source}\n${more}`;

function read(text: string): Application & Cluster {
  const result = readResource(readYamlDocuments(text)[0]!, 'fleet/a.yaml', 'c');
  if (!('kind' in result)) throw new Error(result.map(describeProblem).join('\n'));
  return result.value as Application & Cluster;
}

function refused(text: string): readonly string[] {
  const result = readResource(readYamlDocuments(text)[0]!, 'fleet/a.yaml', 'c');
  return 'kind' in result ? [] : result.map(describeProblem);
}

const digest = `sha256:${'a'.repeat(64)}`;

describe('readResource, of charts', () => {
  it('gives a chart in Git the names of its Application', () => {
    expect(read(application('{path: apps/web, helm: {chart: ./chart/}}')).source.helm).toEqual({
      chart: 'chart',
      pin: undefined,
      releaseName: 'web',
      namespace: 'default',
      valueFiles: [],
      values: {},
      includeCrds: true,
    });
  });

  it('takes everything that can be said of a chart of a repository', () => {
    const text = application(
      `{path: ., helm: {chart: org/web, repository: "oci://registry.example/charts", version: 1.2.3, digest: "${digest}", releaseName: w, namespace: shop, valueFiles: ["v/{{cluster.region}}.yaml"], values: {a: [1, null]}, includeCrds: false}}`,
    );
    const { source, sync } = read(text);
    expect(source.helm).toEqual({
      chart: 'org/web',
      pin: { repository: 'oci://registry.example/charts', version: '1.2.3', digest },
      releaseName: 'w',
      namespace: 'shop',
      valueFiles: ['v/{{cluster.region}}.yaml'],
      values: { a: [1, null] },
      includeCrds: false,
    });
    // What the chart leaves without a namespace goes there.
    expect(sync.namespace).toBe('shop');
  });

  it.each([
    [
      'a repository without pin',
      '{path: ., helm: {chart: web, repository: "https://charts.example"}}',
      [
        'spec.source.helm.repository: needs a version beside it',
        'needs a digest beside it: a chart from elsewhere is pinned by its content',
      ],
    ],
    [
      'a version without repository',
      '{path: ., helm: {chart: web, version: 1.2.3}}',
      ['spec.source.helm.version: counts for charts of a repository only: remove it, or name the repository'],
    ],
    [
      'a range of versions',
      `{path: ., helm: {chart: web, repository: "https://charts.example", version: "^1.2.3", digest: "${digest}"}}`,
      ['spec.source.helm.version: expected one version such as 1.2.3, no range'],
    ],
    [
      'credentials in a URL',
      `{path: ., helm: {chart: web, repository: "https://me:pw@charts.example", version: 1.2.3, digest: "${digest}"}}`,
      ['a URL may not hold a user name or password'],
    ],
    [
      'overlays beside a chart',
      '{path: ., overlays: [a], helm: {chart: web}}',
      ['spec.source.overlays: a chart has no overlays: layer its values with helm.valueFiles'],
    ],
    [
      'a value file that leaves',
      '{path: ., helm: {chart: web, valueFiles: ["../v.yaml"]}}',
      ['a path may not leave the repository'],
    ],
    [
      'an unknown variable',
      '{path: ., helm: {chart: web, valueFiles: ["{{cluster.zone}}.yaml"]}}',
      ['unknown variable {{cluster.zone}}'],
    ],
    [
      'a release name that Helm would refuse',
      `{path: ., helm: {chart: web, releaseName: ${'a'.repeat(54)}}}`,
      ['spec.source.helm.releaseName: expected a name of at most 53'],
    ],
  ])('refuses %s', (_what, source, messages) => {
    const said = refused(application(source)).join('\n');
    for (const message of messages) expect(said).toContain(message);
  });

  it('refuses two namespaces', () => {
    const text = application('{path: ., helm: {chart: web, namespace: one}}', '  sync: {namespace: two}\n');
    expect(refused(text)).toEqual([
      'fleet/a.yaml:6: spec.sync.namespace: differs from source.helm.namespace (one): keep one of them',
    ]);
  });
});

describe('readResource, of variables', () => {
  it('substitutes only where it is asked to', () => {
    expect(read(application('{path: a}')).source.substitute).toBeUndefined();
    expect(read(application('{path: a}', '  substitute: {}\n')).source.substitute).toEqual({
      optional: false,
      variables: {},
    });
  });

  it("keeps the hub's own names for the hub", () => {
    const expected = 'that does not begin with FAIRWAY_CLUSTER_, which the hub states itself';
    const text = `${head}kind: Cluster\nmetadata: {name: a}\nspec: {variables: {FAIRWAY_CLUSTER_NAME: b}}\n`;
    expect(refused(text).join('')).toContain(expected);
    const own = application('{path: a}', '  substitute: {variables: {FAIRWAY_CLUSTER_X: b}}\n');
    expect(refused(own).join('')).toContain(expected);
  });

  it('takes the API versions that charts may ask for', () => {
    const spec =
      'kubernetes: {version: v1.36.3, apiVersions: [monitoring.coreos.com/v1, v1, apps/v1/Deployment]}';
    const text = `${head}kind: Cluster\nmetadata: {name: a}\nspec: {${spec}}\n`;
    expect(read(text).kubernetesApiVersions).toEqual([
      'monitoring.coreos.com/v1',
      'v1',
      'apps/v1/Deployment',
    ]);
    expect(refused(text.replace('v1, apps', '"a,b", apps')).join('')).toContain('expected an API version');
  });
});

describe('readResource, of a service account', () => {
  it('takes the name of one, and nothing that could be of another namespace', () => {
    const account = (text: string) =>
      application('{path: apps/web}', `  sync: {namespace: red, serviceAccount: ${text}}\n`);
    expect(read(account('deployer.v1')).sync).toMatchObject({
      namespace: 'red',
      serviceAccount: 'deployer.v1',
    });
    expect(read(application('{path: apps/web}')).sync).not.toHaveProperty('serviceAccount');
    for (const text of ['blue/admin', '"system:admin"', 'Admin', '""', '[a]'])
      expect(refused(account(text))).toEqual([
        expect.stringMatching(/^fleet\/a\.yaml:6: spec\.sync\.serviceAccount: /),
      ]);
  });
});

describe('readResource, of health and exceptions', () => {
  const more = (text: string) => application('{path: apps/web}', text);

  it('takes rules and paths that are valid', () => {
    const { health, sync } = read(
      more(`  health:
    - apiVersion: example.com/v1
      kind: Database
      current: has(status.phase) && status.phase == "Up"
  sync:
    healthTimeoutSeconds: 60
    ignore:
      - jqPaths: ['.spec.template.spec.containers[] | select(.name == "web").image']
`),
    );
    expect(health).toEqual([
      {
        apiVersion: 'example.com/v1',
        kind: 'Database',
        current: 'has(status.phase) && status.phase == "Up"',
        inProgress: '',
        failed: '',
      },
    ]);
    expect(sync.healthTimeoutSeconds).toBe(60);
    expect(sync.ignore[0]?.jqPaths).toHaveLength(1);
  });

  it('tells file, line and field of an expression or path that is not, and what is wrong with it', () => {
    const rule = (text: string) =>
      more(`  health:\n    - apiVersion: v1\n      kind: X\n      failed: '${text}'\n`);
    expect(refused(rule('object.status.phase = "Bad"'))).toEqual([
      'fleet/a.yaml:9: spec.health[0].failed: line 1, column 21: = is no operator: compare with ==',
    ]);
    expect(refused(rule('objekt.status'))[0]).toContain(
      'unknown name objekt; known are data, metadata, object',
    );
    expect(refused(more('  health: [{apiVersion: v1, kind: X}]\n'))[0]).toContain(
      'expected at least one of current, inProgress, failed',
    );
    expect(refused(more('  sync:\n    ignore:\n      - jqPaths: [".spec | keys"]\n'))[0]).toMatch(
      /^fleet\/a\.yaml:8: spec\.sync\.ignore\[0\]\.jqPaths\[0\]: keys is not supported; supported are/,
    );
  });
});

/** The fleets that benches run: made from numbers, the same in each run. */

const text = (documents: readonly unknown[]) =>
  documents.map((document) => JSON.stringify(document, null, 2)).join('\n---\n');

const regions = ['eu', 'us', 'ap'] as const;

export function clusterName(index: number): string {
  return `c-${String(index + 1).padStart(4, '0')}`;
}

/** JSON is YAML. */
export function clustersFile(count: number): string {
  return text(
    Array.from({ length: count }, (_, index) => ({
      apiVersion: 'fairway.dev/v1alpha1',
      kind: 'Cluster',
      metadata: { name: clusterName(index), labels: { environment: 'production' } },
      spec: { region: regions[index % regions.length] },
    })),
  );
}

export interface ApplicationOptions {
  readonly overlays?: readonly string[];
}

/** An application in every cluster. */
export function applicationFile(name: string, path: string, { overlays }: ApplicationOptions = {}): string {
  return text([
    {
      apiVersion: 'fairway.dev/v1alpha1',
      kind: 'Application',
      metadata: { name },
      spec: {
        source: { path, ...(overlays && { overlays }) },
        placement: { selector: { matchLabels: { environment: 'production' } } },
        rollout: { strategy: 'all-at-once' },
      },
    },
  ]);
}

function configMap(index: number, value: string) {
  const name = `settings-${index}`;
  const data = { LEVEL: 'info', INDEX: String(index), VALUE: value, 'app.properties': 'a=1\nb=2\nc=3\n' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'load' }, data };
}

function deployment(index: number) {
  const name = `web-${index}`;
  const labels = { app: name };
  const container = {
    name: 'web',
    image: 'registry.example/web:1.0.0',
    ports: [{ name: 'http', containerPort: 8080 }],
    envFrom: [{ configMapRef: { name: `settings-${index}` } }],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'load', labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}

function service(index: number) {
  const name = `web-${index}`;
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'load' }, spec };
}

/** So many objects of one place (a namespace): half of them ConfigMaps, then Deployments and Services in turn. The first is ConfigMap `settings-0`. */
export function objectsOf(place: string, count: number, value: string): readonly object[] {
  const maps = Math.ceil(count / 2);
  const all = Array.from({ length: count }, (_, index) => {
    if (index < maps) return configMap(index, value);
    const rest = index - maps;
    return rest % 2 === 0 ? deployment(rest) : service(rest - 1);
  });
  return all.map((object) => ({ ...object, metadata: { ...object.metadata, namespace: place } }));
}

/** ConfigMap `settings-N` of the load. */
export function settingsFile(index: number, value: string): string {
  return text([configMap(index, value)]);
}

/** 100 ConfigMaps, 50 Deployments and 50 Services, and their namespace: files of one application at `apps/load`. */
export function loadFiles(value = 'one'): Readonly<Record<string, string>> {
  const range = (count: number) => Array.from({ length: count }, (_, index) => index);
  return {
    'apps/load/namespace.yaml': text([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'load' } }]),
    'apps/load/deployments.yaml': text(range(50).map(deployment)),
    'apps/load/services.yaml': text(range(50).map(service)),
    ...Object.fromEntries(
      range(100).map((index) => [`apps/load/settings/${index}.yaml`, settingsFile(index, value)]),
    ),
  };
}

/** Objects of the load beside its namespace. */
export const loadObjects = 200;

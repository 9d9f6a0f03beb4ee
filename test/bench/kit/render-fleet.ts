/** Files of a fleet as people write one: a base of 200 objects, and an overlay a cluster with five patches, an image and a generator. */

/** `plain`: an overlay touches a few objects; `all`: its namespace and labels touch each of them. */
export type FleetKind = 'plain' | 'all';

const baseCounts = { configMaps: 100, deployments: 50, services: 50 };
const objectCount = baseCounts.configMaps + baseCounts.deployments + baseCounts.services;
/** The generated ConfigMap is one more. */
export const overlayObjects = objectCount + 1;

const configMap = (index: number) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-${index}
  labels:
    app.kubernetes.io/part-of: shop
data:
  LOG_LEVEL: info
  REGION: none
  UPSTREAM: http://service-${index % baseCounts.services}.shop.svc:80
  LIMIT: "${100 + index}"
  config.yaml: |
    server:
      port: 8080
      timeout: 30s
    features: [search, basket, checkout-${index}]
`;

const deployment = (index: number) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-${index}
  labels:
    app: service-${index}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: service-${index}
  template:
    metadata:
      labels:
        app: service-${index}
    spec:
      containers:
        - name: main
          image: registry.example/shop/service-${index}:1.0.${index}
          args: [--listen=:8080, --verbose=false]
          env:
            - name: NAME
              value: service-${index}
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
          envFrom:
            - configMapRef:
                name: settings-${index}
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
          resources:
            requests: {cpu: 50m, memory: 64Mi}
            limits: {memory: 256Mi}
          volumeMounts:
            - name: settings
              mountPath: /etc/settings
      volumes:
        - name: settings
          configMap:
            name: settings-${index + baseCounts.deployments}
`;

const service = (index: number) => `apiVersion: v1
kind: Service
metadata:
  name: service-${index}
spec:
  selector:
    app: service-${index}
  ports:
    - name: http
      port: 80
      targetPort: http
`;

/** One file an object, as such repositories have. `changed`: one ConfigMap has another value. */
export function baseFiles(changed = false): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const add = (name: string, count: number, write: (index: number) => string) => {
    for (let index = 0; index < count; index += 1) files.set(`base/${name}-${index}.yaml`, write(index));
  };
  add('configmap', baseCounts.configMaps, configMap);
  add('deployment', baseCounts.deployments, deployment);
  add('service', baseCounts.services, service);
  const list = [...files.keys()].map((path) => `  - ${path.slice('base/'.length)}\n`).join('');
  files.set('base/kustomization.yaml', `resources:\n${list}`);
  if (changed) files.set('base/configmap-7.yaml', configMap(7).replace('REGION: none', 'REGION: some'));
  return files;
}

export const overlayName = (index: number) => `c${index}`;

function patches(index: number): readonly string[] {
  const name = overlayName(index);
  return [
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-0\ndata:\n  REGION: region-${index}\n`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-1\ndata:\n  LOG_LEVEL: debug\n  CLUSTER: ${name}\n`,
    `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: service-0\nspec:\n  replicas: ${(index % 9) + 1}\n`,
    `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: service-1\nspec:\n  template:\n    spec:\n      containers:\n` +
      `        - name: main\n          env:\n            - name: CLUSTER\n              value: ${name}\n`,
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: service-2\n  annotations:\n    example.com/cluster: ${name}\nspec:\n  type: LoadBalancer\n`,
  ];
}

/** @param touched another value in one of the patches. */
export function overlayFiles(index: number, kind: FleetKind, touched = false): ReadonlyMap<string, string> {
  const folder = `overlays/${overlayName(index)}`;
  const files = new Map<string, string>();
  for (const [at, text] of patches(index).entries())
    files.set(`${folder}/patch-${at}.yaml`, touched ? text.replace('REGION: region', 'REGION: other') : text);
  const all =
    kind === 'all'
      ? `namespace: shop-${index}\nlabels:\n  - pairs:\n      example.com/cluster: ${overlayName(index)}\n    includeTemplates: true\n`
      : '';
  files.set(
    `${folder}/kustomization.yaml`,
    `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../../base\n${all}patches:\n` +
      [0, 1, 2, 3, 4].map((at) => `  - path: patch-${at}.yaml\n`).join('') +
      `images:\n  - name: registry.example/shop/service-3\n    newTag: 2.0.${index}\n` +
      `configMapGenerator:\n  - name: cluster\n    literals:\n      - NAME=${overlayName(index)}\n      - INDEX=${index}\n`,
  );
  return files;
}

/** A fleet repository with a history, for the tests of `fairway explain`: four people, a merge, a renamed base, and every kind of thing that changes an object. */
import type { FleetRepository } from '../../../hub/cli/demo/fleet-repository.ts';

export const password = 'hunter2-correct-horse';

const cluster = (name: string, region: string) => `apiVersion: fairway.dev/v1alpha1
kind: Cluster
metadata: {name: ${name}}
spec:
  region: ${region}
  variables:
    TIER: gold
`;

const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata:
  name: web
spec:
  source:
    path: apps/web
    overlays: ['overlays/{{cluster.region}}', base]
  substitute: {}
  placement:
    clusters: [eu-1, us-1]
  rollout: {strategy: all-at-once}
`;

/** An application of a repository of its own, and one with a base there. */
const library = (url: string) => `apiVersion: fairway.dev/v1alpha1
kind: Repository
metadata: {name: library}
spec: {url: "${url}"}
---
apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: {name: library}
spec:
  source: {repository: library, ref: main, path: base}
  placement: {clusters: [us-1]}
  rollout: {strategy: all-at-once}
---
apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: {name: shared}
spec:
  source: {path: apps/shared}
  sync: {namespace: shared}
  placement: {clusters: [us-1]}
  rollout: {strategy: all-at-once}
`;

const rules = (mode: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rules\ndata:\n  mode: ${mode}\n  since: "2025"\n`;

/** Version 1 by Frances, and what came after it by Radia. */
export async function writeLibrary(repository: FleetRepository): Promise<void> {
  const author = (name: string) => ({
    message: `By ${name}`,
    author: `${name} <x@example.com>`,
    timeMs: Date.UTC(2025, 5, 1),
  });
  const kustomization = 'resources:\n  - rules.yaml\n';
  await repository.commit(
    { 'base/kustomization.yaml': kustomization, 'base/rules.yaml': rules('strict') },
    author('Frances'),
  );
  await repository.git('tag', 'v1');
  await repository.commit({ 'base/rules.yaml': rules('lax') }, author('Radia'));
  await repository.push();
  await repository.git('push', '--quiet', repository.bare, 'v1');
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  paused: false
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: side
          image: side:1
        - name: web
          image: web:1.0.0
          env:
            - name: DATABASE
              value: PLACEHOLDER
            - name: TIER
              value: \${TIER}
          envFrom:
            - configMapRef:
                name: settings
`;

const base = `namespace: shop
resources:
  - web.yaml
configMapGenerator:
  - name: settings
    literals:
      - mode=calm
secretGenerator:
  - name: login
    literals:
      - password=${password}
replacements:
  - source:
      kind: Secret
      name: login
      fieldPath: data.password
    targets:
      - select:
          kind: Deployment
        fieldPaths:
          - spec.template.spec.containers.[name=web].env.[name=DATABASE].value
`;

const overlay = `namePrefix: eu-
resources:
  - ../../base
patches:
  - path: replicas.yaml
images:
  - name: web
    newTag: 1.1.0
`;

const patch = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  paused: null
  replicas: 5
`;

/** Writes it commit by commit, each by another person, and pushes. */
export async function writeFleet(repository: FleetRepository, libraryUrl: string): Promise<void> {
  let day = 0;
  const commit = (author: string, message: string, files: Readonly<Record<string, string | null>>) => {
    day += 1;
    return repository.commit(files, {
      message,
      author: `${author} <${author.toLowerCase()}@example.com>`,
      timeMs: Date.UTC(2026, 0, day, 12),
    });
  };
  await commit('Ada', 'Begin the shop', {
    'fleet/clusters.yaml': `${cluster('eu-1', 'eu')}---\n${cluster('us-1', 'us')}`,
    'fleet/web.yaml': application,
    'fleet/library.yaml': library(libraryUrl),
    'apps/shared/kustomization.yaml': `resources:\n  - ${libraryUrl}//base?ref=v1\ncommonAnnotations:\n  team: shop\n`,
    'apps/web/base/kustomization.yaml': base.replace('web.yaml', 'deployment.yaml'),
    'apps/web/base/deployment.yaml': deployment,
  });
  await commit('Grace', 'Have an overlay for Europe', {
    'apps/web/overlays/eu/kustomization.yaml': overlay.replace('1.1.0', '1.0.1'),
    'apps/web/overlays/eu/replicas.yaml': patch.replace('5', '3').replace('  paused: null\n', ''),
  });
  await repository.git('checkout', '--quiet', '-b', 'image');
  await commit('Linus', 'Take web 1.1.0 in Europe', { 'apps/web/overlays/eu/kustomization.yaml': overlay });
  await repository.git('checkout', '--quiet', 'main');
  await commit('Margaret', 'More replicas for the sale', { 'apps/web/overlays/eu/replicas.yaml': patch });
  await repository.git(
    '-c',
    'user.name=Merge',
    '-c',
    'user.email=m@example.com',
    'merge',
    '--quiet',
    '--no-edit',
    'image',
  );
  // Renamed with a change: what stands in web.yaml was written in deployment.yaml.
  await commit('Edsger', 'Name files for what they are', {
    'apps/web/base/kustomization.yaml': base,
    'apps/web/base/deployment.yaml': null,
    'apps/web/base/web.yaml': deployment.replace('replicas: 2', 'replicas: 1'),
  });
  await repository.push();
}

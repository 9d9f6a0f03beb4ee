import type { FieldSpec } from './field-spec.ts';

/** Where kustomize looks for `$(NAME)` (api/internal/konfig/builtinpluginconsts/varreference.go, its slips included). */
const inContainers = ['containers', 'initContainers'].flatMap((list) =>
  ['args', 'command', 'env/value', 'volumeMounts/mountPath'].map((field) => `${list}/${field}`),
);

const workloads = ['DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'StatefulSet'];

export const varReferences: readonly FieldSpec[] = [
  ...[...inContainers.map((path) => `spec/${path}`), 'volumes/nfs/server'].map((path) => ({
    path: `spec/jobTemplate/spec/template/${path}`,
    kind: 'CronJob',
  })),
  ...workloads.flatMap((kind) => [
    ...inContainers.map((path) => ({ path: `spec/template/spec/${path}`, kind })),
    kind === 'StatefulSet'
      ? { path: 'spec/volumeClaimTemplates/spec/nfs/server', kind }
      : { path: 'spec/template/spec/volumes/nfs/server', kind },
  ]),
  ...[...inContainers, 'volumes/nfs/server'].map((path) => ({ path: `spec/${path}`, kind: 'Pod' })),
  { path: 'spec/template/metadata/annotations', kind: 'Deployment' },
  ...['rules/host', 'tls/hosts', 'tls/secretName'].map((path) => ({ path: `spec/${path}`, kind: 'Ingress' })),
  ...['port', 'targetPort'].map((path) => ({ path: `spec/ports/${path}`, kind: 'Service' })),
  { path: 'spec/nfs/server', kind: 'PersistentVolume' },
  { path: 'metadata/labels' },
  { path: 'metadata/annotations' },
];

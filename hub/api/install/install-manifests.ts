/**
 * What `kubectl apply -f -` needs to run an agent in a cluster: pure text of the options, so that the API, the command line and a GitOps repository
 * give the same. The agent finds the hub's CA by the pin in its token, so no certificate has to be carried over.
 */
import { stringify } from 'yaml';
import { FairwayError } from '../../../shared/error/error.ts';
import type { JsonObject } from '../../../shared/manifest/object.ts';
import { version } from '../../../shared/version.ts';
import { type CommentedManifest, planAgentRights } from './agent-rights.ts';
import type { InstallOptions } from './install-options.ts';

const name = 'fairway-agent';
const tokenSecret = 'fairway-agent-enrolment';
const tokenFolder = '/var/run/fairway/enrolment';
const healthPort = 8081;

/** The image of this version; its entry point is the agent, whose options are the container's arguments. */
export const defaultAgentImage = `ghcr.io/fairway-dev/fairway-agent:${version}`;

/** The manifests as YAML, with comments for the people who review them. @throws invalid_argument; failed_precondition without an enrolment address. */
export function createInstallManifests(options: InstallOptions): string {
  const namespace = options.namespace ?? name;
  const { enrolmentAddress } = options;
  if (enrolmentAddress === undefined)
    throw new FairwayError(
      'failed_precondition',
      'The hub does not know under which address agents enrol: configure advertise.enrolment, or give one.',
    );
  const rights = planAgentRights(
    options.rights ?? { mode: 'kinds' },
    { namespace, name },
    options.impersonate,
  );
  const manifests: readonly CommentedManifest[] = [
    {
      comment: 'The namespace of the agent, closed to privileged pods.',
      manifest: createNamespace(namespace),
    },
    { comment: '', manifest: createServiceAccount(namespace) },
    ...rights,
    {
      comment:
        'The enrolment token counts once and for a short time. The agent trades it for a certificate of its own; delete this Secret then, if you like.',
      manifest: createTokenSecret(namespace, options.token),
    },
    { comment: '', manifest: createDeployment(options, namespace, enrolmentAddress) },
  ];
  const heading = `# Fairway agent for cluster ${options.cluster}. It holds a token: apply it, do not commit it.\n`;
  return heading + manifests.map(renderManifest).join('---\n');
}

function renderManifest({ comment, manifest }: CommentedManifest): string {
  const lines = comment === '' ? '' : comment.replaceAll(/^/gm, '# ') + '\n';
  return lines + stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}

const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'fairway' };

function createNamespace(namespace: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
}

function createServiceAccount(namespace: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } };
}

function createTokenSecret(namespace: string, token: string): JsonObject {
  const metadata = { name: tokenSecret, namespace, labels };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData: { token } };
}

function createDeployment(options: InstallOptions, namespace: string, enrolmentAddress: string): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      // One works, by a Lease; the others stand by, as the new one does while the old one ends.
      replicas: options.replicas ?? 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      template: {
        metadata: { labels, annotations: { 'fairway.dev/cluster': options.cluster } },
        spec: {
          serviceAccountName: name,
          terminationGracePeriodSeconds: 30,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            fsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [createContainer(options, namespace, enrolmentAddress)],
          volumes: [
            // Optional: the pod starts again when the Secret is gone, with the certificate it has.
            { name: 'enrolment', secret: { secretName: tokenSecret, optional: true, defaultMode: 288 } },
          ],
        },
      },
    },
  };
}

function createContainer(options: InstallOptions, namespace: string, enrolmentAddress: string): JsonObject {
  const hubAddress = options.hubAddress === undefined ? [] : ['--hub-address', options.hubAddress];
  const probe = (path: string) => ({ httpGet: { path, port: 'health' } });
  return {
    name: 'agent',
    image: options.image ?? defaultAgentImage,
    args: [
      '--namespace',
      namespace,
      '--enrolment-address',
      enrolmentAddress,
      '--token-file',
      `${tokenFolder}/token`,
      ...hubAddress,
      '--leader-elect',
      '--health-address',
      `0.0.0.0:${healthPort}`,
    ],
    // Not the host's name: on a host's network several pods have the same.
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: [{ name: 'health', containerPort: healthPort }],
    startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 30 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 20, timeoutSeconds: 5 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 10, timeoutSeconds: 5 },
    resources: { requests: { cpu: '20m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'enrolment', mountPath: tokenFolder, readOnly: true }],
  };
}

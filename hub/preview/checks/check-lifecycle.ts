import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { Complaint } from './complaint.ts';
import { builtInSchema, kubernetesTable } from './object-schema.ts';

/**
 * Versions that are in no source any more of which the generated table is made, by the deprecated API migration guide
 * (https://kubernetes.io/docs/reference/using-api/deprecation-guide/).
 */
const older: typeof kubernetesTable.lifecycle = {
  'autoscaling/v2beta1/HorizontalPodAutoscaler': [22, 25, 'autoscaling/v2 HorizontalPodAutoscaler'],
  'autoscaling/v2beta2/HorizontalPodAutoscaler': [23, 26, 'autoscaling/v2 HorizontalPodAutoscaler'],
  'policy/v1beta1/PodSecurityPolicy': [21, 25, ''],
  'extensions/v1beta1/PodSecurityPolicy': [11, 16, ''],
};

/** What a cluster whose version is not stated is taken for: the newest that is known. */
export const newestMinor = Number(kubernetesTable.version.split('.')[1]);

/** An API version that the cluster's release has removed (an error) or deprecated (a warning). @param minor of the cluster. Pure. */
export function checkLifecycle(object: KubeObject, minor: number): readonly Complaint[] {
  const id = `${object.apiVersion}/${object.kind}`;
  const { lifecycle } = kubernetesTable;
  const row = Object.hasOwn(lifecycle, id) ? lifecycle[id] : Object.hasOwn(older, id) ? older[id] : undefined;
  if (!row) return [];
  const [deprecated, removed, stated] = row;
  const instead = stated || stableVersion(object);
  const use = instead === undefined ? 'there is none to use instead' : `use ${instead}`;
  const path = ['apiVersion'];
  if (removed > 0 && minor >= removed)
    return [
      {
        rule: 'removed-api',
        severity: 'error',
        path,
        message: `${object.apiVersion} ${object.kind} is not served since Kubernetes 1.${removed}: ${use}`,
      },
    ];
  if (minor < deprecated) return [];
  const until = removed > 0 ? ` and goes with 1.${removed}` : '';
  const message = `${object.apiVersion} ${object.kind} is deprecated since Kubernetes 1.${deprecated}${until}: ${use}`;
  return [{ rule: 'deprecated-api', severity: 'warning', path, message }];
}

function stableVersion({ apiVersion, kind }: KubeObject): string | undefined {
  const stable = apiVersion.replace(/\/v\w+$/, '/v1');
  return stable !== apiVersion && builtInSchema(stable, kind) ? `${stable} ${kind}` : undefined;
}

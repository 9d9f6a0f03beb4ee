import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { findScaleTargets } from './scale-targets.ts';

function scaler(apiVersion: string, kind: string, spec: JsonObject, metadata: JsonObject = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: 'one', namespace: 'shop', ...metadata }, spec };
}
const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const key = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
const replicas = [{ key, paths: ['/spec/replicas'], jqPaths: [] }];
const vertical = (spec: JsonObject) =>
  findScaleTargets(scaler('autoscaling.k8s.io/v1', 'VerticalPodAutoscaler', { targetRef: web, ...spec }));
const policies = (...containerPolicies: JsonObject[]) =>
  vertical({ resourcePolicy: { containerPolicies } })[0]?.jqPaths;
const container = '.spec.template.spec.containers[]';

describe('findScaleTargets', () => {
  it('knows what horizontal autoscalers, KEDA and node groups scale', () => {
    expect(
      findScaleTargets(scaler('autoscaling/v2', 'HorizontalPodAutoscaler', { scaleTargetRef: web })),
    ).toEqual(replicas);
    expect(
      findScaleTargets(scaler('keda.sh/v1alpha1', 'ScaledObject', { scaleTargetRef: { name: 'web' } })),
    ).toEqual(replicas);
    const sizes = { annotations: { 'cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size': '1' } };
    const group = scaler('cluster.x-k8s.io/v1beta1', 'MachineDeployment', {}, sizes);
    expect(findScaleTargets(group)).toEqual([
      {
        key: { group: 'cluster.x-k8s.io', kind: 'MachineDeployment', namespace: 'shop', name: 'one' },
        paths: ['/spec/replicas'],
        jqPaths: [],
      },
    ]);
    expect(findScaleTargets(scaler('cluster.x-k8s.io/v1beta1', 'MachineDeployment', {}))).toEqual([]);
  });

  it('knows which resources a vertical autoscaler sets, container by container', () => {
    expect(vertical({})).toEqual([
      { key, paths: [], jqPaths: [`${container}.resources.requests`, `${container}.resources.limits`] },
    ]);
    expect(vertical({ updatePolicy: { updateMode: 'Off' } })).toEqual([]);
    expect(policies({ containerName: '*', controlledValues: 'RequestsOnly' })).toEqual([
      `${container}.resources.requests`,
    ]);
    expect(policies({ containerName: 'side', mode: 'Off', controlledValues: 'RequestsOnly' })).toEqual([
      `${container} | select(.name != "side").resources.requests`,
    ]);
    expect(policies({ containerName: '*', mode: 'Off' }, { containerName: 'web' })?.[0]).toBe(
      `${container} | select(.name == "web").resources.requests`,
    );
    expect(policies({ containerName: '*', mode: 'Off' })).toBeUndefined();
  });

  it('knows nothing of other kinds, or of a target without a name', () => {
    expect(findScaleTargets(scaler('apps/v1', 'Deployment', { scaleTargetRef: web }))).toEqual([]);
    expect(findScaleTargets(scaler('autoscaling/v2', 'HorizontalPodAutoscaler', {}))).toEqual([]);
  });
});

/** The scale subresource of Deployments, with the ownership of `spec.replicas` moved between the two forms. */
import { at, listAt, numberAt, textAt } from '../kinds/access.ts';
import type { Kind, KindRules } from '../kinds/kind.ts';
import { plainRules } from '../kinds/rules.ts';
import { difference, hasPath, isEmptySet, setOf } from '../merge/field-set.ts';
import { decodeManagers, encodeManagers, type Manager, type Managers } from '../merge/managers.ts';
import { normaliseOwn } from '../schema/normalise.ts';
import { isObject, type Json, type Mutable, structType } from '../schema/types.ts';
import { type Cause, invalidValue } from '../status.ts';

const PATH = ['f:spec', 'f:replicas'];
const replicas = setOf(PATH);
const type = structType('autoscaling.Scale');

/** Scale as a kind of its own: what a write of the subresource is decoded and owned as. */
export const scaleKind: Kind = {
  group: 'apps',
  version: 'v1',
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  listKind: 'ScaleList',
  resource: 'deployments/scale',
  singular: '',
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ['get', 'patch', 'update'],
  status: false,
  scale: false,
  custom: false,
  type,
  empty: { ...normaliseOwn(type, {}), apiVersion: 'autoscaling/v1', kind: 'Scale' },
  rules: plainRules(type) as KindRules,
};

function selectorText(selector: Json | undefined): string {
  const labels = at(selector, 'matchLabels');
  const equal = Object.entries(isObject(labels) ? labels : {}).map(([key, value]) => `${key}=${value}`);
  const sets = listAt(selector, 'matchExpressions').map((one) => {
    const key = textAt(one, 'key');
    const values = listAt(one, 'values').map(String).sort().join(',');
    const texts: Readonly<Record<string, string>> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return texts[textAt(one, 'operator')] ?? '';
  });
  return [...equal, ...sets].sort().join(',');
}

/** The Scale of a deployment. `managed` adds the managers of its replicas, which only writes see. */
export function scaleOf(deployment: Mutable, managed: boolean): Mutable {
  const source = at(deployment, 'metadata') as Mutable;
  const metadata: Mutable = {};
  for (const key of ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'])
    if (source[key] !== undefined) metadata[key] = source[key];
  if (managed) {
    const entries = encodeManagers(toScale(decodeManagers(source['managedFields']) ?? new Map()));
    if (entries.length > 0) metadata['managedFields'] = entries;
  }
  const count = numberAt(deployment, 'spec', 'replicas') ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata,
    spec: count === 0 ? {} : { replicas: count },
    status: {
      replicas: numberAt(deployment, 'status', 'replicas') ?? 0,
      selector: selectorText(at(deployment, 'spec', 'selector')),
    },
  };
}

function toScale(managers: Managers): Managers {
  const out = new Map<string, Manager>();
  for (const [id, manager] of managers)
    if (hasPath(manager.fields, PATH))
      out.set(id, { ...manager, apiVersion: 'autoscaling/v1', fields: replicas });
  return out;
}

/**
 * How entries of the two forms are told to be one. The API server's identity of an updater holds its API version, which differs between
 * the forms, so that only appliers are found again; an updater's replicas move to an entry of their own (apimachinery's ScaleHandler).
 */
const pairing = (manager: Manager) => JSON.stringify([manager.name, manager.operation, manager.subresource]);

/** The deployment's managers after a write of its scale: who no longer has the replicas there loses them here. */
function toDeployment(parent: Managers, scale: Managers): Managers {
  const out = new Map<string, Manager>();
  const left = new Map([...scale.values()].map((manager) => [pairing(manager), manager]));
  for (const [id, manager] of parent) {
    const again = manager.operation === 'Apply' && left.delete(pairing(manager));
    if (!hasPath(manager.fields, PATH) || again) {
      out.set(id, manager);
      continue;
    }
    const fields = difference(manager.fields, replicas);
    if (!isEmptySet(fields)) out.set(id, { ...manager, fields });
  }
  for (const [key, manager] of left)
    if (hasPath(manager.fields, PATH))
      out.set(`scale:${key}`, { ...manager, apiVersion: 'apps/v1', time: '', fields: replicas });
  return out;
}

/** The deployment with a written scale carried over. */
export function withScale(deployment: Mutable, scale: Mutable): Mutable {
  const parent = decodeManagers(at(deployment, 'metadata', 'managedFields')) ?? new Map();
  const written = decodeManagers(at(scale, 'metadata', 'managedFields')) ?? new Map();
  const metadata = {
    ...(deployment['metadata'] as Mutable),
    managedFields: encodeManagers(toDeployment(parent, written)),
  };
  const version = textAt(scale, 'metadata', 'resourceVersion');
  return {
    ...structuredClone(deployment),
    metadata: { ...metadata, resourceVersion: version },
    spec: { ...(deployment['spec'] as Mutable), replicas: numberAt(scale, 'spec', 'replicas') ?? 0 },
  };
}

export function checkScale(scale: Mutable): Cause[] {
  const count = numberAt(scale, 'spec', 'replicas') ?? 0;
  return count < 0 ? [invalidValue('spec.replicas', count, 'must be greater than or equal to 0')] : [];
}

/** The registry strategies of the kinds served: what creation and updates set, keep and check (pkg/registry of Kubernetes). */
import { emptySet, setOf } from '../merge/field-set.ts';
import { deepEqual, isObject, type Json, type Mutable, type StructType } from '../schema/types.ts';
import { type Cause, invalidValue, notSupported, required } from '../status.ts';
import { at, listAt, metadataOf, numberAt, objectOf, setOrDelete, textAt } from './access.ts';
import { checkConfigKeys, checkFrozen } from './check-metadata.ts';
import { checkPodSpec } from './check-pod.ts';
import { checkAutoscaler, checkDeployment, checkDeploymentStatus, checkService } from './check-workloads.ts';
import { setDefaults } from './defaults.ts';
import type { KindRules } from './kind.ts';
import { labelProblem, segmentProblem, subdomainProblem } from './name-rules.ts';

const nothing = (): void => {};
const noCauses = (): readonly Cause[] => [];

/** Rules of a kind that has no special ones. */
export function plainRules(type: StructType, more: Partial<KindRules> = {}): KindRules {
  return {
    createOnUpdate: false,
    unconditionalUpdate: true,
    returnsDeleted: false,
    reset: emptySet,
    resetStatus: emptySet,
    defaults: (object) => setDefaults(type, object),
    prepareCreate: nothing,
    prepareUpdate: nothing,
    prepareStatus: nothing,
    validate: noCauses,
    validateUpdate: noCauses,
    nameProblem: subdomainProblem,
    ...more,
  };
}

const status = setOf(['f:status']);
const keep = (object: Mutable, old: Mutable, key: string) => setOrDelete(object, key, old[key]);
const generationOf = (object: Mutable) => numberAt(object, 'metadata', 'generation') ?? 0;

/** Immutable in an update: the cause when the value at that path differs. */
function frozen(object: Mutable, old: Mutable, ...path: readonly string[]): Cause[] {
  const now = at(object, ...path);
  return deepEqual(now, at(old, ...path)) ? [] : [invalidValue(path.join('.'), now, 'field is immutable')];
}

export const deploymentRules: Partial<KindRules> = {
  reset: status,
  resetStatus: setOf(['f:spec'], ['f:metadata', 'f:labels']),
  prepareCreate(object) {
    object['status'] = {};
    metadataOf(object)['generation'] = 1;
  },
  prepareUpdate(object, old) {
    keep(object, old, 'status');
    const same =
      deepEqual(object['spec'], old['spec']) &&
      deepEqual(at(object, 'metadata', 'annotations') ?? {}, at(old, 'metadata', 'annotations') ?? {});
    if (!same) metadataOf(object)['generation'] = generationOf(old) + 1;
  },
  prepareStatus(object, old) {
    keep(object, old, 'spec');
    setOrDelete(metadataOf(object), 'labels', at(old, 'metadata', 'labels'));
  },
  validate: (object) => [...checkDeployment(object), ...checkDeploymentStatus(object)],
  validateUpdate: (object, old) => frozen(object, old, 'spec', 'selector'),
};

export const autoscalerRules: Partial<KindRules> = {
  reset: status,
  resetStatus: setOf(['f:spec']),
  prepareCreate(object) {
    object['status'] = { desiredReplicas: 0, currentMetrics: null };
  },
  prepareUpdate: (object, old) => keep(object, old, 'status'),
  prepareStatus: (object, old) => keep(object, old, 'spec'),
  validate: checkAutoscaler,
};

export const namespaceRules: Partial<KindRules> = {
  returnsDeleted: true,
  reset: status,
  resetStatus: setOf(['f:spec']),
  prepareCreate(object) {
    object['status'] = { phase: 'Active' };
    const spec = objectOf(object, 'spec');
    const finalizers = listAt(spec, 'finalizers');
    if (!finalizers.includes('kubernetes')) spec['finalizers'] = [...finalizers, 'kubernetes'];
  },
  prepareUpdate(object, old) {
    keep(object, old, 'status');
    setOrDelete(objectOf(object, 'spec'), 'finalizers', at(old, 'spec', 'finalizers'));
  },
  prepareStatus: (object, old) => keep(object, old, 'spec'),
  nameProblem: labelProblem,
};

function serviceNetwork(object: Mutable, old: Mutable | undefined): void {
  const spec = objectOf(object, 'spec');
  if (textAt(spec, 'type') === 'ExternalName') return;
  for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'healthCheckNodePort'])
    if (old && spec[key] === undefined) setOrDelete(spec, key, at(old, 'spec', key));
  if (textAt(spec, 'clusterIP') && !spec['clusterIPs']) spec['clusterIPs'] = [textAt(spec, 'clusterIP')];
  spec['ipFamilies'] ??= ['IPv4'];
  spec['ipFamilyPolicy'] ??= 'SingleStack';
}

export const serviceRules: Partial<KindRules> = {
  createOnUpdate: true,
  returnsDeleted: true,
  reset: status,
  resetStatus: setOf(['f:spec']),
  prepareCreate(object) {
    object['status'] = { loadBalancer: {} };
    serviceNetwork(object, undefined);
  },
  prepareUpdate(object, old) {
    keep(object, old, 'status');
    serviceNetwork(object, old);
  },
  prepareStatus: (object, old) => keep(object, old, 'spec'),
  validate: checkService,
  validateUpdate(object, old) {
    if (textAt(object, 'spec', 'type') === 'ExternalName' || textAt(old, 'spec', 'type') === 'ExternalName')
      return [];
    const before = textAt(old, 'spec', 'clusterIP');
    return before && textAt(object, 'spec', 'clusterIP') !== before
      ? [invalidValue('spec.clusterIPs[0]', at(object, 'spec', 'clusterIPs'), 'may not change once set')]
      : [];
  },
  nameProblem: (name) =>
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63
      ? undefined
      : 'a DNS label must consist of lower case alphanumeric characters or -',
};

export const configMapRules: Partial<KindRules> = {
  validate: (object) => [...checkConfigKeys(object, 'data'), ...checkConfigKeys(object, 'binaryData')],
  validateUpdate: (object, old) => checkFrozen(object, old, 'data', 'binaryData'),
};

export const secretRules: Partial<KindRules> = {
  prepareUpdate(object, old) {
    if (!textAt(object, 'type')) keep(object, old, 'type');
  },
  validate: (object) => checkConfigKeys(object, 'data'),
  validateUpdate: (object, old) => [...frozen(object, old, 'type'), ...checkFrozen(object, old, 'data')],
};

/** stringData is written into data when a Secret is decoded, and not kept (core/v1 conversion). */
export function mergeStringData(object: Mutable): void {
  const given = object['stringData'];
  delete object['stringData'];
  if (!isObject(given)) return;
  const data = objectOf(object, 'data');
  for (const [key, value] of Object.entries(given)) data[key] = Buffer.from(String(value)).toString('base64');
}

export const podRules: Partial<KindRules> = {
  returnsDeleted: true,
  reset: status,
  resetStatus: setOf(['f:spec'], ['f:metadata', 'f:deletionTimestamp'], ['f:metadata', 'f:ownerReferences']),
  prepareCreate(object) {
    metadataOf(object)['generation'] = 1;
    object['status'] = { phase: 'Pending', qosClass: qosClass(object) };
  },
  prepareUpdate(object, old) {
    keep(object, old, 'status');
    if (!deepEqual(object['spec'], old['spec'])) metadataOf(object)['generation'] = generationOf(old) + 1;
  },
  prepareStatus: (object, old) => keep(object, old, 'spec'),
  validate: (object) => checkPodSpec(at(object, 'spec'), 'spec'),
};

function qosClass(object: Json): string {
  const resources = listAt(object, 'spec', 'containers').map((one) => at(one, 'resources'));
  if (resources.every((one) => !at(one, 'limits') && !at(one, 'requests'))) return 'BestEffort';
  const guaranteed = resources.every(
    (one) =>
      ['cpu', 'memory'].every((key) => at(one, 'limits', key) !== undefined) &&
      deepEqual(at(one, 'limits'), at(one, 'requests')),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function checkRules(object: Json): Cause[] {
  const causes: Cause[] = [];
  listAt(object, 'rules').forEach((rule, i) => {
    if (listAt(rule, 'verbs').length === 0)
      causes.push(required(`rules[${i}].verbs`, 'verbs must contain at least one value'));
    if (listAt(rule, 'nonResourceURLs').length > 0) return;
    if (listAt(rule, 'apiGroups').length === 0)
      causes.push(required(`rules[${i}].apiGroups`, 'resource rules must supply at least one api group'));
    if (listAt(rule, 'resources').length === 0)
      causes.push(required(`rules[${i}].resources`, 'resource rules must supply at least one resource'));
  });
  return causes;
}

export const roleRules: Partial<KindRules> = {
  createOnUpdate: true,
  validate: checkRules,
  nameProblem: segmentProblem,
};

const RBAC_GROUP = 'rbac.authorization.k8s.io';

function checkBinding(object: Json): Cause[] {
  const causes: Cause[] = [];
  const role = at(object, 'roleRef');
  const group = textAt(role, 'apiGroup');
  if (group !== RBAC_GROUP) causes.push(notSupported('roleRef.apiGroup', group, [RBAC_GROUP]));
  const kinds =
    object !== null && textAt(object, 'kind') === 'ClusterRoleBinding'
      ? ['ClusterRole']
      : ['ClusterRole', 'Role'];
  if (!kinds.includes(textAt(role, 'kind')))
    causes.push(notSupported('roleRef.kind', textAt(role, 'kind'), kinds));
  if (!textAt(role, 'name')) causes.push(required('roleRef.name'));
  listAt(object, 'subjects').forEach((subject, i) => {
    const path = `subjects[${i}]`;
    const kind = textAt(subject, 'kind');
    if (!textAt(subject, 'name')) causes.push(required(`${path}.name`));
    if (kind === 'ServiceAccount') {
      if (textAt(subject, 'apiGroup'))
        causes.push(notSupported(`${path}.apiGroup`, textAt(subject, 'apiGroup'), ['']));
      if (!textAt(subject, 'namespace')) causes.push(required(`${path}.namespace`));
    } else if (kind === 'User' || kind === 'Group') {
      if (textAt(subject, 'apiGroup') !== RBAC_GROUP)
        causes.push(notSupported(`${path}.apiGroup`, textAt(subject, 'apiGroup'), [RBAC_GROUP]));
    } else causes.push(notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  });
  return causes;
}

export const roleBindingRules: Partial<KindRules> = {
  createOnUpdate: true,
  validate: checkBinding,
  validateUpdate: (object, old) =>
    deepEqual(object['roleRef'], old['roleRef'])
      ? []
      : [invalidValue('roleRef', object['roleRef'], 'cannot change roleRef')],
  nameProblem: segmentProblem,
};

export const leaseRules: Partial<KindRules> = { createOnUpdate: true, unconditionalUpdate: false };

/** Custom objects: everything outside metadata (and status, where it is a subresource) counts for the generation. */
export function customRules(hasStatus: boolean): Partial<KindRules> {
  const rest = (object: Mutable) => {
    const { metadata: _metadata, ...others } = object;
    if (hasStatus) delete others['status'];
    return others;
  };
  return {
    unconditionalUpdate: false,
    reset: hasStatus ? status : emptySet,
    resetStatus: setOf(['f:metadata'], ['f:spec']),
    prepareCreate(object) {
      if (hasStatus) delete object['status'];
      metadataOf(object)['generation'] = 1;
    },
    prepareUpdate(object, old) {
      if (hasStatus) keep(object, old, 'status');
      if (!deepEqual(rest(object), rest(old))) metadataOf(object)['generation'] = generationOf(old) + 1;
    },
    prepareStatus(object, old) {
      const managed = at(object, 'metadata', 'managedFields');
      const now = object['status'];
      for (const key of Object.keys(object)) delete object[key];
      Object.assign(object, structuredClone(old));
      setOrDelete(object, 'status', now);
      setOrDelete(metadataOf(object), 'managedFields', managed);
    },
  };
}

/** The checks of the API server that users of the demo's kinds meet most: names, required fields, immutable ones. */
import { quantityNanos } from '../schema/quantity.ts';
import { deepEqual, isObject, type Json, type Mutable } from '../schema/types.ts';
import { type Cause, duplicate, forbiddenField, invalidValue, notSupported, required } from '../status.ts';
import { at, listAt, numberAt, textAt } from './access.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export function labelProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 bytes';
  return LABEL.test(name)
    ? undefined
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'";
}

export function subdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 bytes';
  return SUBDOMAIN.test(name)
    ? undefined
    : 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, - or .';
}

/** RBAC's names: any path segment. */
export function segmentProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  return /[/%]/.test(name) ? "may not contain '/' or '%'" : undefined;
}

function qualifiedProblem(name: string): string | undefined {
  const parts = name.split('/');
  const last = parts.at(-1) ?? '';
  if (parts.length > 2) return 'a qualified name has at most one slash';
  if (parts.length === 2 && subdomainProblem(parts[0] ?? '')) return 'prefix part is no DNS subdomain';
  return last.length > 0 && last.length <= 63 && QUALIFIED.test(last)
    ? undefined
    : 'name part must consist of alphanumeric characters';
}

/** Labels and what they hold; on failure one cause a label. */
function checkLabels(labels: Json | undefined, field: string): Cause[] {
  const causes: Cause[] = [];
  for (const [key, value] of Object.entries(isObject(labels) ? labels : {})) {
    const problem = qualifiedProblem(key);
    if (problem) causes.push(invalidValue(field, key, problem));
    if (typeof value === 'string' && (value.length > 63 || !LABEL_VALUE.test(value)))
      causes.push(
        invalidValue(
          field,
          value,
          'a valid label must be an empty string or consist of alphanumeric characters',
        ),
      );
  }
  return causes;
}

/** Metadata of any kind. */
export function checkMetadata(
  object: Json,
  namespaced: boolean,
  nameProblem: (name: string) => string | undefined,
): Cause[] {
  const causes: Cause[] = [];
  const metadata = at(object, 'metadata');
  const name = textAt(metadata, 'name');
  if (!name) causes.push(required('metadata.name', 'name or generateName is required'));
  else {
    const problem = nameProblem(name);
    if (problem) causes.push(invalidValue('metadata.name', name, problem));
  }
  if (namespaced && !textAt(metadata, 'namespace')) causes.push(required('metadata.namespace'));
  causes.push(...checkLabels(at(metadata, 'labels'), 'metadata.labels'));
  let bytes = 0;
  for (const [key, value] of Object.entries((at(metadata, 'annotations') ?? {}) as Mutable)) {
    const problem = qualifiedProblem(key.toLowerCase());
    if (problem) causes.push(invalidValue('metadata.annotations', key, problem));
    bytes += key.length + String(value).length;
  }
  if (bytes > ANNOTATIONS_BYTES_MAX)
    causes.push({
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 262144 bytes',
      field: 'metadata.annotations',
    });
  for (const finalizer of listAt(metadata, 'finalizers')) {
    const problem = qualifiedProblem(String(finalizer));
    if (problem) causes.push(invalidValue('metadata.finalizers', finalizer, problem));
  }
  return causes;
}

/** What no update may change. */
export function checkMetadataUpdate(object: Mutable, old: Mutable): Cause[] {
  const causes: Cause[] = [];
  for (const key of ['name', 'namespace', 'uid', 'creationTimestamp']) {
    const now = at(object, 'metadata', key);
    if (!deepEqual(now, at(old, 'metadata', key)))
      causes.push(invalidValue(`metadata.${key}`, now, 'field is immutable'));
  }
  if (at(old, 'metadata', 'deletionTimestamp') !== undefined) {
    const before = listAt(old, 'metadata', 'finalizers');
    const added = listAt(object, 'metadata', 'finalizers').filter((one) => !before.includes(one));
    if (added.length > 0)
      causes.push(
        forbiddenField(
          'metadata.finalizers',
          'no new finalizers can be added if the object is being deleted',
        ),
      );
  }
  return causes;
}

/** The keys of a ConfigMap's or Secret's data. */
export function checkConfigKeys(object: Json, ...fields: readonly string[]): Cause[] {
  const causes: Cause[] = [];
  for (const field of fields)
    for (const key of Object.keys((at(object, field) ?? {}) as Mutable))
      if (!CONFIG_KEY.test(key) || key.length > 253 || key === '.' || key === '..')
        causes.push(
          invalidValue(
            `${field}[${key}]`,
            key,
            'a valid config key must consist of alphanumeric characters, - _ or .',
          ),
        );
  return causes;
}

/** `immutable: true` freezes the data, and itself. */
export function checkFrozen(object: Mutable, old: Mutable, ...fields: readonly string[]): Cause[] {
  if (old['immutable'] !== true) return [];
  const causes: Cause[] = [];
  if (object['immutable'] !== true)
    causes.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
  for (const field of fields)
    if (!deepEqual(object[field], old[field]))
      causes.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
  return causes;
}

function checkResources(container: Json, path: string): Cause[] {
  const causes: Cause[] = [];
  const limits = at(container, 'resources', 'limits');
  for (const [key, request] of Object.entries((at(container, 'resources', 'requests') ?? {}) as Mutable)) {
    const limit = quantityNanos(textAt(limits, key));
    if (limit !== undefined && (quantityNanos(String(request)) ?? 0n) > limit)
      causes.push(
        invalidValue(`${path}.resources.requests`, request, `must be less than or equal to ${key} limit`),
      );
  }
  return causes;
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'];
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

function checkProbes(container: Json, path: string): Cause[] {
  const causes: Cause[] = [];
  for (const probe of PROBES) {
    const value = at(container, probe);
    if (!isObject(value)) continue;
    if (HANDLERS.every((handler) => value[handler] === undefined))
      causes.push(required(`${path}.${probe}`, 'must specify a handler type'));
    for (const handler of ['httpGet', 'tcpSocket']) {
      const port = at(value, handler, 'port');
      if (typeof port === 'number' && (port < 1 || port > 65535))
        causes.push(
          invalidValue(`${path}.${probe}.${handler}.port`, port, 'must be between 1 and 65535, inclusive'),
        );
    }
  }
  return causes;
}

/** In the order in which the API server looks at them: the first is allowed, each further one is forbidden. */
const VOLUME_SOURCES = [
  'emptyDir',
  'hostPath',
  'secret',
  'nfs',
  'persistentVolumeClaim',
  'configMap',
  'downwardAPI',
  'projected',
  'csi',
  'ephemeral',
  'image',
];

/** Adds the names of volumes that are in order to `usable`. */
function checkVolumes(spec: Json | undefined, field: string, usable: Set<string>): Cause[] {
  const causes: Cause[] = [];
  const names = new Set<string>();
  listAt(spec, 'volumes').forEach((volume, i) => {
    const before = causes.length;
    const path = `${field}.volumes[${i}]`;
    const sources = VOLUME_SOURCES.filter((source) => at(volume, source) !== undefined);
    for (const source of sources.slice(1))
      causes.push(forbiddenField(`${path}.${source}`, 'may not specify more than 1 volume type'));
    const name = textAt(volume, 'name');
    if (!name) causes.push(required(`${path}.name`));
    else if (labelProblem(name)) causes.push(invalidValue(`${path}.name`, name, labelProblem(name) ?? ''));
    else if (names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (
      at(volume, 'secret') !== undefined &&
      sources[0] === 'secret' &&
      !textAt(volume, 'secret', 'secretName')
    )
      causes.push(required(`${path}.secret.secretName`));
    if (sources[0] === 'configMap' && !textAt(volume, 'configMap', 'name'))
      causes.push(required(`${path}.configMap.name`));
    if (causes.length === before) usable.add(name);
  });
  return causes;
}

export function checkPodSpec(spec: Json | undefined, field: string): Cause[] {
  const volumes = new Set<string>();
  const causes: Cause[] = checkVolumes(spec, field, volumes);
  const containers = listAt(spec, 'containers');
  if (containers.length === 0) causes.push(required(`${field}.containers`));
  const names = new Set<string>();
  containers.forEach((container, i) => {
    const path = `${field}.containers[${i}]`;
    const name = textAt(container, 'name');
    if (!name) causes.push(required(`${path}.name`));
    else if (labelProblem(name)) causes.push(invalidValue(`${path}.name`, name, labelProblem(name) ?? ''));
    else if (names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (!textAt(container, 'image')) causes.push(required(`${path}.image`));
    causes.push(...checkResources(container, path), ...checkProbes(container, path));
    listAt(container, 'ports').forEach((port, j) => {
      const number = numberAt(port, 'containerPort') ?? 0;
      if (number === 0) causes.push(required(`${path}.ports[${j}].containerPort`));
      else if (number < 0 || number > 65535)
        causes.push(
          invalidValue(`${path}.ports[${j}].containerPort`, number, 'must be between 1 and 65535, inclusive'),
        );
    });
    listAt(container, 'env').forEach((variable, j) => {
      if (!textAt(variable, 'name')) causes.push(required(`${path}.env[${j}].name`));
    });
    listAt(container, 'volumeMounts').forEach((mount, j) => {
      const volume = textAt(mount, 'name');
      if (!volume) causes.push(required(`${path}.volumeMounts[${j}].name`));
      else if (!volumes.has(volume))
        causes.push({
          reason: 'FieldValueNotFound',
          message: `Not found: ${JSON.stringify(volume)}`,
          field: `${path}.volumeMounts[${j}].name`,
        });
      if (!textAt(mount, 'mountPath')) causes.push(required(`${path}.volumeMounts[${j}].mountPath`));
    });
  });
  return causes;
}

/** Whether labels satisfy a selector of an object (matchLabels and matchExpressions). */
export function selects(selector: Json | undefined, labels: Json | undefined): boolean {
  const have = (isObject(labels) ? labels : {}) as Mutable;
  const wanted = at(selector, 'matchLabels');
  for (const [key, value] of Object.entries(isObject(wanted) ? wanted : {}))
    if (have[key] !== value) return false;
  for (const one of listAt(selector, 'matchExpressions')) {
    const value = have[textAt(one, 'key')];
    const values = listAt(one, 'values');
    const holds = {
      In: value !== undefined && values.includes(value),
      NotIn: value === undefined || !values.includes(value),
      Exists: value !== undefined,
      DoesNotExist: value === undefined,
    }[textAt(one, 'operator')];
    if (!holds) return false;
  }
  return true;
}

function nonNegative(value: number | undefined, field: string): Cause[] {
  return value !== undefined && value < 0
    ? [invalidValue(field, value, 'must be greater than or equal to 0')]
    : [];
}

export function checkDeployment(object: Json): Cause[] {
  const spec = at(object, 'spec');
  const causes: Cause[] = [...nonNegative(numberAt(spec, 'replicas'), 'spec.replicas')];
  const selector = at(spec, 'selector');
  const labels = at(spec, 'template', 'metadata', 'labels');
  if (!isObject(selector)) causes.push(required('spec.selector'));
  else {
    causes.push(...checkLabels(at(selector, 'matchLabels'), 'spec.selector.matchLabels'));
    if (
      listAt(selector, 'matchExpressions').length === 0 &&
      Object.keys((at(selector, 'matchLabels') ?? {}) as Mutable).length === 0
    )
      causes.push(invalidValue('spec.selector', selector, 'empty selector is invalid for deployment'));
  }
  const empty = isObject(selector) && Object.keys(selector).length === 0;
  if (!empty && (!isObject(selector) || !selects(selector, labels)))
    causes.push(
      invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    );
  causes.push(...checkLabels(labels, 'spec.template.labels'));
  causes.push(...checkPodSpec(at(spec, 'template', 'spec'), 'spec.template.spec'));
  const policy = textAt(spec, 'template', 'spec', 'restartPolicy');
  if (policy !== 'Always') causes.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  const type = textAt(spec, 'strategy', 'type');
  if (type !== 'RollingUpdate' && type !== 'Recreate')
    causes.push(notSupported('spec.strategy.type', type, ['Recreate', 'RollingUpdate']));
  if (type === 'Recreate' && at(spec, 'strategy', 'rollingUpdate') !== undefined)
    causes.push(
      forbiddenField(
        'spec.strategy.rollingUpdate',
        "may not be specified when strategy `type` is 'Recreate'",
      ),
    );
  causes.push(...nonNegative(numberAt(spec, 'minReadySeconds'), 'spec.minReadySeconds'));
  causes.push(...nonNegative(numberAt(spec, 'revisionHistoryLimit'), 'spec.revisionHistoryLimit'));
  const deadline = numberAt(spec, 'progressDeadlineSeconds');
  causes.push(...nonNegative(deadline, 'spec.progressDeadlineSeconds'));
  if (deadline !== undefined && deadline <= (numberAt(spec, 'minReadySeconds') ?? 0))
    causes.push(
      invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'),
    );
  return causes;
}

export function checkDeploymentStatus(object: Json): Cause[] {
  const status = at(object, 'status');
  const causes: Cause[] = [];
  for (const key of [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
  ])
    causes.push(...nonNegative(numberAt(status, key), `status.${key}`));
  const total = numberAt(status, 'replicas') ?? 0;
  for (const key of ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
    if ((numberAt(status, key) ?? 0) > total)
      causes.push(
        invalidValue(`status.${key}`, numberAt(status, key), 'cannot be greater than status.replicas'),
      );
  if ((numberAt(status, 'availableReplicas') ?? 0) > (numberAt(status, 'readyReplicas') ?? 0))
    causes.push(
      invalidValue(
        'status.availableReplicas',
        numberAt(status, 'availableReplicas'),
        'cannot be greater than readyReplicas',
      ),
    );
  return causes;
}

export function checkAutoscaler(object: Json): Cause[] {
  const spec = at(object, 'spec');
  const causes: Cause[] = [];
  const min = numberAt(spec, 'minReplicas');
  const max = numberAt(spec, 'maxReplicas') ?? 0;
  if (min !== undefined && min < 1)
    causes.push(invalidValue('spec.minReplicas', min, 'must be greater than or equal to 1'));
  if (max === 0) causes.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (max < 0) causes.push(invalidValue('spec.maxReplicas', max, 'must be greater than or equal to 1'));
  if (min !== undefined && max < min)
    causes.push(invalidValue('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`'));
  for (const key of ['kind', 'name'])
    if (!textAt(spec, 'scaleTargetRef', key)) causes.push(required(`spec.scaleTargetRef.${key}`));
  const version = textAt(spec, 'scaleTargetRef', 'apiVersion');
  if (!/^[^/]+\/[^/]+$/.test(version))
    causes.push(invalidValue('spec.scaleTargetRef.apiVersion', version, 'apiVersion must specify API group'));
  for (const direction of ['scaleUp', 'scaleDown']) {
    const rules = at(spec, 'behavior', direction);
    if (isObject(rules) && listAt(rules, 'policies').length === 0)
      causes.push(required(`spec.behavior.${direction}.policies`, 'must specify at least one Policy'));
  }
  return causes;
}

export function checkService(object: Json): Cause[] {
  const causes: Cause[] = [];
  const spec = at(object, 'spec');
  const ports = listAt(spec, 'ports');
  const type = textAt(spec, 'type');
  if (ports.length === 0 && type !== 'ExternalName' && textAt(spec, 'clusterIP') !== 'None')
    causes.push(required('spec.ports'));
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
  if (!types.includes(type)) causes.push(notSupported('spec.type', type, types));
  const names = new Set<string>();
  const pairs = new Set<string>();
  ports.forEach((port, i) => {
    const path = `spec.ports[${i}]`;
    const name = textAt(port, 'name');
    if (!name && ports.length > 1) causes.push(required(`${path}.name`));
    else if (name && labelProblem(name))
      causes.push(invalidValue(`${path}.name`, name, labelProblem(name) ?? ''));
    else if (name && names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    const number = numberAt(port, 'port') ?? 0;
    if (number < 1 || number > 65535)
      causes.push(invalidValue(`${path}.port`, number, 'must be between 1 and 65535, inclusive'));
    const target = at(port, 'targetPort');
    if (typeof target === 'number' && (target < 1 || target > 65535))
      causes.push(invalidValue(`${path}.targetPort`, target, 'must be between 1 and 65535, inclusive'));
    const pair = `${textAt(port, 'protocol')}/${number}`;
    if (pairs.has(pair)) causes.push(duplicate(path, port));
    pairs.add(pair);
  });
  causes.push(...checkLabels(at(spec, 'selector'), 'spec.selector'));
  if (type !== 'LoadBalancer' && listAt(object, 'status', 'loadBalancer', 'ingress').length > 0)
    causes.push(
      forbiddenField('status.loadBalancer.ingress', 'may only be used when `spec.type` is LoadBalancer'),
    );
  return causes;
}

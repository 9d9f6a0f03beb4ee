/** What the API server checks of Deployments, autoscalers and Services: what users of the demo's kinds meet most. */
import { isObject, type Json, type Mutable } from '../schema/types.ts';
import { type Cause, duplicate, forbiddenField, invalidValue, notSupported, required } from '../status.ts';
import { at, listAt, numberAt, textAt } from './access.ts';
import { checkLabels } from './check-metadata.ts';
import { checkPodSpec } from './check-pod.ts';
import { labelProblem } from './name-rules.ts';

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

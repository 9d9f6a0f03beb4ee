/** What the API server checks of a pod, also within a template. */
import { quantityNanos } from '../schema/quantity.ts';
import { isObject, type Json, type Mutable } from '../schema/types.ts';
import { type Cause, duplicate, forbiddenField, invalidValue, required } from '../status.ts';
import { at, listAt, numberAt, textAt } from './access.ts';
import { labelProblem } from './name-rules.ts';

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

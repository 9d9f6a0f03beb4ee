/** What the API server checks of every object, and of what may not change. */
import { deepEqual, isObject, type Json, type Mutable } from '../schema/types.ts';
import { type Cause, forbiddenField, invalidValue, required } from '../status.ts';
import { at, listAt, textAt } from './access.ts';
import { LABEL_VALUE, qualifiedProblem } from './name-rules.ts';

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** Labels and what they hold; on failure one cause a label. */
export function checkLabels(labels: Json | undefined, field: string): Cause[] {
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

import type { KubeObject } from '../../../shared/manifest/object.ts';
import { type CreateKind, changeField, type FieldSpec, type SetValue, splitPath } from './field-spec.ts';
import { isSelected } from './ids.ts';

/** Changes the fields that those of the specs lead to that are for this kind. @throws PathError. */
export function applySpecs(
  object: KubeObject,
  specs: readonly FieldSpec[],
  createKind: CreateKind,
  set: SetValue,
): KubeObject {
  let result = object;
  for (const spec of specs) {
    if (!isSelected(result.apiVersion, result.kind, spec)) continue;
    const path = splitPath(spec.path);
    result = changeField(result, { path, create: spec.create === true, createKind, set });
  }
  return result;
}

import type { KubeObject } from '../../../shared/manifest/object.ts';
import { type CreateKind, changeField, type FieldSpec, type SetValue, splitPath } from './field-spec.ts';
import { isSelected } from './ids.ts';

type ByVersion = Map<string, readonly FieldSpec[]>;

const selected = new WeakMap<readonly FieldSpec[], Map<string, ByVersion>>();
/** Lists of specs that are always there must not remember every kind that anybody ever wrote. */
const kindsMax = 500;

/** Those of the specs that are for this kind. */
export function specsFor(
  specs: readonly FieldSpec[],
  apiVersion: string,
  kind: string,
): readonly FieldSpec[] {
  let byKind = selected.get(specs);
  if (byKind === undefined) {
    byKind = new Map();
    selected.set(specs, byKind);
  }
  let byVersion = byKind.get(kind);
  if (byVersion === undefined) {
    if (byKind.size >= kindsMax) byKind.clear();
    byVersion = new Map();
    byKind.set(kind, byVersion);
  }
  let list = byVersion.get(apiVersion);
  if (list === undefined) {
    if (byVersion.size >= kindsMax) byVersion.clear();
    list = specs.filter((spec) => isSelected(apiVersion, kind, spec));
    byVersion.set(apiVersion, list);
  }
  return list;
}

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

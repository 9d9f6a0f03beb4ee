import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';

const checked = new WeakSet<object>();

/** kustomize refuses objects that have an empty item in a list (api resource/factory.go dropBadNodes). @throws a Problem. */
export function refuseEmptyItems(object: KubeObject, place: Place): void {
  if (checked.has(object)) return;
  const path = findEmptyItem(object as unknown as Json, '');
  if (path !== undefined)
    throw problemError('invalid_manifest', { ...place, field: path }, 'an empty item in a list');
  checked.add(object);
}

function findEmptyItem(value: Json | undefined, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, child] of Object.entries(value)) {
    const here = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    if (Array.isArray(value) && (child === null || child === undefined)) return here;
    const found = findEmptyItem(child as Json, here);
    if (found !== undefined) return found;
  }
  return undefined;
}

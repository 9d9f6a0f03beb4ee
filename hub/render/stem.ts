import type { KubeObject } from '../../shared/manifest/object.ts';
import type { Leaves, PathTree } from './kustomize/field-leaves.ts';

/** Something worked out, and what it was worked out for. */
interface Known<F, V> {
  readonly for: F;
  readonly value: V;
}

/**
 * An object that many layers share, as a file or base has it, and what was worked out of it: asked of each overlay, it is worked out once. What a layer
 * changed for itself has no place here, since nobody else asks for it.
 */
export interface Stem {
  readonly object: KubeObject;
  /** By the finisher of that name (../finish.ts). */
  finished: Known<object, unknown> | undefined;
  /** Names at the paths of references (kustomize/references.ts). */
  references: Known<PathTree, Leaves> | undefined;
  /** Images at these fields (kustomize/images.ts). */
  images: Known<object, readonly string[] | undefined> | undefined;
  /** As it is handed on; undefined within: left out (kustomize/finalize.ts). */
  final: { readonly object: KubeObject | undefined } | undefined;
}

const stems = new WeakMap<KubeObject, Stem>();

/** The same for the same object. */
export function stemOf(object: KubeObject): Stem {
  const known = stems.get(object);
  if (known !== undefined) return known;
  const made: Stem = {
    object,
    finished: undefined,
    references: undefined,
    images: undefined,
    final: undefined,
  };
  stems.set(object, made);
  return made;
}

/** True where no layer has changed the object since it was read or handed on as a base. */
export function isStem({ object, stem }: { readonly object: KubeObject; readonly stem?: Stem }): boolean {
  return object === stem?.object;
}

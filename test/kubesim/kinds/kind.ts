/** What the simulation knows of a served kind. */
import type { FieldSet } from '../merge/field-set.ts';
import type { Json, Mutable, StructType } from '../schema/types.ts';
import type { Cause, ErrorSubject } from '../status.ts';

export interface KindRules {
  /** PUT of an object that is not there makes it. */
  readonly createOnUpdate: boolean;
  /** PUT without resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Fields that writes to the main resource, or to its status, never set or own. */
  readonly reset: FieldSet;
  readonly resetStatus: FieldSet;
  /** Fills in defaults, as decoding does. */
  readonly defaults: (object: Mutable) => void;
  /** After decoding and ownership: what creation sets or clears. */
  readonly prepareCreate: (object: Mutable) => void;
  readonly prepareUpdate: (object: Mutable, old: Mutable) => void;
  readonly prepareStatus: (object: Mutable, old: Mutable) => void;
  readonly validate: (object: Mutable) => readonly Cause[];
  readonly validateUpdate: (object: Mutable, old: Mutable) => readonly Cause[];
  /** The problem with such a name, or undefined. */
  readonly nameProblem: (name: string) => string | undefined;
}

export interface Kind extends ErrorSubject {
  readonly version: string;
  readonly apiVersion: string;
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly status: boolean;
  readonly scale: boolean;
  readonly custom: boolean;
  readonly type: StructType;
  /** An object of the kind with nothing set. */
  readonly empty: Json;
  readonly rules: KindRules;
}

/** `apps/deployments`: one word for a resource of any version. */
export function resourceKey(kind: Pick<Kind, 'group' | 'resource'>): string {
  return `${kind.group}/${kind.resource}`;
}

/**
 * Following changed names: what refers to an object by a name it had gets the name it has (kustomize api/filters/nameref and
 * internal/accumulator/namereferencetransformer.go).
 */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import { type Leaves, leavesBeside, leavesOfStem, type PathTree, pathTree } from './field-leaves.ts';
import { changeField, PathError, splitPath } from './field-spec.ts';
import type { NameReference } from './field-tables.ts';
import {
  effectiveNamespace,
  type GvkSelector,
  isSelected,
  noNamespace,
  originKind,
  originNamespace,
  withObject,
} from './ids.ts';
import { textOf } from './list-merge.ts';

interface Reference {
  readonly target: GvkSelector;
  readonly path: readonly string[];
  readonly isRoleRef: boolean;
}

/** Of one kind, in the order of the table, and their paths together. */
interface KindReferences {
  readonly list: readonly Reference[];
  readonly paths: PathTree;
}

const tables = new WeakMap<readonly NameReference[], Map<string, Map<string, KindReferences>>>();
/** The default table must not remember every kind that anybody ever wrote. */
const kindsMax = 500;

/** The references that objects of a kind may hold. */
function referencesOf(table: readonly NameReference[], apiVersion: string, kind: string): KindReferences {
  const byKind = tables.get(table) ?? new Map<string, Map<string, KindReferences>>();
  if (byKind.size === 0) tables.set(table, byKind);
  const byVersion = byKind.get(kind) ?? new Map<string, KindReferences>();
  const known = byVersion.get(apiVersion);
  if (known !== undefined) return known;
  const list = table.flatMap(({ target, referrers }) =>
    referrers
      .filter((referrer) => isSelected(apiVersion, kind, referrer))
      .map((referrer) => ({
        target,
        path: splitPath(referrer.path),
        isRoleRef: referrer.path.endsWith('roleRef/name'),
      })),
  );
  const made = { list, paths: pathTree(list.map(({ path }) => path)) };
  if (byKind.size >= kindsMax) byKind.clear();
  if (byVersion.size >= kindsMax) byVersion.clear();
  byKind.set(kind, byVersion.set(apiVersion, made));
  return made;
}

/** @throws a Problem where a name could mean several objects. */
export function fixReferences(
  resources: readonly Resource[],
  table: readonly NameReference[],
): readonly Resource[] {
  const byOldName = new Map<string, Resource[]>();
  const renamed = new Set<string>();
  for (const resource of resources)
    for (const { name } of resource.history.previous) {
      const list = byOldName.get(name);
      if (list === undefined) byOldName.set(name, [resource]);
      else if (list.at(-1) !== resource) list.push(resource);
      if (name !== resource.object.metadata.name) renamed.add(name);
    }
  if (byOldName.size === 0) return resources;
  // A name that all who had it still have stays as it is; with a namespace beside it, that may have changed.
  const mayChange = ({ texts, others, isOdd }: Leaves): boolean =>
    isOdd || !isDisjoint(texts, renamed) || !isDisjoint(others, byOldName);
  return resources.map((resource) => {
    const { object, stem } = resource;
    const { list, paths } = referencesOf(table, object.apiVersion, originKind(resource));
    const changes =
      (stem !== undefined && mayChange(leavesOfStem(stem, paths))) ||
      (stem?.object !== object && mayChange(leavesBeside(object, paths, stem?.object)));
    return changes ? new Referrer(resource, byOldName).fix(list) : resource;
  });
}

function isDisjoint(names: ReadonlySet<string>, others: { has(name: string): boolean }): boolean {
  for (const name of names) if (others.has(name)) return false;
  return true;
}

class Referrer {
  readonly #resource: Resource;
  readonly #byOldName: ReadonlyMap<string, readonly Resource[]>;
  readonly #namespace: string;
  #object: KubeObject;

  constructor(resource: Resource, byOldName: ReadonlyMap<string, readonly Resource[]>) {
    this.#resource = resource;
    this.#object = resource.object;
    this.#byOldName = byOldName;
    this.#namespace = effectiveNamespace(resource);
  }

  fix(references: readonly Reference[]): Resource {
    for (const reference of references) {
      try {
        this.#object = changeField(this.#object, {
          path: reference.path,
          create: false,
          createKind: 'none',
          set: (value) => this.#change(value, reference),
        });
      } catch (caught) {
        if (!(caught instanceof PathError)) throw caught;
        throw problemError(
          'invalid_manifest',
          { ...this.#resource.place, field: reference.path.join('.') },
          caught.message,
        );
      }
    }
    return withObject(this.#resource, this.#object);
  }

  #change(value: Json | undefined, reference: Reference): Json | undefined {
    if (value === null || value === undefined) return value;
    if (Array.isArray(value)) return value.map((item: Json) => this.#change(item, reference) as Json);
    if (typeof value === 'object') return this.#changeMap(value as JsonObject, reference);
    const text = textOf(value);
    const target = this.#select(text, this.#byOldName.get(text) ?? [], reference, false);
    return target === undefined ? value : target.object.metadata.name;
  }

  /** A map with `name` and perhaps `namespace`: both follow. */
  #changeMap(map: JsonObject, reference: Reference): Json {
    if (!Object.hasOwn(map, 'name')) throw new PathError('expected a name in the reference');
    const oldName = textOf(map['name']);
    let candidates = this.#byOldName.get(oldName) ?? [];
    if (Object.hasOwn(map, 'namespace')) {
      const namespace = textOf(map['namespace']);
      const inOriginal = candidates.filter((one) => originNamespace(one) === namespace);
      candidates =
        inOriginal.length > 0
          ? inOriginal
          : candidates.filter((one) => effectiveNamespace(one) === namespace);
    }
    const target = this.#select(oldName, candidates, reference, true);
    if (target === undefined) return map;
    const { name, namespace } = target.object.metadata;
    if (namespace === undefined || namespace === '' || namespace === null)
      return name === map['name'] ? map : { ...map, name };
    return { ...map, name, namespace };
  }

  #select(
    oldName: string,
    all: readonly Resource[],
    reference: Reference,
    withNamespace: boolean,
  ): Resource | undefined {
    if (all.length === 0) return undefined;
    let candidates = all.filter((one) => this.#mayReferTo(one) && wasSelected(one, reference.target));
    if (reference.isRoleRef) candidates = this.#filterRoleRef(candidates);
    candidates = candidates.filter((one) => this.#inSameNamespace(one));
    if (candidates.length > 1) candidates = candidates.filter((one) => this.#sameAffixes(one, true));
    if (candidates.length > 1) candidates = candidates.filter((one) => this.#sameAffixes(one, false));
    const [first] = candidates;
    if (first === undefined || candidates.length === 1) return first;
    const { name, namespace } = first.object.metadata;
    const alike = candidates.every(
      ({ object: { metadata } }) =>
        metadata.name === name && (!withNamespace || (metadata.namespace ?? '') === (namespace ?? '')),
    );
    if (alike) return first;
    throw problemError(
      'conflict',
      { ...this.#resource.place, field: reference.path.join('.') },
      `${oldName} could be any of ${candidates.map((one) => `${one.object.kind} ${one.object.metadata.name}`).join(', ')}`,
    );
  }

  #mayReferTo(target: Resource): boolean {
    if (this.#namespace === noNamespace) return true;
    const namespace = effectiveNamespace(target);
    if (namespace === noNamespace || namespace === this.#namespace) return true;
    return subjectNamespaces(this.#object).has(target.object.metadata.namespace ?? '');
  }

  #inSameNamespace(target: Resource): boolean {
    if (this.#namespace === noNamespace || target.object.kind === 'ServiceAccount') return true;
    const namespace = effectiveNamespace(target);
    return namespace === noNamespace || namespace === this.#namespace;
  }

  #filterRoleRef(candidates: readonly Resource[]): Resource[] {
    const roleRef = this.#object['roleRef'] as JsonObject | undefined;
    const [group, kind] = [roleRef?.['apiGroup'], roleRef?.['kind']];
    if (typeof group !== 'string' || typeof kind !== 'string') return [...candidates];
    const selector = { ...(group === '' ? {} : { group }), ...(kind === '' ? {} : { kind }) };
    return candidates.filter((one) => wasSelected(one, selector));
  }

  #sameAffixes(target: Resource, allowEmpty: boolean): boolean {
    const [mine, other] = [this.#resource.history, target.history];
    const same = (a: readonly string[], b: readonly string[]): boolean =>
      (allowEmpty && (a.length === 0 || b.length === 0)) || sameEnding(a, b);
    return same(mine.prefixes, other.prefixes) && same(mine.suffixes, other.suffixes);
  }
}

/** True when the shorter list is the end of the longer (kustomize internal/utils SameEndingSubSlice). */
function sameEnding(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  if (length === 0 && a.length !== b.length) return false;
  for (let back = 1; back <= length; back += 1) if (a.at(-back) !== b.at(-back)) return false;
  return true;
}

function wasSelected(resource: Resource, selector: GvkSelector): boolean {
  return resource.history.previous.some((id) => isSelected(resource.object.apiVersion, id.kind, selector));
}

function subjectNamespaces(object: KubeObject): ReadonlySet<string> {
  const result = new Set<string>();
  const subjects = object['subjects'];
  if (object.kind !== 'RoleBinding' || !Array.isArray(subjects)) return result;
  for (const subject of subjects as readonly JsonObject[]) {
    const namespace = subject?.['namespace'];
    if (typeof namespace === 'string' && subject['kind'] === 'ServiceAccount') result.add(namespace);
  }
  return result;
}

/** `vars`: `$(NAME)` in known fields becomes the value of another object's field, once at the very end (kustomize api/filters/refvar, types/var.go). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { groupOf, versionOf } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import { isCipher } from '../sops.ts';
import { FieldPathError, findField, splitFieldPath } from './field-path.ts';
import { changeField, type FieldSpec, PathError, splitPath } from './field-spec.ts';
import { goText } from './go-text.ts';
import { isSelected, namespaceOfId, orDefault, withObject } from './ids.ts';
import { textOf } from './list-merge.ts';
import { spreadShared } from './shared-entries.ts';

export interface VarArgs {
  readonly name?: string;
  readonly objref?: {
    readonly apiVersion?: string;
    readonly group?: string;
    readonly version?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
  };
  readonly fieldref?: { readonly fieldPath?: string };
}

/** By name: the field to read, and where the var was written. */
export type VarSet = ReadonlyMap<string, { readonly fieldPath: string; readonly place: Place }>;

export const noVars: VarSet = new Map();

/** @throws a Problem for a name that is there twice. */
export function mergeVars(first: VarSet, second: VarSet): VarSet {
  if (first.size === 0) return second;
  for (const [name, { place }] of second)
    if (first.has(name)) throw problemError('conflict', place, `the var ${name} is there already`);
  return second.size === 0 ? first : new Map([...first, ...second]);
}

/** Adds a layer's vars and marks the objects that they name. @throws a Problem. */
export function addVars(
  resources: readonly Resource[],
  known: VarSet,
  vars: readonly VarArgs[],
  placeOf: (index: number) => Place,
): { readonly resources: readonly Resource[]; readonly vars: VarSet } {
  let list = resources;
  let all = known;
  for (const [index, args] of vars.entries()) {
    const name = args.name ?? '';
    const place = placeOf(index);
    const matches = list.filter((resource) => isObject(resource, args.objref ?? {}));
    const [target] = matches;
    if (matches.length > 1)
      throw problemError('conflict', place, `the var ${name} could mean any of ${matches.length} objects`);
    if (target !== undefined)
      list = list.map((one) =>
        one === target ? { ...one, history: { ...one.history, vars: [...one.history.vars, name] } } : one,
      );
    const fieldPath = args.fieldref?.fieldPath || 'metadata.name';
    all = mergeVars(all, new Map([[name, { fieldPath, place }]]));
  }
  return { resources: list, vars: all };
}

function isObject(resource: Resource, ref: NonNullable<VarArgs['objref']>): boolean {
  const { object, history } = resource;
  const parts = (ref.apiVersion ?? '').split('/');
  const [group, version] =
    parts.length === 2 ? parts : [ref.group ?? '', (parts.length === 1 && parts[0]) || (ref.version ?? '')];
  if (groupOf(object.apiVersion) !== group || versionOf(object.apiVersion) !== version) return false;
  const { name, namespace } = object.metadata;
  return [...history.previous, { kind: object.kind, name, namespace }].some(
    (id) =>
      id.kind === (ref.kind ?? '') &&
      id.name === (ref.name ?? '') &&
      (!ref.namespace || orDefault(ref.namespace) === namespaceOfId(resource, id)),
  );
}

type Value = string | number | boolean;
/** Undefined: a value that cannot be put into a text, so the reference stays. */
type Values = ReadonlyMap<string, Value | undefined>;

/** @throws a Problem. */
export function resolveVars(
  resources: readonly Resource[],
  vars: VarSet,
  specs: readonly FieldSpec[],
): readonly Resource[] {
  if (vars.size === 0) return resources;
  const values: Values = new Map(
    [...vars].map(([name, { fieldPath, place }]) => [name, readValue(resources, name, fieldPath, place)]),
  );
  return resources.map((resource) => {
    const { object } = resource;
    let next: KubeObject = object;
    try {
      for (const spec of specs)
        if (isSelected(object.apiVersion, object.kind, spec))
          next = changeField(next, {
            path: splitPath(spec.path),
            create: false,
            createKind: 'none',
            set: (value) => replaceIn(value, values),
          });
    } catch (caught) {
      if (!(caught instanceof PathError)) throw caught;
      throw problemError('invalid_manifest', resource.place, `vars cannot be replaced: ${caught.message}`);
    }
    return withObject(
      resource,
      next === object ? object : spreadShared(object, next, resource.history.shared),
    );
  });
}

/** A var's field path; it may end in an index: `spec.ports[0]`. */
export function varParts(fieldPath: string): readonly string[] {
  return splitFieldPath(fieldPath).flatMap((part) => {
    const [, before = '', index] = /^(.*)\[(\d+)\]$/.exec(part) ?? [];
    return index === undefined ? [part] : before === '' ? [index] : [before, index];
  });
}

function readValue(
  resources: readonly Resource[],
  name: string,
  fieldPath: string,
  place: Place,
): Value | undefined {
  const source = resources.find(({ history }) => history.vars.includes(name));
  if (source === undefined)
    throw problemError('not_found', place, `the var ${name} names an object that is not there`);
  const parts = varParts(fieldPath);
  let found: ReturnType<typeof findField>;
  try {
    found = findField(source.object as unknown as Json, parts);
  } catch (caught) {
    if (!(caught instanceof FieldPathError)) throw caught;
    throw problemError('invalid_manifest', place, `the var ${name} cannot be read: ${caught.message}`);
  }
  if (found === undefined)
    throw problemError('not_found', place, `the var ${name} names a field that is not there: ${fieldPath}`);
  const { value } = found;
  if (isCipher(value))
    throw problemError(
      'unsupported',
      place,
      `the var ${name} names a value that SOPS has encrypted (${fieldPath} of ${source.object.kind} ${source.object.metadata.name}): it is opened in the cluster only, and nowhere else`,
    );
  if (value === null || value === undefined) return textOf(value);
  return typeof value === 'object' ? undefined : value;
}

function replaceIn(value: Json | undefined, values: Values): Json | undefined {
  if (typeof value === 'string') return expandVars(value, values);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (!value.every((item) => typeof item === 'string')) throw new PathError('expected a list of texts');
    const items = value.map((item) => expandVars(item, values));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  let changed: Record<string, Json | undefined> | undefined;
  for (const [key, member] of Object.entries(value as JsonObject)) {
    const next = typeof member === 'string' ? expandVars(member, values) : member;
    if (next === member) continue;
    changed ??= { ...(value as JsonObject) };
    changed[key] = next;
  }
  return changed ?? value;
}

/** Replaces `$(NAME)`; a text that is nothing else takes the value's type. `$$` stands for `$`. */
function expandVars(text: string, values: Values): Value {
  if (!text.includes('$')) return text;
  const whole = /^\$\(([^)]*)\)$/.exec(text)?.[1];
  if (whole !== undefined) return values.get(whole) ?? text;
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (found, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = values.get(name);
    return value === undefined ? found : goText(value);
  });
}

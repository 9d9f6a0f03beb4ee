/** RFC 6902 as kustomize applies it (evanphx/json-patch v4): negative indices count from the end; replacing a member that is not there adds it. */

import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';

export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string | undefined;
  readonly value?: Json | undefined;
}

/** The operation cannot be applied. */
export class JsonPatchError extends Error {}

/** @throws JsonPatchError. */
export function applyJsonPatch(object: Json, operations: readonly JsonPatchOperation[]): Json {
  return operations.reduce(applyOne, object);
}

function applyOne(document: Json, operation: JsonPatchOperation): Json {
  const { op, path } = operation;
  const fail = (why: string): JsonPatchError => new JsonPatchError(`${op} ${path}: ${why}`);
  const value = operation.value ?? null;
  switch (op) {
    case 'add':
      return update(document, path, fail, (parent, key) => add(parent, key, value, fail));
    case 'remove':
      return update(document, path, fail, (parent, key) => remove(parent, key, fail));
    case 'replace':
      if (path === '') {
        if (typeof value !== 'object' || value === null) throw fail('expected a mapping or list');
        return value;
      }
      return update(document, path, fail, (parent, key) => replace(parent, key, value, fail));
    case 'move': {
      const moved = lookUp(document, operation.from ?? '', fail);
      const without = update(document, operation.from ?? '', fail, (parent, key) =>
        remove(parent, key, fail),
      );
      return update(without, path, fail, (parent, key) => add(parent, key, moved, fail));
    }
    case 'copy': {
      const copied = lookUp(document, operation.from ?? '', fail);
      return update(document, path, fail, (parent, key) => add(parent, key, copied, fail));
    }
    case 'test': {
      const found = path === '' ? document : lookUp(document, path, fail);
      if (canonicalJson(found) !== canonicalJson(value)) throw fail('the value is another');
      return document;
    }
    default:
      throw fail('no such operation; expected add, remove, replace, move, copy or test');
  }
}

type Fail = (why: string) => JsonPatchError;
type Container = readonly Json[] | JsonObject;

function keysOf(path: string, fail: Fail): readonly string[] {
  const parts = path.split('/');
  if (parts.length < 2) throw fail('expected a path that starts with "/"');
  return parts.slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isContainer(value: Json | undefined): value is Container {
  return typeof value === 'object' && value !== null;
}

function isList(value: Container): value is readonly Json[] {
  return Array.isArray(value);
}

/** Copies the way to the parent of the path's end, and changes that. */
function update(
  document: Json,
  path: string,
  fail: Fail,
  change: (parent: Container, key: string) => Container,
): Json {
  const go = (value: Json, keys: readonly string[]): Json => {
    if (!isContainer(value)) throw fail('there is nothing to go through on the way');
    const [key = '', ...rest] = keys;
    if (rest.length === 0) return change(value, key);
    const child = get(value, key, fail);
    if (child === undefined || child === null) throw fail(`${key} is not there`);
    const changed = go(child, rest);
    if (!isList(value)) return { ...value, [key]: changed };
    const index = indexOf(key, value.length, value.length, fail);
    return value.map((item, at) => (at === index ? changed : item));
  };
  return go(document, keysOf(path, fail));
}

function lookUp(document: Json, path: string, fail: Fail): Json {
  let value: Json = document;
  for (const key of keysOf(path, fail)) {
    if (!isContainer(value)) throw fail('there is nothing to go through on the way');
    value = get(value, key, fail) ?? null;
  }
  return value;
}

function get(parent: Container, key: string, fail: Fail): Json | undefined {
  if (!isList(parent)) return Object.hasOwn(parent, key) ? parent[key] : undefined;
  return parent[indexOf(key, parent.length, parent.length, fail)];
}

/** `size`: how many indices are good; negative ones count from `length`. */
function indexOf(key: string, length: number, size: number, fail: Fail): number {
  if (!/^[+-]?\d+$/.test(key)) throw fail(`${JSON.stringify(key)} is no index of a list`);
  const index = Number(key);
  const at = index < 0 ? index + length : index;
  if (at < 0 || at >= size) throw fail(`the list has no index ${key}`);
  return at;
}

function add(parent: Container, key: string, value: Json, fail: Fail): Container {
  if (!isList(parent)) return { ...parent, [key]: value };
  if (key === '-') return [...parent, value];
  const size = parent.length + 1;
  return parent.toSpliced(indexOf(key, size, size, fail), 0, value);
}

function replace(parent: Container, key: string, value: Json, fail: Fail): Container {
  if (!isList(parent)) return { ...parent, [key]: value };
  return parent.with(indexOf(key, parent.length, parent.length, fail), value);
}

function remove(parent: Container, key: string, fail: Fail): Container {
  if (isList(parent)) return parent.toSpliced(indexOf(key, parent.length, parent.length, fail), 1);
  if (!Object.hasOwn(parent, key)) throw fail(`${key} is not there`);
  const { [key]: _gone, ...rest } = parent;
  return rest;
}

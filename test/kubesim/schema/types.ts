/** The reduced Kubernetes schema (`kinds.json`, made by `generate.ts`) as a graph of types. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object that is being built; nobody else holds it yet. */
export type Mutable = { [key: string]: Json };

/** s string, i integer, n number, b boolean, q quantity, x int-or-string, t time, u micro time, y base64 bytes. */
export type ScalarKind = 's' | 'i' | 'n' | 'b' | 'q' | 'x' | 't' | 'u' | 'y';

export interface ScalarType {
  readonly kind: 'scalar';
  readonly scalar: ScalarKind;
}
export interface ListType {
  readonly kind: 'list';
  readonly element: Type;
  readonly relation: 'atomic' | 'set' | 'map';
  readonly keys: readonly string[];
}
export interface MapType {
  readonly kind: 'map';
  readonly element: Type;
  readonly atomic: boolean;
}
export interface StructType {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly atomic: boolean;
}
/** No schema: lists are atomic, maps granular, as structured-merge-diff deduces for untyped values. */
export interface AnyType {
  readonly kind: 'any';
}
export type Type = ScalarType | ListType | MapType | StructType | AnyType;

export interface Field {
  readonly name: string;
  readonly type: Type;
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** The schema's default, used for keys of associative lists. */
  readonly default: Json | undefined;
  readonly patchStrategy: string | undefined;
  readonly patchMergeKey: string | undefined;
}

type RawType =
  | string
  | { readonly l: RawType; readonly r: 'a' | 's' | 'm'; readonly k?: readonly string[] }
  | { readonly m: RawType; readonly a?: 1 };
interface RawField {
  readonly t: RawType;
  readonly p?: 1;
  readonly e?: 1;
  readonly z?: 1;
  readonly d?: Json;
  readonly ps?: string;
  readonly pk?: string;
}
interface RawStruct {
  readonly f: Readonly<Record<string, RawField>>;
  readonly a?: 1;
}

export const anyType: AnyType = { kind: 'any' };
const stringType: ScalarType = { kind: 'scalar', scalar: 's' };

const raw = JSON.parse(readFileSync(join(import.meta.dirname, 'kinds.json'), 'utf8')) as Readonly<
  Record<string, RawStruct>
>;
const structs = new Map<string, StructType>();
const RELATIONS = { a: 'atomic', s: 'set', m: 'map' } as const;

function resolve(type: RawType): Type {
  if (typeof type === 'string') {
    if (type.startsWith('#')) return structType(type.slice(1));
    return type === 'any' ? anyType : { kind: 'scalar', scalar: type as ScalarKind };
  }
  if ('l' in type)
    return { kind: 'list', element: resolve(type.l), relation: RELATIONS[type.r], keys: type.k ?? [] };
  return { kind: 'map', element: resolve(type.m), atomic: type.a === 1 };
}

/** The struct of that name, such as `core.Pod`. Throws when the schema has none. */
export function structType(name: string): StructType {
  const known = structs.get(name);
  if (known) return known;
  const source = raw[name];
  if (!source) throw new Error(`no type ${name} in the schema`);
  const fields = new Map<string, Field>();
  const struct: StructType = { kind: 'struct', name, fields, atomic: source.a === 1 };
  structs.set(name, struct); // before its fields: types may contain themselves
  for (const [field, text] of Object.entries(source.f))
    fields.set(field, {
      name: field,
      type: resolve(text.t),
      pointer: text.p === 1,
      omitEmpty: text.e === 1,
      omitZero: text.z === 1,
      default: text.d,
      patchStrategy: text.ps,
      patchMergeKey: text.pk,
    });
  return struct;
}

/** A custom kind without a schema of its own: typed metadata, the rest deduced. */
export const customType: StructType = {
  kind: 'struct',
  name: 'custom',
  atomic: false,
  fields: new Map(
    [
      ['apiVersion', stringType] as const,
      ['kind', stringType] as const,
      ['metadata', structType('meta.ObjectMeta')] as const,
    ].map(([name, type]) => [
      name,
      {
        name,
        type,
        pointer: false,
        omitEmpty: true,
        omitZero: false,
        default: undefined,
        patchStrategy: undefined,
        patchMergeKey: undefined,
      },
    ]),
  ),
};

export function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** Equal as JSON, whatever the order of keys. */
export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, i) => deepEqual(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && deepEqual(a[key], b[key]));
}

/**
 * What decoding into the Go type and writing it again makes of a JSON object: unknown fields go, empty optional ones too, required
 * ones appear with their zero value, quantities are spelled one way.
 */
import { canonicalQuantity, isQuantity } from './quantity.ts';
import {
  type Field,
  isList,
  isObject,
  type Json,
  type Mutable,
  type ScalarKind,
  type StructType,
  type Type,
} from './types.ts';

export interface DecodeProblems {
  /** Paths of fields the type does not have. */
  readonly unknown: string[];
  /** Values of a wrong type; the object is not usable. */
  readonly wrong: string[];
  /** Required lists and maps that are empty become null, as a round through etcd makes them. */
  readonly stored?: boolean;
}

/** The object as the API server would hold it. Adds to `problems` instead of throwing. */
export function normalise(type: Type, value: Json | undefined, problems: DecodeProblems, path = ''): Json {
  switch (type.kind) {
    case 'struct':
      return normaliseStruct(type, value, problems, path);
    case 'list':
      if (!isList(value)) return mismatch(value, problems, path, 'a list');
      return value.map((item, i) => normalise(type.element, item, problems, `${path}[${i}]`));
    case 'map': {
      if (!isObject(value)) return mismatch(value, problems, path, 'an object');
      const out: Mutable = {};
      for (const [key, item] of Object.entries(value))
        out[key] =
          item === null ? zeroOf(type.element) : normalise(type.element, item, problems, `${path}.${key}`);
      return out;
    }
    case 'scalar':
      return normaliseScalar(type.scalar, value, problems, path);
    default:
      return value ?? null;
  }
}

function mismatch(value: Json | undefined, problems: DecodeProblems, path: string, wanted: string): Json {
  if (value !== undefined && value !== null) problems.wrong.push(`${path.slice(1)}: expected ${wanted}`);
  return null;
}

function normaliseStruct(
  type: StructType,
  value: Json | undefined,
  problems: DecodeProblems,
  path: string,
): Json {
  if (value !== undefined && value !== null && !isObject(value)) mismatch(value, problems, path, 'an object');
  const source = isObject(value) ? value : {};
  const out: Mutable = {};
  for (const key of Object.keys(source))
    if (!type.fields.has(key)) {
      if (type.name === 'custom') out[key] = source[key] ?? null;
      else problems.unknown.push(`${path}.${key}`.slice(1));
    }
  for (const field of type.fields.values()) {
    const written = normaliseField(field, source[field.name], problems, `${path}.${field.name}`);
    if (written !== undefined) out[field.name] = written;
  }
  return out;
}

/** The field as Go writes it; undefined when it writes none. */
function normaliseField(
  field: Field,
  value: Json | undefined,
  problems: DecodeProblems,
  path: string,
): Json | undefined {
  const absent = value === undefined || value === null;
  if (field.pointer) {
    if (absent) return field.omitEmpty ? undefined : null;
    return normalise(field.type, value, problems, path);
  }
  const { type } = field;
  if (type.kind === 'struct') {
    const made = normaliseStruct(type, value, problems, path);
    return field.omitZero && isObject(made) && Object.keys(made).length === 0 ? undefined : made;
  }
  if (type.kind === 'any') return absent ? undefined : value;
  if (type.kind === 'scalar' && (type.scalar === 't' || type.scalar === 'u'))
    return absent ? (field.omitZero ? undefined : null) : normalise(type, value, problems, path);
  const made = absent ? zeroOf(type) : normalise(type, value, problems, path);
  if (!isEmpty(type, made)) return made;
  if (field.omitEmpty) return undefined;
  return problems.stored && (type.kind === 'list' || type.kind === 'map') ? null : made;
}

function zeroOf(type: Type): Json {
  if (type.kind !== 'scalar') return null;
  const zeros: Readonly<Record<ScalarKind, Json>> = {
    s: '',
    i: 0,
    n: 0,
    b: false,
    q: '0',
    x: 0,
    t: null,
    u: null,
    y: null,
  };
  return zeros[type.scalar];
}

/** What omitempty leaves out. Structs (quantities, int-or-string) are never empty to it. */
function isEmpty(type: Type, value: Json): boolean {
  if (value === null) return true;
  if (type.kind === 'list') return isList(value) && value.length === 0;
  if (type.kind === 'map') return isObject(value) && Object.keys(value).length === 0;
  if (type.kind !== 'scalar' || type.scalar === 'q' || type.scalar === 'x') return false;
  return value === '' || value === 0 || value === false;
}

function normaliseScalar(
  scalar: ScalarKind,
  value: Json | undefined,
  problems: DecodeProblems,
  path: string,
): Json {
  const wrong = (wanted: string): Json => mismatch(value, problems, path, wanted);
  switch (scalar) {
    case 's':
      return typeof value === 'string' ? value : (wrong('a string') ?? '');
    case 'i':
      return typeof value === 'number' && Number.isInteger(value) ? value : (wrong('an integer') ?? 0);
    case 'n':
      return typeof value === 'number' ? value : wrong('a number');
    case 'b':
      return typeof value === 'boolean' ? value : wrong('a boolean');
    case 'x':
      return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))
        ? value
        : wrong('an integer or a string');
    case 'q':
      return (typeof value === 'string' || typeof value === 'number') && isQuantity(value)
        ? canonicalQuantity(value)
        : wrong('a quantity');
    case 'y':
      return typeof value === 'string' && isBase64(value) ? value : wrong('base64');
    default:
      return normaliseTime(scalar, value) ?? wrong('a time');
  }
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

function normaliseTime(scalar: ScalarKind, value: Json | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const ms = Date.parse(value);
  if (Number.isNaN(ms) || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const iso = new Date(ms).toISOString();
  if (scalar === 't') return `${iso.slice(0, 19)}Z`;
  const micros = /\.(\d+)/.exec(value)?.[1] ?? '';
  return `${iso.slice(0, 19)}.${micros.padEnd(6, '0').slice(0, 6)}Z`;
}

/** As `normalise`, for objects the simulation made itself: a problem is a bug. */
export function normaliseOwn(type: Type, value: Json): Mutable {
  const problems: DecodeProblems = { unknown: [], wrong: [] };
  const made = normalise(type, value, problems);
  if (problems.wrong.length > 0 || problems.unknown.length > 0)
    throw new Error(`the simulation made an object of a wrong form: ${JSON.stringify(problems)}`);
  return made as Mutable;
}

/** Checks an applied configuration against the schema, which server-side apply does before anything else. */
export function checkApplied(type: Type, value: Json, path = ''): string | undefined {
  if (value === null) return undefined;
  if (type.kind === 'struct') {
    if (!isObject(value)) return `${path}: expected map`;
    for (const [key, item] of Object.entries(value)) {
      const field = type.fields.get(key);
      if (!field && type.name !== 'custom') return `${path}.${key}: field not declared in schema`;
      const found = field ? checkApplied(field.type, item, `${path}.${key}`) : undefined;
      if (found) return found;
    }
    return undefined;
  }
  if (type.kind === 'map') {
    if (!isObject(value)) return `${path}: expected map`;
    return first(
      Object.entries(value).map(
        ([key, item]) =>
          () =>
            checkApplied(type.element, item, `${path}.${key}`),
      ),
    );
  }
  if (type.kind === 'list') {
    if (!isList(value)) return `${path}: expected list`;
    return first(value.map((item, i) => () => checkApplied(type.element, item, `${path}[${i}]`)));
  }
  if (type.kind === 'any') return undefined;
  if (type.scalar === 'b') return typeof value === 'boolean' ? undefined : `${path}: expected boolean`;
  if (type.scalar === 'i' || type.scalar === 'n')
    return typeof value === 'number' ? undefined : `${path}: expected numeric (int or float)`;
  if (type.scalar === 'x' || type.scalar === 'q')
    return isObject(value) || isList(value) ? `${path}: expected scalar` : undefined;
  return typeof value === 'string' ? undefined : `${path}: expected string`;
}

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const found = check();
    if (found) return found;
  }
  return undefined;
}

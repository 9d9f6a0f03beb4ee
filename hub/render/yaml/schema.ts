/**
 * Scalars as kustomize reads them: go-yaml v3 into `interface{}` (resolve.go there), then JSON. So `yes` and `on` are strings, `0777` is
 * octal, `1_000` is a number, a plain date becomes an RFC 3339 string, and keys that are no strings are refused.
 */
import {
  boolCoreTag,
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  floatCoreTag,
  intCoreTag,
  mergeTag,
  NOT_RESOLVED,
  nullCoreTag,
  type Schema,
} from 'js-yaml';

const floatPattern = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const integerPattern = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const numberStart = [...'+-.0123456789'];

/** A number that JSON cannot hold (.inf, .nan); the parser turns it into a Problem. */
export class InexactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A scalar that is not written as its value would be (`1.10`, `0x1F`, `True`, a date). The parser keeps the text where only the text counts. */
export class Spelled {
  readonly value: number | bigint | string | boolean;
  readonly text: string;
  constructor(value: number | bigint | string | boolean, text: string) {
    this.value = value;
    this.text = text;
  }
}

type Scalar = number | bigint | string | boolean;

/** The value, with its text where that is another one. */
function spelled<T extends Scalar>(value: T, source: string): T | Spelled {
  return String(value) === source ? value : new Spelled(value, source);
}

const integerMin = -(2n ** 63n);
const integerMax = 2n ** 64n;

/** strconv.ParseInt(text, 0, 64) or ParseUint; undefined: none, or out of their range. A bigint where a number would not be exact. */
function parseInteger(source: string): number | bigint | undefined {
  const match = integerPattern.exec(source);
  if (match === null) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const digits = hex ?? binary ?? octal ?? decimal ?? '';
  const base = hex !== undefined ? 16 : binary !== undefined ? 2 : octal !== undefined ? 8 : 10;
  const value = Number.parseInt(digits, base);
  if (Number.isSafeInteger(value)) return sign === '-' && value !== 0 ? -value : value;
  const prefix = base === 16 ? '0x' : base === 8 ? '0o' : base === 2 ? '0b' : '';
  const exact = BigInt(prefix + digits) * (sign === '-' ? -1n : 1n);
  return exact >= integerMin && exact < integerMax ? exact : undefined;
}

function resolveInteger(source: string): number | bigint | Spelled | typeof NOT_RESOLVED {
  const plain = source.includes('_') && /^[-+0-9]/.test(source) ? source.replaceAll('_', '') : source;
  const value = parseInteger(plain);
  return value === undefined ? NOT_RESOLVED : spelled(value, source);
}

function resolveFloat(source: string): number | Spelled | InexactNumber | typeof NOT_RESOLVED {
  const plain = source.includes('_') && /^[-+0-9]/.test(source) ? source.replaceAll('_', '') : source;
  if (floatPattern.test(plain)) {
    const value = Number.parseFloat(plain);
    return Number.isFinite(value) ? spelled(value, source) : NOT_RESOLVED;
  }
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(source)) return new InexactNumber(source);
  return NOT_RESOLVED;
}

const datePattern =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?(Z|[-+]\d\d:\d\d))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?))?$/;

/** What Go's json.Marshal writes for the time that go-yaml reads. */
function resolveTimestamp(source: string): string | typeof NOT_RESOLVED {
  const match = datePattern.exec(source);
  if (match === null) return NOT_RESOLVED;
  const [, year = '', month = '', day = ''] = match;
  const [hour, minute, second] = [match[4] ?? match[9], match[5] ?? match[10], match[6] ?? match[11]].map(
    (part) => (part ?? '0').padStart(2, '0'),
  );
  const fraction = (match[7] ?? match[12] ?? '').replace(/\.?0+$/, '');
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const clock = `${hour}:${minute}:${second}`;
  const real = new Date(`${date}T${clock}Z`);
  if (Number.isNaN(real.getTime()) || real.toISOString().slice(0, 10) !== date) return NOT_RESOLVED;
  return `${date}T${clock}${fraction}${match[8] === '+00:00' ? 'Z' : (match[8] ?? 'Z')}`;
}

const integer = defineScalarTag<number | bigint | Spelled>(intCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: numberStart,
  resolve: resolveInteger,
  identify: () => false,
});

const float = defineScalarTag<number | Spelled | InexactNumber>(floatCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: numberStart,
  resolve: resolveFloat,
  identify: () => false,
});

const timestamp = defineScalarTag<string | Spelled>('tag:yaml.org,2002:timestamp', {
  implicit: true,
  implicitFirstChars: [...'0123456789'],
  resolve: (source) => {
    const value = resolveTimestamp(source);
    return value === NOT_RESOLVED ? NOT_RESOLVED : spelled(String(value), source);
  },
  identify: () => false,
});

const binary = defineScalarTag<string>('tag:yaml.org,2002:binary', {
  resolve: (source) => Buffer.from(source, 'base64').toString('utf8'),
  identify: () => false,
});

const boolean = defineScalarTag<boolean | Spelled>(boolCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: [...'tTfF'],
  resolve: (source) => {
    if (/^(?:true|True|TRUE)$/.test(source)) return spelled(true, source);
    return /^(?:false|False|FALSE)$/.test(source) ? spelled(false, source) : NOT_RESOLVED;
  },
  identify: () => false,
});

type PlainMap = Record<string, unknown>;

const stringKeyed = defineMappingTag<PlainMap>('tag:yaml.org,2002:map', {
  create: () => ({}),
  addPair: (map, key, value) => {
    if (typeof key !== 'string') return 'a key that is no string; put it in quotes';
    if (key === '__proto__')
      Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
    else map[key] = value;
    return '';
  },
  has: (map, key) => typeof key === 'string' && Object.hasOwn(map, key),
  keys: (map) => Object.keys(map),
  get: (map, key) => (typeof key === 'string' ? map[key] : undefined),
  identify: () => false,
});

/** A value written as nothing (`emptyDir:`) is undefined: a strategic merge drops it, where a written `null` stays. */
const nullTag = defineScalarTag<null | undefined>(nullCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: ['', '~', 'n', 'N'],
  resolve: (source) => {
    if (source === '') return undefined;
    return /^(?:~|null|Null|NULL)$/.test(source) ? null : NOT_RESOLVED;
  },
  identify: () => false,
});

/** Kustomization files are read with YAML 1.1's booleans (sigs.k8s.io/yaml YAMLToJSON). */
const oldBoolean = defineScalarTag<boolean>(boolCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: [...'yYnNtTfFoO'],
  resolve: (source) => {
    if (/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source)) return true;
    return /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source) ? false : NOT_RESOLVED;
  },
  identify: () => false,
});

/** A date stays the text that it is there. */
const timestampText = defineScalarTag<string>(timestamp.tagName, {
  resolve: (source) => source,
  identify: () => false,
});

const others = [integer, float, binary, mergeTag, stringKeyed];
export const kubernetesSchema: Schema = CORE_SCHEMA.withTags(nullTag, boolean, timestamp, ...others);
export const kustomizationSchema: Schema = CORE_SCHEMA.withTags(
  nullTag,
  oldBoolean,
  timestampText,
  ...others,
);

const textOfKey = (key: unknown): string => String(key instanceof Spelled ? key.value : key);

/** A key that is a number or a boolean becomes the text of its value. */
const textKeyed = defineMappingTag<PlainMap>('tag:yaml.org,2002:map', {
  create: () => ({}),
  addPair: (map, key, value) => {
    if ((typeof key === 'object' && !(key instanceof Spelled)) || key === undefined)
      return 'a key that is no text';
    Object.defineProperty(map, textOfKey(key), {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    return '';
  },
  has: (map, key) => Object.hasOwn(map, textOfKey(key)),
  keys: (map) => Object.keys(map),
  get: (map, key) => map[textOfKey(key)],
  identify: () => false,
});

/** What Helm, kubectl and Flux read (sigs.k8s.io/yaml YAMLToJSON over goyaml.v2): YAML 1.1's booleans, dates left as they are written. */
export const manifestSchema: Schema = CORE_SCHEMA.withTags(
  nullTag,
  oldBoolean,
  integer,
  float,
  binary,
  mergeTag,
  textKeyed,
);

/** What a scalar without quotes is by its text. */
export type PlainResolver = (text: string) => unknown;

/** As the library asks the schema's tags; texts that start as none of them does are just that. */
function resolverOf(
  letters: string,
  tags: readonly {
    resolve(source: string, isExplicit: boolean, tagName: string): unknown;
    readonly tagName: string;
  }[],
): PlainResolver {
  const starts = new Set([...letters].map((letter) => letter.charCodeAt(0)));
  return (text) => {
    if (text !== '' && !starts.has(text.charCodeAt(0))) return text;
    for (const tag of tags) {
      const value = tag.resolve(text, false, tag.tagName);
      if (value !== NOT_RESOLVED) return value;
    }
    return text;
  };
}

export const plainResolvers = {
  object: resolverOf('~nNtTfF+-.0123456789', [nullTag, boolean, integer, float, timestamp]),
  kustomization: resolverOf('~nNtTfFyYoO+-.0123456789', [nullTag, oldBoolean, integer, float]),
  manifest: resolverOf('~nNtTfFyYoO+-.0123456789', [nullTag, oldBoolean, integer, float]),
} as const;

/** The type that a plain scalar has by its text; undefined: it is a text. Null for what is empty. */
export function resolvePlain(text: string): null | Scalar | undefined {
  if (/^(?:~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (!/^[-+.0-9]/.test(text)) return undefined;
  for (const resolve of [resolveTimestamp, resolveInteger, resolveFloat]) {
    const value = resolve(text);
    if (value instanceof Spelled) return value.value;
    if (value !== NOT_RESOLVED && !(value instanceof InexactNumber)) return value as number | string;
  }
  return undefined;
}

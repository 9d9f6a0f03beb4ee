/** Checks values against the JSON Schemas of the API's OpenAPI document: as much of the language as the document uses, anything else throws. */

type Schema = Readonly<Record<string, unknown>>;

const ignored = new Set(['description', 'example', 'default', 'format', 'title', 'examples']);

export function checkSchema(value: unknown, schema: Schema, document: Schema, path = '$'): string[] {
  const errors: string[] = [];
  for (const [keyword, rule] of Object.entries(schema)) {
    if (ignored.has(keyword)) continue;
    const check = keywords[keyword];
    if (check === undefined)
      throw new Error(`schema keyword ${keyword} at ${path} is not known to this check`);
    errors.push(...check(value, rule, { schema, document, path }));
  }
  return errors;
}

interface Place {
  readonly schema: Schema;
  readonly document: Schema;
  readonly path: string;
}
type Keyword = (value: unknown, rule: unknown, place: Place) => string[];

function resolve(document: Schema, reference: string): Schema {
  let at: unknown = document;
  for (const part of reference.replace('#/', '').split('/')) at = (at as Record<string, unknown>)[part];
  if (at === undefined) throw new Error(`nothing at ${reference}`);
  return at as Schema;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object';
const when = (bad: boolean, path: string, message: string) => (bad ? [`${path}: ${message}`] : []);

const keywords: Readonly<Record<string, Keyword>> = {
  $ref: (value, rule, { document, path }) =>
    checkSchema(value, resolve(document, rule as string), document, path),
  type(value, rule, { path }) {
    const wanted = (Array.isArray(rule) ? rule : [rule]) as string[];
    const type = typeOf(value);
    const fits = wanted.includes(type) || (wanted.includes('integer') && Number.isInteger(value));
    return when(!fits, path, `is ${type}, not ${wanted.join(' or ')}`);
  },
  properties(value, rule, { document, path }) {
    if (!isObject(value)) return [];
    return Object.entries(rule as Record<string, Schema>).flatMap(([name, schema]) =>
      name in value ? checkSchema(value[name], schema, document, `${path}.${name}`) : [],
    );
  },
  required: (value, rule, { path }) =>
    (rule as string[]).flatMap((name) => when(isObject(value) && !(name in value), path, `lacks ${name}`)),
  additionalProperties(value, rule, { schema, document, path }) {
    if (!isObject(value)) return [];
    const known = Object.keys((schema['properties'] ?? {}) as object);
    const extra = Object.keys(value).filter((name) => !known.includes(name));
    if (rule === false) return extra.map((name) => `${path}: has ${name}, which is not in the document`);
    return extra.flatMap((name) => checkSchema(value[name], rule as Schema, document, `${path}.${name}`));
  },
  propertyNames: () => [],
  items: (value, rule, { document, path }) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => checkSchema(item, rule as Schema, document, `${path}[${index}]`))
      : [],
  enum: (value, rule, { path }) => when(!(rule as unknown[]).includes(value), path, `is not in the enum`),
  const: (value, rule, { path }) => when(value !== rule, path, `is not ${String(rule)}`),
  anyOf(value, rule, { document, path }) {
    const all = (rule as Schema[]).map((schema) => checkSchema(value, schema, document, path));
    return all.some((errors) => errors.length === 0) ? [] : (all[0] ?? []);
  },
  oneOf: (value, rule, place) => keywords['anyOf']?.(value, rule, place) ?? [],
  allOf: (value, rule, { document, path }) =>
    (rule as Schema[]).flatMap((schema) => checkSchema(value, schema, document, path)),
  minimum: (value, rule, { path }) => when((value as number) < (rule as number), path, 'is too small'),
  maximum: (value, rule, { path }) => when((value as number) > (rule as number), path, 'is too large'),
  pattern: (value, rule, { path }) =>
    when(typeof value === 'string' && !new RegExp(rule as string).test(value), path, 'does not match'),
  minLength: (value, rule, { path }) =>
    when(typeof value === 'string' && value.length < (rule as number), path, 'is too short'),
  maxLength: (value, rule, { path }) =>
    when(typeof value === 'string' && value.length > (rule as number), path, 'is too long'),
};

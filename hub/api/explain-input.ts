/**
 * What is wrong with a request, in the words of the rest of Fairway: what was expected, with an example, as the OpenAPI document has it. What was
 * given is not quoted: a secret may have been put in the wrong place.
 */
import { OpenAPIHono, type z } from '@hono/zod-openapi';

/** The part of an OpenAPI 3.1 schema that is told of. */
interface InputSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, InputSchema>>;
  readonly items?: InputSchema;
}

/** One sentence about the value at `issue.path`, without its name. Of keys that are not known see input.ts. */
export function explainInput(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string {
  const here = schemaAt(describeSchema(schema), issue.path);
  const such = exampleOf(here);
  // A rule of ours with words of its own.
  if (issue.code === 'custom') return `${issue.message}${such}`;
  const missing = valueAt(value, issue.path) === undefined;
  return `${missing ? 'is required: ' : ''}expected ${describeExpected(here)}${such}`;
}

interface Described {
  readonly root: InputSchema | undefined;
  resolve(schema: InputSchema | undefined): InputSchema | undefined;
}

/** As the generator of the OpenAPI document sees it, descriptions and examples included. Takes a millisecond: for errors only. */
function describeSchema(schema: z.ZodType): Described {
  const app = new OpenAPIHono();
  const content = { 'application/json': { schema } };
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/',
    request: { body: { content } },
    responses: {},
  });
  const document = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: '', version: '' } });
  const schemas = document.components?.schemas as Readonly<Record<string, InputSchema>> | undefined;
  const body = document.paths?.['/']?.post?.requestBody;
  const root = body !== undefined && 'content' in body ? body.content['application/json']?.schema : undefined;
  return {
    root: root as InputSchema | undefined,
    resolve: (part) =>
      part?.$ref === undefined ? part : schemas?.[part.$ref.replace('#/components/schemas/', '')],
  };
}

function schemaAt({ root, resolve }: Described, path: readonly PropertyKey[]): InputSchema | undefined {
  let at = resolve(root);
  for (const part of path)
    at = resolve(typeof part === 'number' ? at?.items : at?.properties?.[String(part)]);
  return at;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path)
    at = at !== null && typeof at === 'object' ? (at as Record<PropertyKey, unknown>)[part] : undefined;
  return at;
}

function describeExpected(schema: InputSchema | undefined): string {
  const words = schema?.enum?.map(String) ?? [];
  const what =
    words.length > 0 ? `${words.length > 1 ? 'one of ' : ''}${words.join(', ')}` : describeType(schema);
  return schema?.description === undefined ? what : `${what} (${lowerFirst(schema.description)})`;
}

function describeType(schema: InputSchema | undefined): string {
  switch (schema?.type) {
    case 'integer':
    case 'number':
      return `a ${schema.type === 'integer' ? 'whole ' : ''}number${rangeOf(schema.minimum, schema.maximum)}`;
    case 'string':
      if (schema.format === 'date-time') return 'a time of RFC 3339';
      return `text${rangeOf(schema.minLength, schema.maxLength, ' characters')}`;
    case 'array':
      return 'a list';
    case 'object':
      return 'an object';
    case 'boolean':
      return 'true or false';
    default:
      return 'what /api/v1/openapi.json says';
  }
}

function rangeOf(minimum: number | undefined, maximum: number | undefined, unit = ''): string {
  if (minimum !== undefined && maximum !== undefined)
    return ` ${unit === '' ? 'from' : 'of'} ${minimum} to ${maximum}${unit}`;
  if (minimum !== undefined) return ` of at least ${minimum}${unit}`;
  return maximum === undefined ? '' : ` of at most ${maximum}${unit}`;
}

function exampleOf(schema: InputSchema | undefined): string {
  if (schema?.enum !== undefined) return '';
  const example = schema?.example ?? schema?.default ?? schema?.minimum;
  return example === undefined
    ? ''
    : `, such as ${typeof example === 'string' ? example : JSON.stringify(example)}`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

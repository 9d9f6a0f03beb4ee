import type { z } from 'zod';
import { nearest } from '../../shared/text/nearest.ts';
import type { FieldPath } from './yaml-document.ts';

/** A JSON Schema, draft 2020-12. */
export interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly [keyword: string]: unknown;
}

/** What is wrong with one field, in words for whoever wrote it. */
export interface FieldError {
  readonly path: FieldPath;
  readonly code: 'invalid_manifest' | 'unsupported';
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/**
 * Turns zod's issues into sentences that say what was expected and what to do. What a field is for comes from its schema's description. Values are
 * never quoted but where a closed set of words was expected: a secret may have been written in the wrong place.
 * @param unsupported fields that later versions know, by dotted path.
 */
export function explainIssues(
  issues: readonly Issue[],
  value: unknown,
  schema: JsonSchema,
  unsupported: readonly string[] = [],
): readonly FieldError[] {
  return issues.flatMap((issue) => explain(issue, value, schema, unsupported));
}

function explain(
  issue: Issue,
  value: unknown,
  schema: JsonSchema,
  unsupported: readonly string[],
): FieldError[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const here = schemaAt(schema, path);
  const error = (message: string): FieldError[] => [{ path, code: 'invalid_manifest', message }];
  const about = here?.description ? ` (${here.description})` : '';
  const found = valueAt(value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField([...path, key], here, unsupported));
    case 'invalid_type':
      if (found === undefined) return error(`is required: add ${article(issue.expected)}${about}`);
      return error(
        `expected ${article(issue.expected)}${about}, found ${describeValue(found)}${quoteHint(issue.expected, found)}`,
      );
    case 'invalid_value': {
      const words = issue.values.map(String);
      const near = typeof found === 'string' ? nearest(found, words) : undefined;
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      return error(
        `expected ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}, found ${quoteWord(found)}${hint}`,
      );
    }
    case 'invalid_key':
      return error(
        `is no valid key here: expected ${schemaAt(schema, path.slice(0, -1))?.propertyNames?.description ?? 'another form'}`,
      );
    case 'invalid_format':
      return error(`expected ${here?.description ?? `text of the form ${issue.format}`}`);
    case 'too_small':
      return error(`expected at least ${issue.minimum}${unitOf(issue.origin)}${about}`);
    case 'too_big':
      return error(`expected at most ${issue.maximum}${unitOf(issue.origin)}${about}`);
    default:
      return error(issue.message);
  }
}

function unknownField(
  path: FieldPath,
  parent: JsonSchema | undefined,
  unsupported: readonly string[],
): FieldError {
  const key = String(path.at(-1));
  if (unsupported.includes(path.join('.')))
    return { path, code: 'unsupported', message: 'not supported by this version: remove it' };
  const known = Object.keys(parent?.properties ?? {});
  const near = nearest(key, known);
  const hint = near === undefined ? `known fields are ${known.join(', ')}` : `did you mean ${near}?`;
  return { path, code: 'invalid_manifest', message: `unknown field; ${hint}` };
}

function schemaAt(schema: JsonSchema, path: FieldPath): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const part of path) {
    const extra: JsonSchema | boolean | undefined = at?.additionalProperties;
    at =
      typeof part === 'number'
        ? at?.items
        : (at?.properties?.[part] ?? (typeof extra === 'object' ? extra : undefined));
  }
  return at;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  let at = value;
  for (const part of path)
    at = at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[part] : undefined;
  return at;
}

function article(type: string): string {
  const word =
    type === 'record' ? 'object' : type === 'array' ? 'list' : type === 'int' ? 'whole number' : type;
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}

function describeValue(value: unknown): string {
  if (value === null) return 'nothing';
  return article(Array.isArray(value) ? 'array' : typeof value);
}

function quoteHint(expected: string, found: unknown): string {
  return expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')
    ? ': put it in quotes'
    : '';
}

function quoteWord(found: unknown): string {
  if (found === undefined) return 'nothing';
  return typeof found === 'string' && found.length <= 40 ? JSON.stringify(found) : describeValue(found);
}

function unitOf(origin: string): string {
  return origin === 'string'
    ? ' characters'
    : origin === 'array' || origin === 'record' || origin === 'map'
      ? ' items'
      : '';
}

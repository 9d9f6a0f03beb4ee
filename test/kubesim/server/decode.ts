/** From a request's body to an object as the API server holds it, and from an object to what a client asked for. */
import { load } from 'js-yaml';
import { textAt } from '../kinds/access.ts';
import type { Kind } from '../kinds/kind.ts';
import { mergeStringData } from '../kinds/rules.ts';
import { type DecodeProblems, normalise } from '../schema/normalise.ts';
import { isObject, type Json, type Mutable } from '../schema/types.ts';
import { badRequest, invalid, invalidValue, type StatusError } from '../status.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** Reads JSON, or YAML (of which JSON is a part). Throws a 400. */
export function parseBody(text: string, yaml: boolean): Json {
  try {
    return (yaml && !text.trimStart().startsWith('{') ? load(text) : JSON.parse(text)) as Json;
  } catch {
    throw badRequest('the object provided is unrecognized: it cannot be parsed');
  }
}

/** What could not be kept, for a Warning header. */
export interface Decoded {
  readonly object: Mutable;
  readonly warnings: readonly string[];
}

/** Normalised and defaulted. `patched` says that the object is the result of a patch, which words its failures otherwise. */
export function decodeObject(
  kind: Kind,
  value: Json,
  validation: FieldValidation,
  patched: boolean,
): Decoded {
  const refuse = (message: string): StatusError =>
    patched
      ? invalid({ group: '', resource: '', kind: '' }, '', [invalidValue('patch', null, message)])
      : badRequest(
          `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${message}`,
        );
  if (!isObject(value)) throw refuse('no object');
  const problems: DecodeProblems = { unknown: [], wrong: [] };
  const object = normalise(kind.type, structuredClone(value) as Json, problems) as Mutable;
  if (problems.wrong.length > 0) throw refuse(`json: cannot unmarshal: ${problems.wrong[0]}`);
  const unknown = problems.unknown.map((path) => `unknown field "${path}"`);
  if (unknown.length > 0 && validation === 'Strict')
    throw refuse(`strict decoding error: ${unknown.join(', ')}`);
  if (kind.kind === 'Secret' && !kind.custom) mergeStringData(object);
  kind.rules.defaults(object);
  object['apiVersion'] = kind.apiVersion;
  object['kind'] = kind.kind;
  return { object, warnings: validation === 'Warn' ? unknown : [] };
}

/** The body's own words on what it is must match the path. */
export function checkTypeMeta(kind: Kind, value: Json): void {
  const apiVersion = textAt(value, 'apiVersion');
  const name = textAt(value, 'kind');
  if (kind.custom && (!apiVersion || !name))
    throw badRequest('the object provided is unrecognized: kind or apiVersion is missing');
  if ((apiVersion && apiVersion !== kind.apiVersion) || (name && name !== kind.kind))
    throw badRequest(
      `the API version in the data (${apiVersion}, Kind=${name}) does not match the expected API version (${kind.apiVersion}, Kind=${kind.kind})`,
    );
}

/** Metadata only, as `as=PartialObjectMetadata` asks. */
export function partialOf(object: Json): Json {
  const metadata = isObject(object) ? (object['metadata'] ?? {}) : {};
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

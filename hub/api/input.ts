/** From a request to typed values; everything wrong is told at once, by field. */
import type { z } from '@hono/zod-openapi';
import { FairwayError } from '../../shared/error/error.ts';
import type { Endpoint } from './endpoint.ts';
import { explainInput } from './explain-input.ts';
import type { FieldError } from './problem.ts';

export type Place = 'path' | 'query' | 'body';

/** @throws invalid_argument that names each field. */
export function parseInput(place: Place, schema: z.ZodObject | z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : [];
  const { issues } = parsed.error;
  const errors = issues.flatMap(
    (issue) =>
      unknownFields(place, issue, known) ?? [
        {
          field: [place, ...issue.path.map(String)].join('.'),
          message: explainInput(issue, schema as z.ZodType, value),
        },
      ],
  );
  // One value may break more than one rule; what is expected is said once.
  const fields = new Map(errors.map((error) => [`${error.field} ${error.message}`, error]));
  throw invalidInput([...fields.values()]);
}

/** Names the first field in its message, all of them in its details. */
export function invalidInput(errors: readonly FieldError[]): FairwayError {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const detail = first ? `${first.field}: ${first.message}${more}` : 'The request is not valid.';
  return new FairwayError('invalid_argument', detail, { details: { errors } });
}

function unknownFields(
  place: Place,
  issue: z.core.$ZodIssue,
  known: readonly string[],
): FieldError[] | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  const message =
    known.length > 0 ? `is not known here; known are ${known.join(', ')}` : 'is not known here; none is';
  return issue.keys.map((key) => ({ field: [place, ...issue.path.map(String), key].join('.'), message }));
}

/** A parameter may be given once. Endpoints without a query take none. */
export function parseQuery(endpoint: Endpoint, parameters: URLSearchParams, empty: z.ZodObject): unknown {
  const value: Record<string, string> = {};
  for (const [name, text] of parameters) {
    if (Object.hasOwn(value, name))
      throw invalidInput([{ field: `query.${name}`, message: 'is given more than once' }]);
    value[name] = text;
  }
  return parseInput('query', (endpoint.query ?? empty).strict(), value);
}

/** JSON of at most `bytesMax`; no body at all counts as `{}`. @throws invalid_argument, resource_exhausted. */
export async function parseBody(
  schema: z.ZodType,
  request: Request,
  bytesMax: number,
  signal: AbortSignal,
): Promise<unknown> {
  const bytes = await readBody(request, bytesMax, signal);
  if (bytes.length === 0) return parseInput('body', schema, {});
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new FairwayError('invalid_argument', 'The body must be application/json.', {
      details: { httpStatus: 415 },
    });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FairwayError('invalid_argument', 'The body is not JSON.', { cause });
  }
  return parseInput('body', schema, value);
}

/** The whole body, or an error before more than `bytesMax` is held. */
export async function readBody(request: Request, bytesMax: number, signal: AbortSignal): Promise<Uint8Array> {
  const tooLarge = () =>
    new FairwayError('resource_exhausted', `The body is larger than ${bytesMax} bytes.`, {
      retry: false,
      details: { httpStatus: 413 },
    });
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > bytesMax) {
        stop();
        throw tooLarge();
      }
      chunks.push(next.value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks, length);
}

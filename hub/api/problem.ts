/**
 * Errors as RFC 9457 problem details. The type URIs are stable, one for each code of shared/error; the message of a FairwayError is
 * fit for a client, its cause is not and stays in the log.
 */
import { z } from '@hono/zod-openapi';
import { type ErrorCode, errorTable, type FairwayError } from '../../shared/error/error.ts';

export const problemMediaType = 'application/problem+json';

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'https://fairway.dev/problems/not-found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().openapi({ description: 'Path of the request' }),
    code: z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]]),
    retry: z.boolean().openapi({ description: 'The same request may succeed later' }),
    requestId: z.string(),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'What is wrong with the input, by field' }),
  })
  .openapi('Problem');
export type ApiProblem = z.infer<typeof problemSchema>;

const titles: Record<ErrorCode, string> = {
  invalid_argument: 'The request is not valid',
  invalid_manifest: 'A manifest is not valid',
  unsupported: 'Not supported',
  unauthenticated: 'A valid token is needed',
  permission_denied: 'Not permitted',
  not_found: 'Not found',
  already_exists: 'It exists already',
  conflict: 'Somebody else was faster',
  failed_precondition: 'Something has to be done first',
  gone: 'It is no longer there',
  resource_exhausted: 'Too much at once',
  cancelled: 'Cancelled',
  deadline_exceeded: 'It took too long',
  unavailable: 'Not available now',
  data_loss: 'Stored data is damaged',
  internal: 'Something went wrong in the hub',
};

export interface ProblemContext {
  readonly path: string;
  readonly requestId: string;
  /** Overrides the table's status: 405, 413, 415. */
  readonly status?: number | undefined;
}

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The body. Errors whose fault is inside say no more than their title: details would leak. */
function renderProblem(error: FairwayError, context: ProblemContext): ApiProblem {
  const hidden = error.code === 'internal' || error.code === 'data_loss';
  const errors = fieldErrorsOf(error);
  return {
    type: `https://fairway.dev/problems/${error.code.replaceAll('_', '-')}`,
    title: titles[error.code],
    status: context.status ?? errorTable[error.code].http,
    detail: hidden ? 'The hub has logged what happened under this request id.' : error.message,
    instance: context.path,
    code: error.code,
    retry: error.retry,
    requestId: context.requestId,
    ...(errors.length > 0 ? { errors } : {}),
  };
}

function fieldErrorsOf(error: FairwayError): FieldError[] {
  const listed = error.details?.['errors'];
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    const { field, message } = (entry ?? {}) as Partial<FieldError>;
    return typeof field === 'string' && typeof message === 'string' ? [{ field, message }] : [];
  });
}

/** RFC 9457, never to be cached. */
export function problemResponse(error: FairwayError, context: ProblemContext): Response {
  const body = renderProblem(error, context);
  const headers = new Headers({ 'content-type': problemMediaType, 'cache-control': 'no-store' });
  if (error.retryAfterMs !== undefined)
    headers.set('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))));
  if (body.status === 401) headers.set('www-authenticate', 'Bearer realm="fairway"');
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

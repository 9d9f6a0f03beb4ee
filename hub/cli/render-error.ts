import type { ErrorCode, FairwayError } from '../../shared/error/error.ts';

const hints: Partial<Record<ErrorCode, string>> = {
  invalid_argument: 'See `fairway --help`, or `--help` of the command.',
  unauthenticated: 'Give a token with --token, --token-file or FAIRWAY_TOKEN, or run `fairway login`.',
  permission_denied: 'Ask for a token of a larger scope: `fairway token create --scope ...`.',
  unavailable: 'Is the hub running? Give its address with --server or FAIRWAY_SERVER.',
  deadline_exceeded: 'Try again; if it stays so, see the log of the hub.',
  internal: 'This is a fault in Fairway; with FAIRWAY_DEBUG=1 the command says where.',
};

/**
 * `fairway: what went wrong`, then indented what to do. `details.hint` says it better than the table where the thrower knew more; field errors come
 * one a line.
 */
export function renderError(error: FairwayError): string {
  const lines = [`fairway: ${error.message}`];
  const fields = error.details?.['errors'];
  if (Array.isArray(fields) && fields.length > 1)
    for (const { field, message } of fields as { field: string; message: string }[])
      lines.push(`  ${field}: ${message}`);
  const given = error.details?.['hint'];
  const requestId = error.details?.['requestId'];
  const known = typeof requestId === 'string' ? hintOfHub(error.code, requestId) : hints[error.code];
  const hint = typeof given === 'string' ? given : known;
  if (hint) lines.push(...hint.split('\n').map((line) => `  ${line}`));
  return lines.join('\n') + '\n';
}

/** Where the hub itself has answered, it is not the hub that cannot be reached. */
function hintOfHub(code: ErrorCode, requestId: string): string | undefined {
  if (code === 'internal')
    return `This is a fault in Fairway; the log of the hub has it under the request id ${requestId}.`;
  if (code === 'unavailable') return 'The hub has answered: see `fairway get clusters`, and try again.';
  return hints[code];
}

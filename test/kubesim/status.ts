/** Failures as the API server words them: a Status object with a closed reason (apimachinery's `api/errors`). */
import type { Json } from './schema/types.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

/** Which resource an error is about. */
export interface ErrorSubject {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

/** Ends a request with a Status. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Json {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details as unknown as Json } : {}),
      code: this.code,
    };
  }
}

const about = (subject: ErrorSubject, name: string, kind: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(subject.group ? { group: subject.group } : {}),
  kind,
});
const qualified = (subject: ErrorSubject, kind: string) =>
  subject.group ? `${kind}.${subject.group}` : kind;

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);
export const internalError = (message: string): StatusError => new StatusError(500, '', message);
export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');
export const noResource = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
export const notAllowed = (): StatusError =>
  new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
export const unsupportedMedia = (): StatusError =>
  new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);

export function notFound(subject: ErrorSubject, name: string): StatusError {
  const message = `${qualified(subject, subject.resource)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, about(subject, name, subject.resource));
}

export function alreadyExists(subject: ErrorSubject, name: string): StatusError {
  const message = `${qualified(subject, subject.resource)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, about(subject, name, subject.resource));
}

export function conflict(subject: ErrorSubject, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject, subject.resource)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, about(subject, name, subject.resource));
}

export function forbidden(subject: ErrorSubject, name: string, why: string): StatusError {
  const message = `${qualified(subject, subject.resource)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, about(subject, name, subject.resource));
}

export function invalid(subject: ErrorSubject, name: string, causes: readonly Cause[]): StatusError {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const message = `${qualified(subject, subject.kind)} "${name}" is invalid: ${list}`;
  const details = { ...about(subject, name, subject.kind), causes };
  if (subject.kind === '')
    return new StatusError(422, 'Invalid', message, { ...(name ? { name } : {}), causes });
  return new StatusError(422, 'Invalid', message, details);
}

export const required = (field: string, message = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: message ? `Required value: ${message}` : 'Required value',
  field,
});
export const invalidValue = (field: string, value: Json | undefined, message: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value ?? null)}: ${message}`,
  field,
});
export const notSupported = (field: string, value: Json, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
  field,
});
export const forbiddenField = (field: string, message: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${message}`,
  field,
});
export const duplicate = (field: string, value: Json): Cause => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}`,
  field,
});

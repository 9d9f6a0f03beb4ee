import { describe, expect, it } from 'vitest';
import { errorTable, FairwayError, toFairwayError } from './error.ts';

describe('toFairwayError', () => {
  it('passes a FairwayError through', () => {
    const error = new FairwayError('not_found', 'gone');
    expect(toFairwayError(error)).toBe(error);
  });

  it.each([
    ['ECONNREFUSED', 'unavailable', true],
    ['ETIMEDOUT', 'deadline_exceeded', true],
    ['ENOSPC', 'resource_exhausted', true],
  ])('takes the meaning of %s', (systemCode, code, retry) => {
    const caught = Object.assign(new Error('secret detail'), { code: systemCode });
    expect(toFairwayError(caught, 'x')).toMatchObject({ code, retry, subject: 'x', cause: caught });
  });

  it('says nothing of an unknown error to clients', () => {
    const error = toFairwayError(new Error('password is hunter2'));
    expect(error).toMatchObject({ code: 'internal', message: 'internal error', retry: false });
  });

  it('knows aborts', () => {
    expect(toFairwayError(new DOMException('x', 'AbortError')).code).toBe('cancelled');
  });
});

describe('errorTable', () => {
  it('maps every code to a client or server error of HTTP and to a failing gRPC status', () => {
    for (const row of Object.values(errorTable)) {
      expect(row.http).toBeGreaterThanOrEqual(400);
      expect(row.grpc).toBeGreaterThan(0);
    }
  });
});

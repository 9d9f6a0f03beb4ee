import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../shared/error/error.ts';
import { renderError } from './render-error.ts';

describe('renderError', () => {
  it('sends to the log of the hub for a fault there, and to the command itself for one here', () => {
    const there = new FairwayError('internal', 'it broke', { details: { requestId: 'abc' } });
    expect(renderError(there)).toBe(
      'fairway: it broke\n  This is a fault in Fairway; the log of the hub has it under the request id abc.\n',
    );
    expect(renderError(new FairwayError('internal', 'it broke'))).toBe(
      'fairway: it broke\n  This is a fault in Fairway; with FAIRWAY_DEBUG=1 the command says where.\n',
    );
  });

  it('says what to do, the better hint of the thrower first', () => {
    const details = { hint: 'Do this.\nThen that.' };
    expect(renderError(new FairwayError('unavailable', 'it is away', { details }))).toBe(
      'fairway: it is away\n  Do this.\n  Then that.\n',
    );
    expect(renderError(new FairwayError('not_found', 'there is none'))).toBe('fairway: there is none\n');
  });

  it('does not ask for the hub where the hub has answered', () => {
    const said = (details?: { requestId: string }) =>
      renderError(
        new FairwayError('unavailable', 'the agent of eu-1 is not connected', details && { details }),
      );
    expect(said()).toContain('Is the hub running?');
    expect(said({ requestId: 'abc' })).toBe(
      'fairway: the agent of eu-1 is not connected\n  The hub has answered: see `fairway get clusters`, and try again.\n',
    );
  });
});

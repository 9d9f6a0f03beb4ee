import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { errorTable, FairwayError, toFairwayError } from '../../shared/error/error.ts';

/** A call as far as ending it and waiting for room goes; grpc-js's streams have it. */
export interface EndableCall {
  emit(event: 'error', error: ServiceError): boolean;
  readonly cancelled: boolean;
}

export interface WritableCall extends EndableCall {
  once(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown;
  removeListener(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown;
}

/** The error as a gRPC status: number by the table, the message that is fit for the other side, and the closed code in the trailer. */
export function toServiceError(caught: unknown): ServiceError {
  const error = toFairwayError(caught);
  const metadata = new Metadata();
  metadata.set('fairway-code', error.code);
  return Object.assign(new Error(error.message), {
    code: errorTable[error.code].grpc,
    details: error.message,
    metadata,
  });
}

/** Ends a call with that error; what was written before still goes out. */
export function failCall(call: EndableCall, caught: unknown): void {
  if (!call.cancelled) call.emit('error', toServiceError(caught));
}

/** Resolves when a stream that said "full" has room again. @throws cancelled when the call ends instead. */
export function waitForDrain(call: WritableCall): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      call.removeListener('drain', onDrain);
      call.removeListener('cancelled', onEnd);
      call.removeListener('close', onEnd);
      finish();
    };
    const onDrain = settle(resolve);
    const onEnd = settle(() => reject(new FairwayError('cancelled', 'the call has ended')));
    if (call.cancelled) return reject(new FairwayError('cancelled', 'the call has ended'));
    call.once('drain', onDrain);
    call.once('cancelled', onEnd);
    call.once('close', onEnd);
  });
}

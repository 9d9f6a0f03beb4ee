import { takeTurn } from '../preview/preview-side.ts';

/** Takes one step after the other, and lets others have their turn in between. @throws cancelled */
export async function inTurns<T>(steps: Generator<unknown, T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await takeTurn(signal);
  }
}

/** Waiting in benches: always with a limit that names what was waited for. */

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls until `read` gives a value. @throws after the limit. @param everyMs default 20. */
export async function until<T>(
  what: string,
  read: () => Promise<T | undefined> | T | undefined,
  limitMs: number,
  everyMs = 20,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await pause(everyMs);
  }
}

/** Polls until a number has not moved by more than `slack` for `quietMs`; the last. @throws after the limit. */
export async function untilSteady(
  what: string,
  read: () => number,
  options: { readonly quietMs: number; readonly slack: number; readonly limitMs: number },
): Promise<number> {
  let [since, anchor] = [performance.now(), read()];
  return until(
    `${what} to be steady`,
    () => {
      const value = read();
      if (Math.abs(value - anchor) > options.slack) [since, anchor] = [performance.now(), value];
      return performance.now() - since >= options.quietMs ? value : undefined;
    },
    options.limitMs,
    100,
  );
}

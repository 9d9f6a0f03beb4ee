/** Runs over all items, at most `max` at once. The first error ends it after those under way. */
export async function forEachBounded<T>(
  items: readonly T[],
  max: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next++] as T;
      await run(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(max, items.length) }, worker));
}

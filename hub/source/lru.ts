/** A cache bounded by bytes; the least recently used goes first. */
export interface Lru<T> {
  get(key: string): T | undefined;
  /** A value larger than a quarter of the bound is not kept. */
  set(key: string, value: T, bytes: number): void;
  readonly bytes: number;
}

export function createLru<T>(bytesMax: number): Lru<T> {
  const entries = new Map<string, { readonly value: T; readonly bytes: number }>();
  let total = 0;
  const drop = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      drop(key);
      if (bytes > bytesMax / 4) return;
      entries.set(key, { value, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= bytesMax) break;
        drop(oldest);
      }
    },
    get bytes() {
      return total;
    },
  };
}

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
  /** Used since it was last looked at for eviction. */
  used: boolean;
}

/**
 * A map with a bound on the sum of its entries' weights. What was not used for long goes first, by second chance (the clock algorithm): a look-up
 * sets a mark and moves nothing, an entry with a mark is passed over once.
 */
export class Lru<V> {
  readonly #weightMax: number;
  readonly #onRemoved: ((value: V) => void) | undefined;
  readonly #entries = new Map<string, Entry<V>>();
  #weight = 0;

  /** @param onRemoved told of each that goes, also for another of its key. */
  constructor(weightMax: number, onRemoved?: (value: V) => void) {
    this.#weightMax = weightMax;
    this.#onRemoved = onRemoved;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  /** An entry heavier than the whole bound is not kept. */
  set(key: string, value: V, weight = 1): void {
    this.#remove(key);
    if (weight > this.#weightMax) return;
    this.#entries.set(key, { value, weight, used: false });
    this.#weight += weight;
    this.shrink(() => this.#weight > this.#weightMax, key);
  }

  /** Removes what was not used for long, while it is asked to; all but `kept`. */
  shrink(isOver: () => boolean, kept?: string): void {
    for (const [oldest, entry] of this.#entries) {
      if (!isOver()) break;
      // Comes again at the end of this very walk, without its mark.
      if (entry.used) this.#pass(oldest, entry);
      else if (oldest !== kept) this.#remove(oldest);
    }
  }

  delete(key: string): void {
    this.#remove(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sum of the weights. */
  get weight(): number {
    return this.#weight;
  }

  #pass(key: string, entry: Entry<V>): void {
    this.#entries.delete(key);
    entry.used = false;
    this.#entries.set(key, entry);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
    this.#onRemoved?.(entry.value);
  }
}

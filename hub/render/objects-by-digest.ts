import type { Digest } from '../../shared/manifest/canonical.ts';
import type { RenderedObject } from '../model/rendered.ts';

/** A set's objects. The table is made when somebody looks one up: thousands of sets are held of which nobody asks for an object. */
export class ObjectsByDigest implements ReadonlyMap<Digest, RenderedObject> {
  readonly #list: readonly RenderedObject[];
  #table: ReadonlyMap<Digest, RenderedObject> | undefined;

  /** @param list no two of one digest. */
  constructor(list: readonly RenderedObject[]) {
    this.#list = list;
  }

  get size(): number {
    return this.#list.length;
  }

  get(digest: Digest): RenderedObject | undefined {
    this.#table ??= new Map(this.#list.map((object) => [object.digest, object]));
    return this.#table.get(digest);
  }

  has(digest: Digest): boolean {
    return this.get(digest) !== undefined;
  }

  forEach(call: (object: RenderedObject, digest: Digest, map: this) => void): void {
    for (const object of this.#list) call(object, object.digest, this);
  }

  *entries(): MapIterator<[Digest, RenderedObject]> {
    for (const object of this.#list) yield [object.digest, object];
  }

  *keys(): MapIterator<Digest> {
    for (const { digest } of this.#list) yield digest;
  }

  values(): MapIterator<RenderedObject> {
    return this.#list.values();
  }

  [Symbol.iterator](): MapIterator<[Digest, RenderedObject]> {
    return this.entries();
  }
}

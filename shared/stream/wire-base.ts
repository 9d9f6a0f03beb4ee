import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { FairwayError } from '../error/error.ts';
import type { Digest } from '../manifest/canonical.ts';

/** The names of a wire message's fields. */
export type FieldsOf<W> = Exclude<keyof W, '$typeName' | '$unknown'>;

/** Every field of a message, none optional: a converter to the wire stops compiling when the message grows. */
type Whole<D extends DescMessage> = {
  [K in FieldsOf<MessageShape<D>>]-?:
    | (MessageInitShape<D> extends infer I
        ? I extends { $typeName: string }
          ? never
          : I[K & keyof I]
        : never)
    | undefined;
};

/** Makes a message from all of its fields. */
export function encode<D extends DescMessage>(schema: D, fields: Whole<D>): MessageShape<D> {
  return create(schema, fields as unknown as MessageInitShape<D>);
}

/** Names every field that the converter beside it reads: a new field on the wire stops this from compiling until it is read too. */
export function reads<W>(_fields: Readonly<Record<FieldsOf<W>, true>>): void {}

/** Bytes of a digest; the empty digest is no bytes. */
export function digestToWire(digest: Digest): Uint8Array {
  return Buffer.from(digest, 'hex');
}

/** @throws invalid_argument unless it has 32 bytes, or none where `optional`. */
export function digestFromWire(bytes: Uint8Array, optional = false): Digest {
  if (bytes.length !== 32 && !(optional && bytes.length === 0))
    throw new FairwayError('invalid_argument', 'a digest on the wire must have 32 bytes');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** @throws invalid_argument above 2^53: no counter of ours gets there. */
export function numberFromWire(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new FairwayError('invalid_argument', 'a number on the wire is out of range');
  return number;
}

/** Unix milliseconds; the wire's 0 means there is none. */
export function timeFromWire(value: bigint): number | undefined {
  return value === 0n ? undefined : numberFromWire(value);
}

/** Milliseconds as a whole number; undefined: 0, which on the wire says that there is none. */
export function timeToWire(value: number | undefined): bigint {
  return BigInt(Math.trunc(value ?? 0));
}

/** A word of a closed set, or what stands in for one that this version does not know. */
export function wordOr<T extends string>(words: readonly T[], text: string, otherwise: T): T {
  return (words as readonly string[]).includes(text) ? (text as T) : otherwise;
}

/** @throws unsupported for a word that this version does not know: acting on a guess would be worse. */
export function wordOf<T extends string>(words: readonly T[], text: string, field: string): T {
  if ((words as readonly string[]).includes(text)) return text as T;
  throw new FairwayError('unsupported', `this version does not know the ${field} "${text.slice(0, 64)}"`, {
    details: { field },
  });
}

/** The message that must be there. @throws invalid_argument */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined)
    throw new FairwayError('invalid_argument', `${field} is missing`, { details: { field } });
  return value;
}

/**
 * What a scalar becomes when kustomize writes another text into its YAML node: the node keeps its type (tag), so that a text stays a text even when
 * it looks like a number, and a number must get a number.
 */
import type { Json } from '../../../shared/manifest/object.ts';
import { resolvePlain } from '../yaml/schema.ts';
import { isBigInteger } from './values.ts';

/** The text is not of the type that the field has. */
export class RetypeError extends Error {}

/** A text in a node without a type: as if it were written plainly in YAML. */
export function plainScalar(text: string): Json {
  const resolved = resolvePlain(text);
  return resolved === undefined ? text : (resolved as Json);
}

/** The text in the node of `target`. @throws RetypeError. */
export function retype(target: Json | undefined, text: string): Json {
  if (typeof target === 'string') return text;
  const resolved = plainScalar(text);
  const fits =
    target === null || target === undefined ? resolved === null : typeOf(resolved) === typeOf(target);
  if (!fits || (isWhole(target) && !isWhole(resolved)))
    throw new RetypeError(
      `what is put there is no ${isWhole(target) ? 'whole number' : target === null ? 'null' : typeOf(target)}, which the field holds`,
    );
  return resolved;
}

function isWhole(value: Json | undefined): boolean {
  return Number.isInteger(value) || isBigInteger(value);
}

function typeOf(value: Json | undefined): string {
  return isBigInteger(value) ? 'number' : typeof value;
}

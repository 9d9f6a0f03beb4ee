/**
 * What a scalar becomes when kustomize writes another text into its YAML node: the node keeps its type (tag), so that a text stays a text even when
 * it looks like a number, and a number must get a number.
 */
import type { Json } from '../../../shared/manifest/object.ts';
import { resolvePlain } from '../yaml/schema.ts';

/** The text is not of the type that the field has. */
export class RetypeError extends Error {}

/** A text in a node without a type: as if it were written plainly in YAML. */
export function plainScalar(text: string): Json {
  const resolved = resolvePlain(text);
  return resolved === undefined ? text : resolved;
}

/** The text in the node of `target`. @throws RetypeError. */
export function retype(target: Json | undefined, text: string): Json {
  if (typeof target === 'string') return text;
  const resolved = plainScalar(text);
  const fits =
    target === null || target === undefined ? resolved === null : typeof resolved === typeof target;
  if (!fits || (isWhole(target) && !isWhole(resolved)))
    throw new RetypeError(
      `${JSON.stringify(text)} is put where ${JSON.stringify(target ?? null)} is, which is of another type`,
    );
  return resolved;
}

function isWhole(value: Json | undefined): boolean {
  return Number.isInteger(value);
}

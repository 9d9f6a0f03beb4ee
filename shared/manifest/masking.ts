import { groupOf, isSecret, type Json, type JsonObject, type KubeObject, keyOf } from './object.ts';

/** On objects that the agent has decrypted (SOPS): JSON array of the pointers of those values, `*` for all outside of metadata. */
export const decryptedAnnotation = 'fairway.dev/decrypted';

/** Whether values of the object may not be shown: a Secret, or one with values that were decrypted in the cluster. */
export function isSensitive(object: KubeObject): boolean {
  const { kind, apiVersion } = object;
  return (
    isSecret({ group: groupOf(apiVersion), kind }) ||
    object.metadata.annotations?.[decryptedAnnotation] !== undefined
  );
}

const maskedKeys = ['data', 'stringData'] as const;
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const masked = /^\*\*\* \(\d+ characters\)$/;

/** What is masked already stays: agent and hub both mask, to be sure. */
function mask(value: Json): string {
  const text = String(value);
  return masked.test(text) ? text : `*** (${text.length} characters)`;
}

function maskMembers(object: KubeObject): KubeObject {
  const members: Record<string, Json | undefined> = {};
  for (const member of maskedKeys) {
    const data = object[member];
    if (data === null || typeof data !== 'object' || Array.isArray(data)) continue;
    members[member] = Object.fromEntries(
      Object.entries(data).map(([name, value]) => [name, mask(value as Json)]),
    );
  }
  return { ...object, ...members };
}

function withoutLastApplied(object: KubeObject): KubeObject {
  const { [lastApplied]: last, ...annotations } = object.metadata.annotations ?? {};
  return last === undefined ? object : { ...object, metadata: { ...object.metadata, annotations } };
}

/** Every value below. */
function maskAll(value: Json | undefined): Json | undefined {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => maskAll(item) ?? null);
  if (typeof value !== 'object') return mask(value);
  return Object.fromEntries(Object.entries(value as JsonObject).map(([name, item]) => [name, maskAll(item)]));
}

function maskAt(value: Json | undefined, segments: readonly string[]): Json | undefined {
  const [first, ...rest] = segments;
  if (first === undefined) return maskAll(value);
  // In a list positions may have moved since: all of its items are masked.
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => maskAt(item, rest) ?? null);
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, first)) return value;
  const record = value as JsonObject;
  return { ...record, [first]: maskAt(record[first], rest) };
}

/** @param pointers JSON pointers (RFC 6901); `*`: everything but what names the object. */
export function maskPointers(object: KubeObject, pointers: readonly string[]): KubeObject {
  let result: Json | undefined = withoutLastApplied(object);
  for (const pointer of pointers) {
    if (!pointer.startsWith('/')) {
      const { apiVersion, kind, metadata, ...rest } = object;
      return {
        apiVersion,
        kind,
        metadata: withoutLastApplied(object).metadata,
        ...(maskAll(rest) as JsonObject),
      };
    }
    const segments = pointer.slice(1).split('/');
    result = maskAt(
      result,
      segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~')),
    );
  }
  return result as KubeObject;
}

/** What cannot be read counts as all. */
function readPointers(text: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    const pointers = Array.isArray(parsed) ? parsed : ['*'];
    return pointers.every((pointer) => typeof pointer === 'string') ? (pointers as string[]) : ['*'];
  } catch {
    return ['*'];
  }
}

/**
 * The object as people may see it: every value of a Secret's data, and every value that was decrypted in the cluster, is replaced by its length. Other
 * objects pass as they are.
 */
export function maskSecret(object: KubeObject): KubeObject {
  const decrypted = object.metadata.annotations?.[decryptedAnnotation];
  const shown = decrypted === undefined ? object : maskPointers(object, readPointers(decrypted));
  return isSecret(keyOf(object)) ? withoutLastApplied(maskMembers(shown)) : shown;
}

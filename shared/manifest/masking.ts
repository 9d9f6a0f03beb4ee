import { isSecret, type Json, type KubeObject, keyOf } from './object.ts';

const maskedKeys = ['data', 'stringData'] as const;

/** The object as people may see it: every value of a Secret's data is replaced by its length. Other objects pass as they are. */
export function maskSecret(object: KubeObject): KubeObject {
  if (!isSecret(keyOf(object))) return object;
  const masked: Record<string, Json | undefined> = {};
  for (const member of maskedKeys) {
    const data = object[member];
    if (data === null || typeof data !== 'object' || Array.isArray(data)) continue;
    masked[member] = Object.fromEntries(
      Object.entries(data).map(([name, value]) => [name, `*** (${String(value).length} characters)`]),
    );
  }
  const { 'kubectl.kubernetes.io/last-applied-configuration': last, ...annotations } =
    object.metadata.annotations ?? {};
  const metadata = last === undefined ? object.metadata : { ...object.metadata, annotations };
  return { ...object, ...masked, metadata };
}

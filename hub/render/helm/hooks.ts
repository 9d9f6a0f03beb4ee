/**
 * Helm's hooks (https://helm.sh/docs/topics/charts_hooks/) as ours. A sync is neither an installation nor an upgrade, so both are a hook before or
 * after it; hooks of a deletion, a rollback or `helm test` have no moment here and are left out. A hook's weight is its wave.
 */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';

const hookKey = 'helm.sh/hook';
const weightKey = 'helm.sh/hook-weight';

const before: ReadonlySet<string> = new Set(['pre-install', 'pre-upgrade']);
const after: ReadonlySet<string> = new Set(['post-install', 'post-upgrade']);
/** Never run by a sync. */
const leftOut: ReadonlySet<string> = new Set([
  'test',
  'test-success',
  'test-failure',
  'pre-delete',
  'post-delete',
  'pre-rollback',
  'post-rollback',
]);

/** The object as this program takes it; undefined: left out. @throws a Problem for a hook that is unknown, or both before and after. */
export function mapHook(object: KubeObject, place: Place): KubeObject | undefined {
  const annotations = object.metadata.annotations as Readonly<Record<string, Json>> | null | undefined;
  const written = annotations?.[hookKey];
  if (annotations === null || annotations === undefined || written === undefined || written === null)
    return object;
  const names = String(written)
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const field = `metadata.annotations[${hookKey}]`;
  for (const name of names)
    if (!before.has(name) && !after.has(name) && !leftOut.has(name))
      throw problemError('unsupported', { ...place, field }, `the hook ${JSON.stringify(name)} is not known`);
  const isBefore = names.some((name) => before.has(name));
  const isAfter = names.some((name) => after.has(name));
  if (isBefore && isAfter)
    throw problemError(
      'unsupported',
      { ...place, field },
      'a hook both before and after: make two objects of it, one pre-install and one post-install',
    );
  if (!isBefore && !isAfter) return undefined;
  const added: Record<string, string> = { 'fairway.dev/hook': isBefore ? 'pre-sync' : 'post-sync' };
  const weight = annotations[weightKey];
  if (weight !== undefined && weight !== null) added['fairway.dev/wave'] = String(weight);
  const metadata = { ...object.metadata, annotations: { ...added, ...(annotations as JsonObject) } };
  return { ...object, metadata } as unknown as KubeObject;
}

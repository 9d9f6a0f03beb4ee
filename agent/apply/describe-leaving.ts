import { describeKey, type ObjectKey } from '../../shared/manifest/object.ts';

/** The API server's own: it waits for what the object owns. */
const foreground = 'foregroundDeletion';

/** `waits for finalizer foo.example/bar of ConfigMap shop/web since 2026-01-01T12:00:00Z`. */
export function describeLeaving(leaving: {
  readonly key: ObjectKey;
  readonly finalizers: readonly string[];
  readonly sinceMs: number;
}): string {
  const { key, finalizers, sinceMs } = leaving;
  const since = ` since ${new Date(sinceMs).toISOString().slice(0, 19)}Z`;
  const named = finalizers.filter((name) => name !== foreground);
  const what = describeKey(key);
  if (named.length > 0)
    return `waits for finalizer${named.length > 1 ? 's' : ''} ${named.join(', ')} of ${what}${since}`;
  if (finalizers.includes(foreground)) return `waits for what ${what} owns to go${since}`;
  return `waits for ${what} to go${since}`;
}

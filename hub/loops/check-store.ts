import type { Store } from '../store/store.ts';

/** Whether the store answers, as a check of readiness. Never throws. */
export async function checkStore(
  store: Store,
): Promise<{ readonly name: string; readonly ok: boolean; readonly message: string }> {
  try {
    await store.meta.epoch();
    return { name: 'store', ok: true, message: '' };
  } catch {
    return { name: 'store', ok: false, message: 'the store does not answer' };
  }
}

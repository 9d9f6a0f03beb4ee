interface Group {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/** Who waits for a signal, behind one listener: all requests of a step have the same signal, and an EventTarget takes long to add and to remove one. */
const groups = new WeakMap<AbortSignal, Group>();

function leave(signal: AbortSignal, { listener }: Group): void {
  groups.delete(signal);
  signal.removeEventListener('abort', listener);
}

function join(signal: AbortSignal): Group {
  const known = groups.get(signal);
  if (known) return known;
  const group: Group = {
    callbacks: new Set(),
    listener() {
      leave(signal, group);
      for (const callback of group.callbacks) callback();
    },
  };
  groups.set(signal, group);
  signal.addEventListener('abort', group.listener);
  return group;
}

/** Calls back once when the signal aborts, which it has not done yet; the result calls that off. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const group = join(signal);
  group.callbacks.add(callback);
  return () => {
    // Node keeps a signal that is made of others for as long as somebody listens to it.
    if (group.callbacks.delete(callback) && group.callbacks.size === 0) leave(signal, group);
  };
}

import { keyText } from '../../shared/manifest/object.ts';
import { effectiveKey } from '../apply/effective-object.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import type { DesiredState } from '../model/desired.ts';

/** Who desires which object, over all applications of this cluster. */
export interface Claims {
  /** The application that may hold the key: the one whose label the live object bears if it still desires it, else the first by name. */
  holder(keyText: string, labelled: string | undefined, asking: string): string;
  /** Another application that desires the key. */
  claimedBy(keyText: string, except: string): string | undefined;
  desires(keyText: string, application: string): boolean;
  /** Whether any application, the one that asks too, desires objects in the namespace. */
  namespaceUsed(namespace: string): boolean;
  /** Desired state or discovery has changed. */
  invalidate(): void;
}

interface Index {
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly namespaces: ReadonlySet<string>;
}

function buildIndex(
  desired: DesiredState,
  find: (apiVersion: string, kind: string) => ApiResource | undefined,
): Index {
  const keys = new Map<string, readonly string[]>();
  const namespaces = new Set<string>();
  const applications = [...desired.applications().values()].filter(({ target }) => !target.removed);
  applications.sort((a, b) => (a.application < b.application ? -1 : 1));
  for (const { application, target } of applications) {
    const alone = [application];
    for (const entry of target.set.entries) {
      const resource = find(entry.apiVersion, entry.key.kind);
      const key = effectiveKey(entry, resource, target.sync.namespace);
      const text = keyText(key);
      const holders = keys.get(text);
      if (!holders) keys.set(text, alone);
      else if (!holders.includes(application)) keys.set(text, [...holders, application]);
      // Of a kind that is not served it is not known whether it will lie there.
      namespaces.add(resource ? key.namespace : key.namespace || target.sync.namespace);
    }
  }
  return { keys, namespaces };
}

export function createClaims(
  desired: DesiredState,
  find: (apiVersion: string, kind: string) => ApiResource | undefined,
): Claims {
  let index: Index | undefined;
  const current = (): Index => {
    index ??= buildIndex(desired, find);
    return index;
  };
  return {
    holder(text, labelled, asking) {
      const holders = current().keys.get(text) ?? [];
      if (labelled !== undefined && holders.includes(labelled)) return labelled;
      return holders[0] ?? asking;
    },
    claimedBy: (text, except) =>
      current()
        .keys.get(text)
        ?.find((application) => application !== except),
    desires: (text, application) => current().keys.get(text)?.includes(application) ?? false,
    namespaceUsed: (namespace) => current().namespaces.has(namespace),
    invalidate() {
      index = undefined;
    },
  };
}

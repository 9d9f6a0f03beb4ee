/**
 * Secrets and ConfigMaps of managed namespaces as facts. Where their metadata is watched, only those that have changed are read again; kept are fingerprints, never a value.
 */
import type { KubeObject } from '../../shared/manifest/object.ts';
import { findLive } from '../apply/find-live.ts';
import { secretsThatCount, watchedKinds } from '../observe/fact-shapes.ts';
import { type FactKind, withKind } from '../observe/fact-watch.ts';
import { type HeldValues, isOfNobody, readHeldValues } from '../observe/held-values.ts';
import type { FactLists, FactListsPorts } from './fact-lists.ts';

export type HolderKind = 'Secret' | 'ConfigMap';

/** One parity group's view of them: fingerprints are under its salt. */
export interface FactValuesReader {
  held(kind: HolderKind, signal: AbortSignal): Promise<readonly HeldValues[]>;
}

interface Known extends HeldValues {
  readonly state: string;
}

/** More of one namespace are listed together. */
const readsEachMax = 10;
/** Each may hold a megabyte. */
const pageSize = 25;

const watchOf = (kind: HolderKind): FactKind | undefined =>
  watchedKinds.find((one) => one.group === '' && one.kind === kind);

function stateOf({ metadata }: KubeObject): string {
  return `${String(metadata['uid'])} ${String(metadata['resourceVersion'])}`;
}

export function createFactValues(
  { kube, namespaces }: Pick<FactListsPorts, 'kube' | 'namespaces'>,
  lists: Pick<FactLists, 'each' | 'find' | 'watched'>,
  salt: Uint8Array,
): FactValuesReader {
  const known: Record<HolderKind, ReadonlyMap<string, Known>> = { Secret: new Map(), ConfigMap: new Map() };

  const read = (object: KubeObject): Known => ({ ...readHeldValues(object, salt), state: stateOf(object) });

  const listAll = async (kind: HolderKind, signal: AbortSignal): Promise<readonly HeldValues[]> => {
    const found: HeldValues[] = [];
    const request = {
      ...{ group: '', kind, pageSize },
      ...(kind === 'Secret' && { fieldSelector: secretsThatCount }),
    };
    await lists.each(request, (object) => found.push(readHeldValues(object, salt)), signal);
    return found;
  };

  /** Reads what has changed, a namespace at a time. */
  const readChanged = async (
    kind: HolderKind,
    changed: readonly KubeObject[],
    signal: AbortSignal,
  ): Promise<readonly Known[]> => {
    const resource = await lists.find('', kind, signal);
    if (!resource) return [];
    const byNamespace = Map.groupBy(changed, ({ metadata }) => metadata.namespace ?? '');
    const found: Known[] = [];
    for (const [namespace, objects] of byNamespace) {
      if (objects.length > readsEachMax) {
        const wanted = new Set(objects.map(({ metadata }) => metadata.name));
        let next: string | undefined;
        do {
          const page = await kube.list(
            {
              ...{ resource, namespace, limit: pageSize },
              ...(kind === 'Secret' && { fieldSelector: secretsThatCount }),
              ...(next !== undefined && { continue: next }),
            },
            signal,
          );
          for (const item of page.items)
            if (wanted.has(item.metadata.name)) found.push(read(withKind(item, resource)));
          next = page.continue === '' ? undefined : page.continue;
        } while (next !== undefined);
        continue;
      }
      for (const { metadata } of objects) {
        const live = await findLive(kube, { resource, namespace, name: metadata.name }, signal);
        if (live) found.push(read(withKind(live, resource)));
      }
    }
    return found;
  };

  return {
    async held(kind, signal) {
      const watched = watchOf(kind);
      const watch = watched && (await lists.watched(watched, signal));
      if (!watch) return listAll(kind, signal);
      const wanted = new Set(namespaces());
      const there = watch
        .objects()
        // A certificate in a Secret that is applied ends as well.
        .filter(
          (object) =>
            wanted.has(object.metadata.namespace ?? '') && (kind === 'Secret' || isOfNobody(object)),
        );
      const before = known[kind];
      const kept = new Map<string, Known>();
      const changed: KubeObject[] = [];
      for (const object of there) {
        const place = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
        const one = before.get(place);
        if (one?.state === stateOf(object)) kept.set(place, one);
        else changed.push(object);
      }
      for (const one of await readChanged(kind, changed, signal)) kept.set(one.place, one);
      known[kind] = kept;
      return [...kept.values()];
    },
  };
}

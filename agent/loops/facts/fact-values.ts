/**
 * Secrets and ConfigMaps of managed namespaces as facts. Where their metadata is watched, only those that have changed are read again, once for however many groups ask; kept are digests, never
 * a value.
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import { orAborted } from '../../../shared/loop/or-aborted.ts';
import type { FactGap } from '../../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { findLive } from '../../apply/find-live.ts';
import type { ApiResource } from '../../kube/kube-client.ts';
import { secretsThatCount, watchedKinds } from '../../observe/fact-shapes.ts';
import { type FactKind, objectsMaxDefault, withKind } from '../../observe/fact-watch.ts';
import { type HeldValues, isOfNobody, readHeldValues } from '../../observe/held-values.ts';
import { tooMany } from './fact-gaps.ts';
import type { FactLists, FactListsPorts } from './fact-lists.ts';
import { explainDenied, listObjects, objectsOf } from './list-objects.ts';

export type HolderKind = 'Secret' | 'ConfigMap';

/** What is known of all of a kind, and what that leaves out. */
export interface Held {
  readonly values: readonly HeldValues[];
  readonly gaps: readonly FactGap[];
}

export interface FactValuesReader {
  held(kind: HolderKind, signal: AbortSignal): Promise<Held>;
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

/** Read as a whole, one after the other; kept is what is worked out of it, as an object in the place of the one that was read. */
const wholeOf = (kind: HolderKind): FactKind => ({
  ...{ group: '', kind, pageSize },
  ...(kind === 'Secret' && { fieldSelector: secretsThatCount }),
  trim: ({ apiVersion, metadata, ...rest }) => {
    const { name, namespace = '' } = metadata;
    const held = readHeldValues({ apiVersion, metadata, ...rest } as KubeObject);
    return { apiVersion, kind, metadata: { name, namespace }, held } as unknown as KubeObject;
  },
});

export function createFactValues(
  { kube, namespaces }: Pick<FactListsPorts, 'kube' | 'namespaces'>,
  lists: Pick<FactLists, 'find' | 'watched' | 'slowly' | 'lifetime'>,
): FactValuesReader {
  const known: Record<HolderKind, ReadonlyMap<string, Known>> = { Secret: new Map(), ConfigMap: new Map() };
  const last: Record<HolderKind, Promise<unknown>> = {
    Secret: Promise.resolve(),
    ConfigMap: Promise.resolve(),
  };

  const listAll = async (kind: HolderKind, signal: AbortSignal): Promise<Held> => {
    const resource = await lists.find('', kind, signal);
    if (!resource) return { values: [], gaps: [] };
    const listed = await listObjects(kube, resource, wholeOf(kind), namespaces(), signal);
    const values = objectsOf(listed).map((object) => object['held'] as unknown as HeldValues);
    return { values, gaps: listed.gaps };
  };

  const readTogether = async (
    {
      resource,
      namespace,
      wanted,
    }: { resource: ApiResource; namespace: string; wanted: ReadonlySet<string> },
    keep: (object: KubeObject) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    let next: string | undefined;
    do {
      const page = await kube.list(
        {
          ...{ resource, namespace, limit: pageSize },
          ...(resource.kind === 'Secret' && { fieldSelector: secretsThatCount }),
          ...(next !== undefined && { continue: next }),
        },
        signal,
      );
      for (const item of page.items) if (wanted.has(item.metadata.name)) keep(withKind(item, resource));
      next = page.continue === '' ? undefined : page.continue;
    } while (next !== undefined);
  };

  /** Reads what has changed, a namespace at a time; what was read before something failed is kept. */
  const readChanged = async (
    kind: HolderKind,
    changed: readonly KubeObject[],
    keep: (object: KubeObject) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    const resource = await lists.find('', kind, signal);
    if (!resource) return;
    for (const [namespace, objects] of Map.groupBy(changed, ({ metadata }) => metadata.namespace ?? '')) {
      const names = objects.map(({ metadata }) => metadata.name);
      const together = names.length > readsEachMax;
      try {
        if (together) await readTogether({ resource, namespace, wanted: new Set(names) }, keep, signal);
        else
          for (const name of names) {
            const live = await findLive(kube, { resource, namespace, name }, signal);
            if (live) keep(withKind(live, resource));
          }
      } catch (caught) {
        throw explainDenied(toFairwayError(caught), together ? 'list' : 'get', resource, namespace);
      }
    }
  };

  const heldNow = async (kind: HolderKind, signal: AbortSignal): Promise<Held> => {
    const watched = watchOf(kind);
    const watch = watched && (await lists.watched(watched, signal));
    if (!watch) return lists.slowly(`held ${kind}`, (until) => listAll(kind, until), signal);
    const objects = watch.counted().map(([object]) => object);
    // A certificate in a Secret that is applied ends as well.
    const there = objects.filter((object) => kind === 'Secret' || isOfNobody(object));
    const before = known[kind];
    const kept = new Map<string, Known>();
    const changed: KubeObject[] = [];
    for (const object of there) {
      const place = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      const one = before.get(place);
      if (one?.state === stateOf(object)) kept.set(place, one);
      else changed.push(object);
    }
    const keep = (object: KubeObject) => {
      const one = { ...readHeldValues(object), state: stateOf(object) };
      kept.set(one.place, one);
    };
    try {
      await readChanged(kind, changed, keep, signal);
    } finally {
      known[kind] = kept;
    }
    const gaps = watch.cut ? [tooMany(kind, objectsMaxDefault)] : [];
    return { values: [...kept.values()], gaps };
  };

  return {
    held(kind, signal) {
      // Two groups that ask at once read what has changed once.
      const turn = last[kind].then(() => heldNow(kind, lists.lifetime(signal)));
      last[kind] = turn.catch(() => {});
      // Thousands may take longer than a question waits: the next one finds them read.
      return orAborted(turn, signal);
    },
  };
}

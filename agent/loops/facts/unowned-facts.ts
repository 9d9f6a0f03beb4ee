/** Fields of managed objects that a parity group wants compared though nobody applies them: watched, kind by kind, as long as somebody asks. */
import { orAborted } from '../../../shared/loop/or-aborted.ts';
import { type FactGap, liveFactName, type UnownedField } from '../../../shared/manifest/cluster-facts.ts';
import { fingerprintValue, placeOfValue } from '../../../shared/manifest/fingerprint.ts';
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import type { ApiResource } from '../../kube/kube-client.ts';
import type { DesiredState } from '../../model/desired.ts';
import { applySetId, partOfLabel } from '../../model/inventory.ts';
import { objectsMaxDefault } from '../../observe/fact-watch.ts';
import { tellUnowned } from '../../observe/unowned-values.ts';
import { type Collected, gapOf, tooMany } from './fact-gaps.ts';
import type { FactLists, FactListsPorts } from './fact-lists.ts';
import { type Listed, listObjects, nothingListed, objectsOf } from './list-objects.ts';
import { type UnownedWatches, unownedKind, unownedName } from './unowned-watches.ts';

/** Kinds whose fields one group compares. */
export const unownedKindsMax = 20;

export interface UnownedFactsPorts extends FactListsPorts {
  readonly desired: Pick<DesiredState, 'applications' | 'object'>;
  /** The agent's own: inventory labels are made from it. */
  readonly namespace: string;
}

/** Objects of a kind, by their places. */
interface Live {
  readonly resource: ApiResource;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

/** One group's. */
export function createUnownedFacts(
  ports: UnownedFactsPorts,
  lists: Pick<FactLists, 'find' | 'slowly' | 'watching'>,
  watches: UnownedWatches,
  salt: Uint8Array,
) {
  const owner = {};
  let asked = '';
  let stopped = false;

  const listOf = async (
    resource: ApiResource,
    fields: readonly UnownedField[],
    signal: AbortSignal,
  ): Promise<Listed> => {
    const mayWatch = !stopped && lists.watching && resource.verbs.includes('watch');
    const watch = mayWatch ? watches.acquire(owner, resource, fields) : undefined;
    if (watch) await orAborted(watch.started, signal);
    if (watch?.synced) {
      const gaps = watch.cut ? [tooMany(resource.kind, objectsMaxDefault)] : [];
      return { counted: watch.counted(), gaps };
    }
    // Of all namespaces it may not be: those of the applications will do.
    const { elsewhere: _elsewhere, ...ofManaged } = unownedKind(resource, fields);
    const list = (until: AbortSignal) =>
      listObjects(ports.kube, resource, ofManaged, ports.namespaces(), until);
    return lists.slowly(`unowned ${unownedName(resource, fields)}`, list, signal);
  };

  /** A kind that may not be listed is left out, and the others are told. */
  const placesOf = async (
    resource: ApiResource,
    fields: readonly UnownedField[],
    signal: AbortSignal,
    gaps: FactGap[],
  ): Promise<ReadonlyMap<string, KubeObject>> => {
    try {
      const listed = await listOf(resource, fields, signal);
      gaps.push(...listed.gaps);
      return byPlace(objectsOf(listed));
    } catch (caught) {
      signal.throwIfAborted();
      gaps.push(gapOf(resource.kind, caught));
      return byPlace(objectsOf(nothingListed));
    }
  };

  return {
    /** For good: a question that is under way opens no watch any more. */
    stop() {
      stopped = true;
      watches.release(owner);
    },
    async collect(fields: readonly UnownedField[], signal: AbortSignal): Promise<Collected> {
      const text = JSON.stringify(fields);
      if (text !== asked || !lists.watching) watches.release(owner);
      asked = text;
      const all = [...new Set(fields.map(({ kind }) => kind))];
      const kinds = new Set(all.slice(0, unownedKindsMax));
      const gaps = all.slice(unownedKindsMax).map(
        (kind): FactGap => ({
          kind,
          reason: 'bound',
          message: `it is beyond the first ${unownedKindsMax} kinds`,
        }),
      );
      const facts: (readonly [string, Json])[] = [];
      const live = new Map<string, Live | undefined>();
      const liveOf = async (group: string, kind: string): Promise<Live | undefined> => {
        const resource = await lists.find(group, kind, signal);
        return resource && { resource, objects: await placesOf(resource, fields, signal, gaps) };
      };
      for (const { application, target } of ports.desired.applications().values()) {
        const partOf = applySetId(application, ports.namespace);
        for (const { key, originId, hook, objectDigest } of target.set.entries) {
          if (!kinds.has(key.kind) || hook !== undefined) continue;
          const id = `${key.group}/${key.kind}`;
          if (!live.has(id)) live.set(id, await liveOf(key.group, key.kind));
          const known = live.get(id);
          if (!known) continue;
          const namespace = known.resource.namespaced ? key.namespace || target.sync.namespace : '';
          const found = known.objects.get(`${namespace}/${key.name}`);
          // Somebody else's of that name is not what the other cluster has.
          if (found?.metadata.labels?.[partOfLabel] !== partOf) continue;
          const fingerprint = (path: string, value: string) =>
            fingerprintValue(salt, placeOfValue(application, originId, path), value);
          // Somebody may have taken the note of what was decrypted off the live one.
          const text = ports.desired.object(objectDigest);
          if (text === undefined) continue;
          const told = tellUnowned(found, fingerprint, text.includes('"sops"'));
          facts.push([liveFactName(application, originId), told]);
        }
      }
      return { facts, gaps };
    },
  };
}

function byPlace(objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  return new Map(objects.map((one) => [`${one.metadata.namespace ?? ''}/${one.metadata.name}`, one]));
}

/** Watches of fields that nobody applies: groups that compare the same fields of a kind share one. */
import type { UnownedField } from '../../../shared/manifest/cluster-facts.ts';
import type { ApiResource } from '../../kube/kube-client.ts';
import {
  createFactWatch,
  type FactKind,
  type FactWatch,
  type FactWatchPorts,
} from '../../observe/fact-watch.ts';
import { trimUnowned } from '../../observe/unowned-values.ts';
import { managedSelector } from './fact-lists.ts';

/** Whoever wants a watch: a group. */
export type WatchOwner = object;

export interface UnownedWatches {
  /** Open for that owner from now on, in the place of what it wanted of that kind before. Undefined: more are not opened; it has to be listed. */
  acquire(owner: WatchOwner, resource: ApiResource, fields: readonly UnownedField[]): FactWatch | undefined;
  /** What nobody else wants ends. */
  release(owner: WatchOwner): void;
}

/** A connection each, of all groups together. */
export const unownedWatchesMax = 60;

/** What is kept of a kind for those fields. */
export function unownedKind({ group, kind }: ApiResource, fields: readonly UnownedField[]): FactKind {
  return {
    ...{ group, kind, labelSelector: managedSelector, pageSize: 100, elsewhere: 'told' },
    trim: (object) => trimUnowned(object, fields),
  };
}

/** The same for all that want the same. */
export function unownedName({ group, version, kind }: ApiResource, fields: readonly UnownedField[]): string {
  const paths = fields.filter((one) => one.kind === kind).map(({ path }) => path);
  return `${group}/${version}/${kind} ${[...paths].sort().join(' ')}`;
}

export function createUnownedWatches(ports: FactWatchPorts): UnownedWatches {
  const open = new Map<string, { readonly watch: FactWatch; readonly owners: Set<WatchOwner> }>();
  const leave = (owner: WatchOwner, isMeant: (name: string, watch: FactWatch) => boolean) => {
    for (const [name, { watch, owners }] of open) {
      if (!isMeant(name, watch) || !owners.delete(owner) || owners.size > 0) continue;
      watch.stop();
      open.delete(name);
    }
  };
  return {
    acquire(owner, resource, fields) {
      const name = unownedName(resource, fields);
      const known = open.get(name);
      // That of other fields, or of a version that was served before.
      leave(
        owner,
        (other, { resource: { group, kind } }) =>
          other !== name && group === resource.group && kind === resource.kind,
      );
      if (!known && open.size >= unownedWatchesMax) return undefined;
      // What it had no room for would have it now: it is begun anew.
      const found =
        known && !known.watch.hasRoom
          ? known
          : {
              watch: createFactWatch(resource, unownedKind(resource, fields), ports),
              owners: known?.owners ?? new Set<WatchOwner>(),
            };
      if (found !== known) known?.watch.stop();
      found.owners.add(owner);
      open.set(name, found);
      return found.watch;
    },
    release(owner) {
      leave(owner, () => true);
    },
  };
}

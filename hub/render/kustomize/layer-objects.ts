import { problemError } from '../render-error.ts';
import type { Resource } from '../resource.ts';
import type { AccumulateContext, Base } from './accumulate-context.ts';
import { type IdIndex, indexOf, indexOfBase } from './id-index.ts';
import { scoped, scopedOne } from './schema-choice.ts';

/** The objects of one layer while it is read. Each identity is there once, and there are no more than the limits allow. */
export interface LayerObjects {
  readonly list: readonly Resource[];
  /** Adds an object, judged by the schema in force. @throws a Problem when one of its identity is there already, or there are too many. */
  append(read: Resource): void;
  /** Adds all objects of a base. The first base is taken as a whole: that its objects differ is found out once for all that stand on it. @throws as `append`. */
  appendBase(base: readonly Resource[]): void;
  /** Puts `next`, which may have another identity, where `old` is. */
  replace(old: Resource, next: Resource): void;
  /** After another schema may have come into force. */
  rescope(): void;
}

/** @param context whose schema is read anew each time: kustomizations change it as they are read. */
export function createLayerObjects(
  context: Pick<AccumulateContext<Base>, 'schema' | 'limits'>,
  start: readonly Resource[],
): LayerObjects {
  let list = [...start];
  let ids: IdIndex | undefined;
  const append = (read: Resource) => {
    ids ??= indexOf(list);
    const resource = scopedOne(read, context.schema);
    const earlier = ids.add(resource);
    const { place, object } = resource;
    if (earlier !== undefined)
      throw problemError(
        'conflict',
        place,
        `${object.kind} ${object.metadata.name} is there already, from ${earlier.place.file}:${earlier.place.line}`,
      );
    list.push(resource);
    const { objectsMax } = context.limits;
    if (list.length > objectsMax)
      throw problemError('resource_exhausted', place, `more than ${objectsMax} objects`);
  };
  return {
    get list() {
      return list;
    },
    append,
    appendBase(base) {
      const baseIds = list.length === 0 ? indexOfBase(base) : undefined;
      if (baseIds === undefined || base.length > context.limits.objectsMax) return base.forEach(append);
      ids = baseIds;
      list = [...base];
    },
    replace(old, next) {
      list = list.map((one) => (one === old ? next : one));
      ids = undefined;
    },
    rescope() {
      const next = scoped(list, context.schema);
      if (next === list) return;
      list = [...next];
      ids = undefined;
    },
  };
}

/** Values of a transformer or generator that is an object itself: patches and the like may have changed that object before it ran. */
import {
  eventsOf,
  type FindOrigin,
  type Lineage,
  type Origin,
  type Spot,
  type WrittenPath,
} from './lineage.ts';

/** Takes what is found within the object's own text for what it became, where that was last written. @param own of the object. */
export function asLastWritten(find: FindOrigin, own: Lineage | undefined): FindOrigin {
  const at = own?.earlier && eventsOf(own)[0]?.at;
  if (own === undefined || at === undefined || !('text' in at)) return find;
  return (change) => {
    const origin = find(change);
    if (origin === undefined || !('spot' in origin)) return origin;
    const path = pathWithin(at, origin.spot);
    return path === undefined ? origin : lastWritten(own, path, origin);
  };
}

/** The end of an object's lineage with the same of all that it began with. */
export function withFinds(event: Lineage, own: Lineage | undefined): Lineage {
  if (own?.earlier === undefined) return event;
  const { agent, earlier } = event;
  return {
    ...{ ...event, agent: { ...agent, find: asLastWritten(agent.find, own) } },
    earlier: earlier && withFinds(earlier, own),
  };
}

function lastWritten(
  lineage: Lineage,
  path: WrittenPath,
  { spot, holds, through }: Extract<Origin, { readonly spot: Spot }>,
): Origin {
  return { ...{ lineage, path, holds, otherwise: spot }, ...(through && { through }) };
}

/** Undefined: the spot is elsewhere. */
function pathWithin(at: Spot, { text, document, path }: Spot): WrittenPath | undefined {
  const same = text === at.text && document === at.document;
  return same && at.path.every((part, index) => path[index] === part)
    ? path.slice(at.path.length)
    : undefined;
}

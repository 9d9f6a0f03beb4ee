/** Who was last at work here, and with what: marks that all agents of one cluster can read (agent/loops/fence.ts). */
import type { Epoch } from '../../shared/manifest/target.ts';

interface Marked {
  readonly epoch: Epoch;
  readonly generation: number;
}

/** Marks beside those that the inventory's parents bear: they come with the cached state, which is written for a new target anyway. */
export interface Marks {
  /** By application. One request. */
  read(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /**
   * Resolves when the marks tell all that is desired now. @throws when they could not be written. Undefined: they are not written here, and a new target is
   * marked on its parent.
   */
  readonly settle: (() => Promise<void>) | undefined;
}

/** The hub's life, and the generation in it. */
export function formatMark({ epoch, generation }: Marked): string {
  return `${epoch.id}/${epoch.counter}/${generation}`;
}

/** Generations can be compared within one life of the hub only: a new hub begins anew, and counts. */
export function isNewer(mark: string | undefined, own: string): boolean {
  const cut = (text: string) =>
    [text.slice(0, text.lastIndexOf('/')), Number(text.slice(text.lastIndexOf('/') + 1))] as const;
  const [epoch, generation] = cut(mark ?? '');
  const [ownEpoch, ownGeneration] = cut(own);
  return epoch === ownEpoch && generation > ownGeneration;
}

/** Annotations of one object may take 256 KiB (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/). */
const marksLengthMax = 128 * 1024;

/** As JSON, by hub's life and application; undefined where that would be too long. */
export function formatMarks(
  applications: Iterable<Marked & { readonly application: string }>,
): string | undefined {
  const lives: Record<string, Record<string, number>> = {};
  for (const { application, epoch, generation } of applications) {
    const life = `${epoch.id}/${epoch.counter}`;
    lives[life] ??= {};
    lives[life][application] = generation;
  }
  const text = JSON.stringify(lives);
  return text.length > marksLengthMax ? undefined : text;
}

/** What cannot be read says nothing. */
export function parseMarks(text: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let lives: unknown;
  try {
    lives = JSON.parse(text ?? '{}');
  } catch {
    // Somebody else's: as good as none.
    return found;
  }
  if (lives === null || typeof lives !== 'object') return found;
  for (const [life, generations] of Object.entries(lives))
    for (const [application, generation] of Object.entries(generations ?? {}))
      if (Number.isSafeInteger(generation)) found.set(application, `${life}/${generation}`);
  return found;
}

/** What is kept for each parity group that asks, as long as it does: a group that was removed leaves no watch behind, though others of the cluster go on asking. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { digestText } from '../../../shared/manifest/canonical.ts';
import type { createFingerprints } from '../../observe/held-values.ts';
import type { FactLists } from './fact-lists.ts';
import type { createSealedFacts } from './sealed-facts.ts';
import type { createUnownedFacts } from './unowned-facts.ts';

/** One group's: it is known by its salt. */
export interface GroupFacts {
  readonly fingerprints: ReturnType<typeof createFingerprints>;
  readonly sealed: ReturnType<typeof createSealedFacts>;
  readonly unowned: ReturnType<typeof createUnownedFacts>;
}

export interface GroupBook {
  /** The group of that salt asks. @param watch it wants to know of changes: what can be watched is, from now on. */
  asked(salt: Uint8Array, watch: boolean): GroupFacts;
  /** Forgets all, and ends what is watched. */
  stop(): void;
}

/** More of one cluster push out whoever has asked the longest time ago: its fields are watched anew when it asks again, and what is encrypted for it opened anew. */
export const groupsMax = 64;
/** A group that has not asked for so long does not want to know any more. */
const wantedMs = 900_000;

interface Kept {
  readonly facts: GroupFacts;
  readonly watch: boolean;
  readonly cancelEnd: () => void;
}

export function createGroupBook(
  clock: Clock,
  lists: Pick<FactLists, 'begin' | 'end'>,
  create: (salt: Uint8Array) => GroupFacts,
): GroupBook {
  const groups = new Map<string, Kept>();
  const forget = (id: string) => {
    const known = groups.get(id);
    known?.cancelEnd();
    known?.facts.unowned.stop();
    groups.delete(id);
    if (![...groups.values()].some(({ watch }) => watch)) lists.end();
  };
  return {
    asked(salt, watch) {
      const id = digestText(salt);
      const before = groups.get(id);
      before?.cancelEnd();
      const facts = before?.facts ?? create(salt);
      groups.delete(id);
      groups.set(id, { facts, watch, cancelEnd: clock.after(wantedMs, () => forget(id)) });
      if (watch) lists.begin();
      for (const oldest of groups.keys()) if (groups.size > groupsMax) forget(oldest);
      return facts;
    },
    stop() {
      for (const id of [...groups.keys()]) forget(id);
    },
  };
}

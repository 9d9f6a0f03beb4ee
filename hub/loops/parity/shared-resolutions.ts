import type { Resolution } from '../../store/repositories/fleet-repository.ts';
import type { Store } from '../../store/store.ts';

/** Targets of resolutions that are kept, of all clusters: about 100 bytes each. */
const keptTargetsMax = 100_000;

export interface SharedResolutions {
  /** As the store has it: read once for all who ask until something of the fleet changes. */
  resolution(application: string): Promise<Resolution | undefined>;
  /** The fleet is another: what was read is read again. */
  forget(): void;
}

/**
 * A resolution names the targets of every cluster, and many groups of few clusters each want theirs at once. What the store says of a change comes before the answer to any question that is
 * asked after it, so what is kept is never older than what was told.
 */
export function shareResolutions(
  store: Pick<Store, 'fleet'>,
  targetsMax = keptTargetsMax,
): SharedResolutions {
  const asked = new Map<string, Promise<Resolution | undefined>>();
  let targets = 0;
  const read = (application: string): Promise<Resolution | undefined> => {
    const reading = store.fleet.resolution(application).then(
      (resolution) => {
        if (asked.get(application) !== reading) return resolution;
        const size = 1 + Object.keys(resolution?.targets ?? {}).length;
        // Not the oldest is let go: whoever asks for more than fits asks in the same order each time, and would find nothing.
        if (targets + size > targetsMax) asked.delete(application);
        else targets += size;
        return resolution;
      },
      (error: unknown) => {
        if (asked.get(application) === reading) asked.delete(application);
        throw error;
      },
    );
    asked.set(application, reading);
    return reading;
  };
  return {
    resolution: (application) => asked.get(application) ?? read(application),
    forget() {
      asked.clear();
      targets = 0;
    },
  };
}

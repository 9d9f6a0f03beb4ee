import type { Condition } from '../../shared/condition/condition.ts';
import type { PlacementState } from './placement-view.ts';

/** One part of a whole: an application of a cluster, or a cluster of an application. */
export interface Part {
  readonly name: string;
  readonly state: PlacementState;
  readonly reason: string;
  readonly message: string;
  /** When this part last moved, Unix milliseconds. */
  readonly sinceMs: number;
}

const spelledOutMax = 3;
/** The worst first: it is named first and gives the reason. */
const severity: readonly PlacementState[] = ['stalled', 'paused', 'reconciling', 'away', 'ready'];

/**
 * Ready, and Reconciling or Stalled while they are true, of a whole by its parts. Where all that is not ready is away, Ready is Unknown: offline is not
 * unhealthy. Times are those of the latest part that moved, since a fold has no memory. Sorted by type.
 */
export function summariseParts(parts: readonly Part[], noun: string, nowMs: number): readonly Condition[] {
  const waiting = parts
    .filter(({ state }) => state !== 'ready')
    .sort((a, b) => severity.indexOf(a.state) - severity.indexOf(b.state) || (a.name < b.name ? -1 : 1));
  const count = `${parts.length - waiting.length} of ${parts.length} ${noun}${parts.length === 1 ? '' : 's'}`;
  const [worst] = waiting;
  const lastTransitionTimeMs = latest(worst ? waiting : parts, nowMs);
  if (!worst) {
    const message = parts.length === 0 ? `no ${noun}s` : `${count} ready`;
    return [
      {
        type: 'Ready',
        status: 'True',
        reason: parts.length === 0 ? 'Empty' : 'Healthy',
        message,
        lastTransitionTimeMs,
      },
    ];
  }
  const named = waiting.slice(0, spelledOutMax).map(({ name, message }) => `${name} ${message}`);
  const more = waiting.length > spelledOutMax ? `; and ${waiting.length - spelledOutMax} more` : '';
  const message = `${count} ready: ${named.join('; ')}${more}`;
  const status = worst.state === 'away' ? 'Unknown' : 'False';
  const conditions: Condition[] = [
    { type: 'Ready', status, reason: worst.reason, message, lastTransitionTimeMs },
  ];
  for (const [type, state] of [
    ['Reconciling', 'reconciling'],
    ['Stalled', 'stalled'],
  ] as const) {
    const concerned = waiting.filter((part) => part.state === state);
    const [first] = concerned;
    if (!first) continue;
    const text = `${first.name} ${first.message}${concerned.length > 1 ? `; and ${concerned.length - 1} more` : ''}`;
    conditions.push({
      type,
      status: 'True',
      reason: first.reason,
      message: text,
      lastTransitionTimeMs: latest(concerned, nowMs),
    });
  }
  return conditions.sort((a, b) => (a.type < b.type ? -1 : 1));
}

function latest(parts: readonly Part[], nowMs: number): number {
  const time = parts.reduce((most, { sinceMs }) => Math.max(most, sinceMs), 0);
  return time > 0 ? time : nowMs;
}

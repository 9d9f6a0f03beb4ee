/**
 * What a rollout waits for while it takes back what it brought, wave by wave: by `rollbackSpeed: waves` the last wave goes first, and those before it wait for
 * it. Says what the reducer does in `roll-back.ts`. Pure.
 */
import type { RolloutInput } from '../advance-rollout.ts';
import { clusterState } from '../cluster-states.ts';
import type { NextDecision } from '../next-decision.ts';
import { expectedUntilMs, isBack, mustGoBack, waitedUntilMs } from '../roll-back.ts';
import type { Gate, RolloutState, WaveState } from '../rollout-state.ts';

export interface WaveBack {
  /** Before: another wave goes back first. Clusters: that are not healthy yet with what they had. None: it waits for nothing (any more). */
  readonly gate: Extract<Gate, 'before' | 'clusters' | 'none'>;
  readonly waitsOn: string;
  readonly next: NextDecision | undefined;
  /** Those that have not gone back yet, and those that are waited for. */
  readonly clusters: ReadonlyMap<string, ClusterBack>;
}

export interface ClusterBack {
  /** Why it has not gone back yet; empty: it has. */
  readonly waitsOn: string;
  readonly next: NextDecision | undefined;
}

export interface WayBack {
  /** As in the rollout. */
  readonly waves: readonly WaveBack[];
  /** The wave that goes back now: nobody else goes before it is back, but where all go at once. Undefined: all are back. */
  readonly current: { readonly name: string; readonly waitsOn: string } | undefined;
  readonly next: NextDecision | undefined;
}

const isDone: WaveBack = { gate: 'none', waitsOn: '', next: undefined, clusters: new Map() };

/** Whoever went back is waited for, for so long at the latest; who is away is expected back for less. */
function nextOf(
  state: RolloutState,
  cluster: string,
  { observed, nowMs }: RolloutInput,
): NextDecision | undefined {
  const rolledBackAtMs = clusterState(state.clusters, cluster)?.rolledBackAtMs;
  if (rolledBackAtMs === undefined) return undefined;
  const healthyByMs = waitedUntilMs(state, rolledBackAtMs);
  const awayAtMs = expectedUntilMs(observed.get(cluster), nowMs);
  return awayAtMs !== undefined && awayAtMs < healthyByMs
    ? { atMs: awayAtMs, what: 'away' }
    : { atMs: healthyByMs, what: 'goes-on' };
}

/** Nothing is decided before the last of them is waited for no more. */
function last(found: readonly (NextDecision | undefined)[]): NextDecision | undefined {
  let next: NextDecision | undefined;
  for (const one of found) if (one !== undefined && one.atMs > (next?.atMs ?? 0)) next = one;
  return next;
}

function describeWaited(waited: readonly string[], wave: WaveState, { observed }: RolloutInput): string {
  const [first = ''] = waited;
  const said = observed.get(first)?.report?.message ?? '';
  const had = waited.length === 1 ? 'it' : 'they';
  const which = `${waited.length} of ${wave.clusters.length} not healthy with what ${had} had before: ${first}`;
  return said === '' ? which : `${which}: ${said}`;
}

/** @param behind the wave after it that is not back; undefined: there is none, or nobody waits for it. */
function waveBack(
  state: RolloutState,
  wave: WaveState,
  behind: { readonly wave: WaveState; readonly back: WaveBack } | undefined,
  input: RolloutInput,
): WaveBack {
  const toGo = wave.clusters.filter((cluster) => mustGoBack(state, cluster, input));
  const waited = wave.clusters.filter((cluster) => !isBack(state, cluster, input));
  const clusters = new Map<string, ClusterBack>();
  for (const cluster of waited) clusters.set(cluster, { waitsOn: '', next: nextOf(state, cluster, input) });
  if (toGo.length === 0) {
    if (waited.length === 0) return isDone;
    const next = last([...clusters.values()].map((one) => one.next));
    return { gate: 'clusters', waitsOn: describeWaited(waited, wave, input), next, clusters };
  }
  const goes = `${toGo.length} of ${wave.clusters.length} to go back`;
  const waitsOn = behind === undefined ? 'its turn to go back' : `wave ${behind.wave.name} to go back first`;
  // Of waves still further ahead nobody knows when it is their turn.
  const at = behind?.back.gate === 'clusters' ? behind.back.next : undefined;
  const next = at && ({ atMs: at.atMs, what: 'goes-back' } as const);
  for (const cluster of toGo) clusters.set(cluster, { waitsOn, next });
  return behind === undefined
    ? { gate: 'clusters', waitsOn: goes, next, clusters }
    : { gate: 'before', waitsOn, next, clusters };
}

/** Undefined: it takes nothing back. */
export function wayBack(state: RolloutState, input: RolloutInput): WayBack | undefined {
  if (state.phase !== 'RollingBack') return undefined;
  const byWaves = state.strategy.rollbackSpeed === 'waves';
  const waves: WaveBack[] = [];
  let behind: { readonly wave: WaveState; readonly back: WaveBack } | undefined;
  let current: WayBack['current'];
  for (const wave of state.waves.toReversed()) {
    const back = waveBack(state, wave, byWaves ? behind : undefined, input);
    waves.push(back);
    if (back.gate === 'none') continue;
    behind = { wave, back };
    current ??= { name: wave.name, waitsOn: back.waitsOn };
  }
  const going = waves.filter(({ gate }) => gate === 'clusters').map(({ next }) => next);
  return { waves: waves.toReversed(), current, next: byWaves ? going[0] : last(going) };
}

/** What a wave waits for, in one word: for the words that people read, and for the history. Pure. */
import { openClusters, type RolloutInput } from '../advance-rollout.ts';
import { heldUpBy, isInFlight } from '../choose-clusters.ts';
import { illUntilMs } from '../ill-clusters.ts';
import { specOf } from '../plan-waves.ts';
import type { Gate, RolloutState, WaveState } from '../rollout-state.ts';
import { soakEndMs } from '../soak-end.ts';
import { opennessAt } from '../windows.ts';

export function gateOf(state: RolloutState, wave: WaveState, input: RolloutInput): Gate {
  const spec = specOf(state.strategy, wave);
  const { open } = opennessAt(state.strategy, input.nowMs);
  if (wave.endedAtMs !== undefined) return 'none';
  if (wave.startedAtMs === undefined) {
    const first = state.waves.find(({ endedAtMs }) => endedAtMs === undefined);
    if (first?.name !== wave.name) return 'before';
    if (spec.approval?.when === 'before' && !wave.approvedBefore) return 'approval';
    return open ? 'none' : 'window';
  }
  const { waiting, offline } = openClusters(state, wave, input);
  if (waiting.length > 0 && heldUpBy(state, wave, input).length > 0) return 'unavailable';
  if (waiting.length > 0)
    return open || waiting.some((cluster) => isInFlight(state, cluster)) ? 'clusters' : 'window';
  if (wave.settledAtMs === undefined) return offline.length > 0 ? 'away' : 'none';
  if (input.nowMs < soakEndMs(wave, spec, input)) return 'soak';
  if (illUntilMs(state, wave, input) !== undefined) return 'clusters';
  if (spec.approval?.when === 'after' && !wave.approvedAfter) return 'approval';
  return spec.analysis.length > 0 && !wave.overruled ? 'analysis' : 'none';
}

/** Gates that hold a rollout without anything going on in it. */
const noted: ReadonlySet<Gate> = new Set(['approval', 'window', 'away', 'unavailable']);

/** The state with the gate that holds it now, and since when; the same where that is as it was. */
export function noteGate(state: RolloutState, input: RolloutInput): RolloutState {
  const wave = state.waves.find(({ endedAtMs }) => endedAtMs === undefined);
  const gate = state.phase === 'Progressing' && wave ? gateOf(state, wave, input) : 'none';
  const before = state.waits;
  if (wave === undefined || !noted.has(gate)) {
    if (before === undefined) return state;
    const { waits: _, ...free } = state;
    return free;
  }
  if (before?.gate === gate && before.wave === wave.name) return state;
  const open = opennessAt(state.strategy, input.nowMs);
  const untilMs = gate === 'window' && !open.open ? open.opensAtMs : undefined;
  const waits = { wave: wave.name, gate, sinceMs: input.nowMs, ...(untilMs !== undefined && { untilMs }) };
  return { ...state, waits };
}

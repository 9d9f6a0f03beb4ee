import { type FairwayError, toFairwayError } from '../../shared/error/error.ts';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { Answer, Question } from '../model/query.ts';
import { type ObjectPair, type SideObject, sideOf } from '../parity/object-pair.ts';

/** Live objects kept. */
const keptMax = 500;
/** Objects asked for in one pass; the rest is asked for in the next. */
const asksMax = 20;
const timeoutMs = 10_000;

export type AskAgent = (cluster: string, question: Question, signal: AbortSignal) => Promise<Answer>;

/** Live objects as agents gave them, by what their reports said of them then: another digest is another object. */
export interface LiveObjects {
  get(side: SideObject | undefined): KubeObject | undefined;
  /** Asks for both sides of pairs, a few; resolves to those that are known now. What cannot be had is asked for again with the next pass. */
  ask(pairs: readonly ObjectPair[], signal: AbortSignal): Promise<readonly ObjectPair[]>;
}

function idOf({ key, observed }: SideObject): string | undefined {
  if (!observed || observed.liveDigest === '') return undefined;
  return JSON.stringify([observed.cluster, key, observed.liveDigest]);
}

export function createLiveObjects(ask: AskAgent, onError: (error: FairwayError) => void): LiveObjects {
  const kept = new Map<string, KubeObject>();
  const get = (side: SideObject | undefined) => {
    const id = side && idOf(side);
    return id === undefined ? undefined : kept.get(id);
  };
  const fetchSide = async (side: SideObject | undefined, signal: AbortSignal): Promise<boolean> => {
    const id = side && idOf(side);
    if (!side?.observed || id === undefined) return false;
    if (kept.has(id)) return true;
    try {
      const question = { type: 'object' as const, key: side.key, apiVersion: side.apiVersion };
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await ask(side.observed.cluster, question, limit);
      if (answer.type !== 'object' || !answer.found) return false;
      kept.set(id, JSON.parse(answer.content) as KubeObject);
      for (const oldest of kept.keys()) if (kept.size > keptMax) kept.delete(oldest);
      return true;
    } catch (caught) {
      onError(toFairwayError(caught));
      return false;
    }
  };
  return {
    get,
    async ask(pairs, signal) {
      const known: ObjectPair[] = [];
      for (const pair of pairs.slice(0, asksMax)) {
        const sides = await Promise.all(
          (['primary', 'standby'] as const).map((side) => fetchSide(sideOf(pair, side), signal)),
        );
        if (sides.every(Boolean)) known.push(pair);
      }
      return known;
    },
  };
}

import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { canonicalJson, digestText } from '../../../shared/manifest/canonical.ts';
import {
  type Json,
  type KubeObject,
  keyOf,
  keyText,
  type ObjectKey,
} from '../../../shared/manifest/object.ts';
import type { Answer, Question } from '../../model/query.ts';
import { type ObjectPair, openDrift, type SideObject, sideOf } from '../../parity/object-pair.ts';

/** Live objects kept, and characters of all of them. */
const keptMax = 500;
const keptCharactersMax = 32 * 1024 * 1024;
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
  const drift = openDrift(observed);
  const changed = drift === undefined ? '' : digestText(canonicalJson([drift.foundAtMs, drift.fields]));
  return JSON.stringify([observed.cluster, key, observed.liveDigest, changed]);
}

export function createLiveObjects(ask: AskAgent, onError: (error: FairwayError) => void): LiveObjects {
  const kept = new Map<string, { readonly object: KubeObject; readonly characters: number }>();
  let characters = 0;
  const get = (side: SideObject | undefined) => {
    const id = side && idOf(side);
    return id === undefined ? undefined : kept.get(id)?.object;
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
      kept.set(id, { object: parseObject(answer.content, side.key), characters: answer.content.length });
      characters += answer.content.length;
      for (const [oldest, { characters: freed }] of kept) {
        if (kept.size <= keptMax && characters <= keptCharactersMax) break;
        kept.delete(oldest);
        characters -= freed;
      }
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

/** An agent may say anything: what is not the object that was asked for stops nothing but this. @throws invalid_argument. */
function parseObject(content: string, key: ObjectKey): KubeObject {
  const object = JSON.parse(content) as Json | KubeObject;
  if (!isKubeObject(object) || keyText({ ...keyOf(object), namespace: key.namespace }) !== keyText(key))
    throw new FairwayError('invalid_argument', 'an agent answered with another object than was asked for', {
      subject: keyText(key),
    });
  return object;
}

function isKubeObject(value: Json | KubeObject): value is KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { apiVersion, kind, metadata } = value as Partial<Record<keyof KubeObject, Json>>;
  const named = typeof metadata === 'object' && metadata !== null && 'name' in metadata;
  return typeof apiVersion === 'string' && typeof kind === 'string' && named;
}

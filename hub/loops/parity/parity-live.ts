import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { canonicalJson, digestText } from '../../../shared/manifest/canonical.ts';
import {
  type Json,
  type KubeObject,
  keyOf,
  keyText,
  type ObjectKey,
} from '../../../shared/manifest/object.ts';
import type { ObjectObservation } from '../../model/observation.ts';
import type { Answer, Question } from '../../model/query.ts';
import { type ObjectPair, openDrift, type SideObject, sideOf } from '../../parity/object-pair.ts';

/** Live objects kept, and characters of all of them: no more are asked for as long as these are in use. */
const keptMax = 4_000;
const keptCharactersMax = 32 * 1024 * 1024;
/** So many may be kept that nobody needs: to look for them takes a look at all, which not every object that changes is worth. */
const staleMax = 200;
/** Objects asked for in one pass; the rest is asked for in the next. */
const asksMax = 20;
const timeoutMs = 10_000;

export type AskAgent = (cluster: string, question: Question, signal: AbortSignal) => Promise<Answer>;

/** Live objects as agents gave them, by what their reports said of them then: another digest is another object. */
export interface LiveObjects {
  get(side: SideObject | undefined): KubeObject | undefined;
  /** Forgets what none of these need any more, once it is worth looking for. @param seen how many of them are known. */
  keepOnly(seen: number, pairs: () => Iterable<ObjectPair>): void;
  /**
   * Asks for both sides of pairs, a few; resolves to those that are known now. What cannot be had is asked for again with a later pass.
   * @param silent clusters whose agents do not answer: they are not asked, and more are added.
   */
  ask(pairs: readonly ObjectPair[], silent: Set<string>, signal: AbortSignal): Promise<readonly ObjectPair[]>;
}

/** Thousands are looked up for each object that changes. */
const ids = new WeakMap<ObjectObservation, string>();

function idOf({ key, observed }: SideObject): string | undefined {
  if (!observed || observed.liveDigest === '') return undefined;
  const known = ids.get(observed);
  if (known !== undefined) return known;
  const drift = openDrift(observed);
  const changed = drift === undefined ? '' : digestText(canonicalJson([drift.foundAtMs, drift.fields]));
  const id = JSON.stringify([observed.cluster, key, observed.liveDigest, changed]);
  ids.set(observed, id);
  return id;
}

export function createLiveObjects(ask: AskAgent, onError: (error: FairwayError) => void): LiveObjects {
  const kept = new Map<string, { readonly object: KubeObject; readonly characters: number }>();
  let characters = 0;
  const get = (side: SideObject | undefined) => {
    // Nobody has to know what it is called where nothing is known: thousands are looked up.
    if (kept.size === 0) return undefined;
    const id = side && idOf(side);
    return id === undefined ? undefined : kept.get(id)?.object;
  };
  const isFull = () => kept.size >= keptMax || characters >= keptCharactersMax;
  /** Where the next few begin: some that cannot be had do not keep others from being asked for. */
  let begin = 0;
  const fetchSide = async (
    side: SideObject | undefined,
    silent: Set<string>,
    signal: AbortSignal,
  ): Promise<boolean> => {
    if (!side?.observed || (kept.size === 0 && silent.has(side.observed.cluster))) return false;
    const id = idOf(side);
    if (id === undefined) return false;
    if (kept.has(id)) return true;
    if (silent.has(side.observed.cluster) || isFull()) return false;
    try {
      const question = { type: 'object' as const, key: side.key, apiVersion: side.apiVersion };
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await ask(side.observed.cluster, question, limit);
      if (answer.type !== 'object' || !answer.found) return false;
      const object = withoutManagers(parseObject(answer.content, side.key));
      const size = JSON.stringify(object).length;
      kept.set(id, { object, characters: size });
      characters += size;
      return true;
    } catch (caught) {
      const error = toFairwayError(caught);
      if (error.retry) silent.add(side.observed.cluster);
      onError(error);
      return false;
    }
  };
  return {
    get,
    keepOnly(seen, pairs) {
      // Of a primary with several standbys each object is kept once, and seen with each: a full one is looked through.
      if (!isFull() && kept.size - 2 * seen <= staleMax) return;
      const wanted = new Set(
        [...pairs()].flatMap(({ primary, standby }) => [primary && idOf(primary), standby && idOf(standby)]),
      );
      for (const [id, { characters: freed }] of kept) {
        if (wanted.has(id)) continue;
        kept.delete(id);
        characters -= freed;
      }
    },
    async ask(pairs, silent, signal) {
      const known: ObjectPair[] = [];
      const from = begin < pairs.length ? begin : 0;
      begin = from + asksMax;
      for (const pair of pairs.slice(from, from + asksMax)) {
        const sides = await Promise.all(
          (['primary', 'standby'] as const).map((side) => fetchSide(sideOf(pair, side), silent, signal)),
        );
        if (sides.every(Boolean)) known.push(pair);
      }
      return known;
    },
  };
}

/** Half of many an object, and nothing that is compared. */
function withoutManagers(object: KubeObject): KubeObject {
  const { managedFields: _managers, ...metadata } = object.metadata;
  return { ...object, metadata };
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

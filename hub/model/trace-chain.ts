/** Replaying a trace: of the whole object, or as one field saw it. Pure. */
import { canonicalJson } from '../../shared/manifest/canonical.ts';
import { isJsonObject, type Json } from '../../shared/manifest/object.ts';
import { type ChangeIndex, indexChanges } from './change-index.ts';
import type {
  FieldChange,
  FieldPart,
  FieldPath,
  ObjectTrace,
  TraceStep,
  Written,
  WrittenField,
} from './trace.ts';
import { indexOfItem, isItemPart, listPathText, printFieldPath } from './trace-path.ts';

type MergeKeys = ObjectTrace['mergeKeys'];

/** What a trace needs to be replayed. */
export type TraceHistory = Pick<ObjectTrace, 'start' | 'steps' | 'mergeKeys'>;

/** What one step did to a field. */
export interface ChainEntry {
  readonly step: TraceStep;
  /** Absent: the field was not there. */
  readonly before?: Json;
  /** Absent: it is gone. */
  readonly after?: Json;
  /** Of the last of `changes`, as near to the field as is known. */
  readonly at: Written;
  /** Those of the step's changes that changed the field: the field itself, what holds it, or what is in it. */
  readonly changes: readonly FieldChange[];
}

/** One field from the first reading on. */
export interface FieldChain {
  readonly path: FieldPath;
  /** As first read; `value` absent: it was not there. */
  readonly start: { readonly value?: Json; readonly at: Written };
  /** From the base up. */
  readonly entries: readonly ChainEntry[];
  /** As rendered; absent: it is gone. */
  readonly value?: Json;
}

/** A trace as it went: replayed once, for as many fields as are asked for. */
export interface Replay {
  /** The object as first read, then after each step. */
  readonly states: readonly Json[];
  /** @param path as resolveField gives it. A field that was there for a while only has a chain as well. */
  chain(path: FieldPath): FieldChain;
}

/** As Replay's `chain`, for one field. */
export function fieldChain(trace: TraceHistory, path: FieldPath): FieldChain {
  return replayTrace(trace).chain(path);
}

interface ReplayedStep {
  readonly step: TraceStep;
  readonly before: Json;
  /** After each of the step's changes. */
  readonly after: readonly Json[];
  readonly index: ChangeIndex;
}

/** @throws Error for a change that does not fit the object. */
export function replayTrace(trace: TraceHistory): Replay {
  const { start, mergeKeys } = trace;
  let state = start.object as unknown as Json;
  const steps = trace.steps.map((step): ReplayedStep => {
    const before = state;
    const after = step.changes.map((change) => {
      state = applyChange(state, change, mergeKeys);
      return state;
    });
    return { step, before, after, index: indexChanges(step.changes) };
  });
  const first = start.object as unknown as Json;
  return {
    states: [first, ...steps.map(({ before, after }) => after.at(-1) ?? before)],
    chain(path) {
      const value = valueAt(first, path, mergeKeys);
      const last = valueAt(state, path, mergeKeys);
      return {
        path,
        start: {
          ...(value === undefined ? {} : { value }),
          at: (value === undefined ? undefined : writtenAt(start.written, path)) ?? start.at,
        },
        entries: steps.flatMap((one) => entryOf(one, path, mergeKeys) ?? []),
        ...(last === undefined ? {} : { value: last }),
      };
    },
  };
}

/** Undefined: the step left the field as it was. */
function entryOf(
  { step, before: state, after: states, index: changesBy }: ReplayedStep,
  path: FieldPath,
  mergeKeys: MergeKeys,
): ChainEntry | undefined {
  const near = changesBy.near(path);
  if (near.length === 0) return undefined;
  const before = valueAt(state, path, mergeKeys);
  const changes: FieldChange[] = [];
  let value = before;
  for (const index of near) {
    const change = step.changes[index];
    if (change === undefined) continue;
    const next = valueAt(states[index] ?? state, path, mergeKeys);
    if (!isSame(value, next)) changes.push(change);
    value = next;
  }
  const last = changes.at(-1);
  if (last === undefined || isSame(before, value)) return undefined;
  return {
    step,
    ...(before === undefined ? {} : { before }),
    ...(value === undefined ? {} : { after: value }),
    at: writtenAt(last.written ?? [], path) ?? last.at,
    changes,
  };
}

const indexes = new WeakMap<readonly WrittenField[], ReadonlyMap<string, Written>>();

/** By printed path. Made once: an object of ten thousand lines is asked about for each of them. */
function indexOf(written: readonly WrittenField[]): ReadonlyMap<string, Written> {
  const known = indexes.get(written);
  if (known) return known;
  const index = new Map<string, Written>();
  for (const { path, at } of written) {
    const text = printFieldPath(path);
    if (!index.has(text)) index.set(text, at);
  }
  indexes.set(written, index);
  return index;
}

/** Where a field is written: itself, else the first of what is in it, else the nearest that holds it. */
export function writtenAt(written: readonly WrittenField[], path: FieldPath): Written | undefined {
  const index = indexOf(written);
  const text = printFieldPath(path);
  const own = index.get(text);
  if (own) return own;
  let first: Written | undefined;
  for (const [other, at] of index)
    if (isBelow(other, text) && (!first || (at.file === first.file && at.line < first.line))) first = at;
  if (first) return first;
  for (let length = path.length - 1; length >= 0; length -= 1) {
    const holder = index.get(printFieldPath(path.slice(0, length)));
    if (holder) return holder;
  }
  return undefined;
}

function isBelow(text: string, above: string): boolean {
  return above === '' || (text.startsWith(above) && /^[.[]/.test(text.slice(above.length)));
}

/** Undefined: nothing is there. */
export function valueAt(object: Json, path: FieldPath, mergeKeys: MergeKeys): Json | undefined {
  let value: Json | undefined = object;
  for (const [depth, part] of path.entries())
    value = memberAt(value, part, () => keysAt(path, depth, mergeKeys));
  return value;
}

type Keys = readonly string[] | undefined;

function keysAt(path: FieldPath, depth: number, mergeKeys: MergeKeys): Keys {
  return mergeKeys[listPathText(path.slice(0, depth))];
}

function memberAt(value: Json | undefined, part: FieldPart, keys: () => Keys): Json | undefined {
  if (Array.isArray(value)) {
    if (isItemPart(part)) return value[indexOfItem(value, part, keys())];
    return typeof part === 'number' ? value[part] : undefined;
  }
  return isJsonObject(value) && typeof part === 'string' && Object.hasOwn(value, part)
    ? value[part]
    : undefined;
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}

/** The object after the changes; what they do not touch is shared. @throws Error for a change that does not fit the object. */
export function applyChanges(object: Json, changes: readonly FieldChange[], mergeKeys: MergeKeys): Json {
  return changes.reduce((value, change) => applyChange(value, change, mergeKeys), object);
}

/** As applyChanges, for one. */
export function applyChange(object: Json, change: FieldChange, mergeKeys: MergeKeys): Json {
  if (change.path.length === 0) return change.after ?? object;
  return new Applying(change, mergeKeys).at(object, 0);
}

class Applying {
  readonly #change: FieldChange;
  readonly #mergeKeys: MergeKeys;

  constructor(change: FieldChange, mergeKeys: MergeKeys) {
    this.#change = change;
    this.#mergeKeys = mergeKeys;
  }

  at(value: Json | undefined, depth: number): Json {
    const { path } = this.#change;
    const part = path[depth];
    if (part === undefined) throw this.#misfit();
    if (typeof part === 'string') {
      if (value !== undefined && !isJsonObject(value)) throw this.#misfit();
      return this.#inMap(value ?? {}, part, depth);
    }
    if (value !== undefined && !Array.isArray(value)) throw this.#misfit();
    return this.#inList(value ?? [], part, depth);
  }

  #inMap(map: Readonly<Record<string, Json | undefined>>, key: string, depth: number): Json {
    const { path, after } = this.#change;
    if (depth + 1 < path.length)
      return { ...map, [key]: this.at(Object.hasOwn(map, key) ? map[key] : undefined, depth + 1) };
    if (after !== undefined) return { ...map, [key]: after };
    const { [key]: _gone, ...rest } = map;
    return rest;
  }

  #inList(list: readonly Json[], part: FieldPart, depth: number): Json {
    const { path, before, after, index } = this.#change;
    const keys = keysAt(path, depth, this.#mergeKeys);
    const found = isItemPart(part) ? indexOfItem(list, part, keys) : Number(part);
    const last = depth + 1 === path.length;
    const isThere = found >= 0 && found < list.length;
    if (last && before === undefined && after !== undefined)
      return list.toSpliced(index ?? list.length, 0, after);
    if (!isThere) throw this.#misfit();
    if (!last) return list.with(found, this.at(list[found], depth + 1));
    if (before !== undefined) return after === undefined ? list.toSpliced(found, 1) : list.with(found, after);
    const [moved] = list.slice(found, found + 1);
    if (moved === undefined || index === undefined) throw this.#misfit();
    return list.toSpliced(found, 1).toSpliced(index, 0, moved);
  }

  #misfit(): Error {
    return new Error(`a change of ${printFieldPath(this.#change.path)} does not fit the object`);
  }
}

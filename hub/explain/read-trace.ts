import { isJsonObject, type Json, type KubeObject } from '../../shared/manifest/object.ts';
import type { FieldPath, ObjectTrace } from '../model/trace.ts';
import { type FieldChain, replayTrace, valueAt } from '../model/trace-chain.ts';
import { printFieldPath } from '../model/trace-path.ts';
import { type ResolvedField, resolveField } from '../model/trace-resolve.ts';
import { isSecretField, readSecrets } from '../model/trace-secrets.ts';
import { leafPaths, membersOf, type YamlLine, yamlLines } from './yaml-lines.ts';

/** What is asked of a trace, worked out once each: an explanation is made several times, to learn which authors to ask for. */
export interface TraceReading {
  /** Of the object as rendered. */
  find(field: FieldPath): ResolvedField;
  /** The field as it was spelled out when it was still there. */
  findRemoved(field: FieldPath): FieldPath | undefined;
  /** As rendered; undefined: it is not there. */
  rendered(path: FieldPath): Json | undefined;
  chain(path: FieldPath): FieldChain;
  /** From this entry of a chain on its value is a Secret's; Infinity: never. */
  secretFrom(chain: FieldChain): number;
  /** The YAML of a field that holds others, values of Secrets masked. */
  lines(path: FieldPath): readonly YamlLine[];
  /** Fields within that were changed after they were first there. */
  changedBelow(path: FieldPath): readonly FieldPath[];
  /** Fields that were there for a while, each named by the highest that is gone. */
  removedBelow(path: FieldPath): readonly FieldPath[];
}

const readings = new WeakMap<ObjectTrace, TraceReading>();

/** Read once for each trace, however often it is asked for. */
export function readTrace(trace: ObjectTrace): TraceReading {
  const known = readings.get(trace) ?? createReading(trace);
  readings.set(trace, known);
  return known;
}

function createReading(trace: ObjectTrace): TraceReading {
  const { mergeKeys } = trace;
  const final = trace.final as unknown as Json;
  const replay = replayTrace(trace);
  const chain = remember((path: FieldPath) => replay.chain(path));
  const rendered = (path: FieldPath) => valueAt(final, path, mergeKeys);
  const secrets = readSecrets(trace, replay.states, trace.secret);

  /** As masking.ts of shared/manifest shows it. */
  const show = (value: Json, path: FieldPath): Json => {
    const isSecret =
      isSecretField(trace, path) || secrets.secretFrom(chain(path)) !== Number.POSITIVE_INFINITY;
    return isSecret ? `*** (${String(value).length} characters)` : value;
  };

  return {
    rendered,
    chain,
    secretFrom: secrets.secretFrom,
    find: (field) => resolveField(final, field, mergeKeys),
    findRemoved(field) {
      for (const state of replay.states.toReversed()) {
        const found = resolveField(state, field, mergeKeys);
        if (found.ok) return found.path;
      }
      return undefined;
    },
    lines: remember((path) => {
      const value = rendered(path);
      if (value === undefined) return [];
      return yamlLines(inUsualOrder(value, path), path, mergeKeys, secrets.any ? show : undefined);
    }),
    changedBelow: remember((path) => {
      const value = rendered(path);
      if (value === undefined) return [];
      return leafPaths(value, path, mergeKeys).filter((leaf) => {
        const { start, entries } = chain(leaf);
        return entries.length > (start.value === undefined ? 1 : 0);
      });
    }),
    removedBelow: remember((top) => {
      const gone = new Map<string, FieldPath>();
      // What no step touched is the same value still, and not looked into.
      const walk = (value: Json, path: FieldPath): void => {
        const left = rendered(path);
        if (left === value) return;
        if (left === undefined) gone.set(printFieldPath(path), path);
        else
          for (const [part, member] of membersOf(value, path, mergeKeys) ?? []) walk(member, [...path, part]);
      };
      for (const state of new Set(replay.states)) {
        const value = valueAt(state, top, mergeKeys);
        for (const [part, member] of (value !== undefined && membersOf(value, top, mergeKeys)) || [])
          walk(member, [...top, part]);
      }
      return [...gone.values()];
    }),
  };
}

function remember<T>(make: (path: FieldPath) => T): (path: FieldPath) => T {
  const known = new Map<string, T>();
  return (path) => {
    const text = printFieldPath(path);
    const made = known.has(text) ? (known.get(text) as T) : make(path);
    known.set(text, made);
    return made;
  };
}

/** As people write manifests: what it is and its name first. */
function inUsualOrder(value: Json, path: FieldPath): Json {
  if (path.length > 0 || !isJsonObject(value)) return value;
  const { apiVersion, kind, metadata, ...rest } = value as unknown as KubeObject;
  const { name, namespace, ...others } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...others },
    ...rest,
  } as Json;
}

/**
 * Objects that SOPS has encrypted go through the renderer as they are, and are opened by the agent, value by value. What must hold for that: each value is
 * sealed together with its path (https://getsops.io/docs/#encryption-protocol: the keys that lead to it are its additional data, the index within a list is
 * not), and the `sops` block says how. What a kustomization always changes (the order of fields, the namespace, labels) is covered by the MAC of the whole
 * file only, which therefore cannot hold for what is rendered and is not asked of it. So: no sealed value may change, move or go, none may come, and
 * nothing may be put in plain text where the block says that values are sealed.
 */
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import { isForOperator } from '../../shared/manifest/sops-operator.ts';
import { SelectorError } from './kustomize/label-selector.ts';
import { type CompiledPattern, compilePattern } from './kustomize/pattern.ts';
import { type Place, problemError } from './render-error.ts';
import type { Resource } from './resource.ts';

/** How a sealed value begins. */
const cipherStart = 'ENC[AES256_GCM,';

/** Whether the object carries what SOPS writes beside sealed values. */
export function isSealed(object: { readonly [key: string]: unknown }): boolean {
  const block = object['sops'] as Json | undefined;
  return isJsonObject(block) && ('mac' in block || 'age' in block || 'lastmodified' in block);
}

/** Whether SOPS has encrypted the value. */
export function isCipher(value: Json | undefined): value is string {
  return typeof value === 'string' && value.startsWith(cipherStart);
}

/** Whether a field with these keys above it is to be sealed (SOPS stores: suffixes and expressions match any key on the way). */
function sealsOf(block: JsonObject): (keys: readonly string[]) => boolean {
  const text = (name: string): string => (typeof block[name] === 'string' ? block[name] : '');
  // Comments that say so are not there any more.
  if (text('encrypted_comment_regex') !== '' || text('unencrypted_comment_regex') !== '') return () => false;
  const [onlySuffix, onlyMatch] = [text('encrypted_suffix'), matcherOf(text('encrypted_regex'))];
  const [notSuffix, notMatch] = [text('unencrypted_suffix'), matcherOf(text('unencrypted_regex'))];
  if (onlyMatch === 'unreadable' || notMatch === 'unreadable') return () => false;
  return (keys) => {
    if (onlySuffix !== '') return keys.some((key) => key.endsWith(onlySuffix));
    if (onlyMatch !== undefined) return keys.some(onlyMatch);
    if (notMatch !== undefined) return !keys.some(notMatch);
    return !keys.some((key) => key.endsWith(notSuffix === '' ? '_unencrypted' : notSuffix));
  };
}

/** A label's or an annotation's key has at most 317 characters, one of `data` 253; a longer one is not given to an expression that somebody wrote. */
const keyLengthMax = 1_024;

/**
 * An expression of Go's, bounded as those of patches are. One that is too large counts as unreadable, like what Go does not have: additions in plain text are then not
 * looked for; values that are there are compared all the same.
 */
function matcherOf(text: string): ((key: string) => boolean) | 'unreadable' | undefined {
  let pattern: CompiledPattern | undefined;
  try {
    pattern = compilePattern(text, 'anywhere');
  } catch (caught) {
    if (!(caught instanceof SelectorError)) throw caught;
    return 'unreadable';
  }
  if (pattern === undefined) return undefined;
  const known = new Map<string, boolean>();
  return (key) => {
    if (key.length > keyLengthMax) return false;
    const found = known.get(key) ?? pattern.test(key);
    known.set(key, found);
    return found;
  };
}

/** Each sealed value and each plain one that should be, as `path value`; the block itself. */
type Facts = ReadonlyMap<string, string>;

const known = new WeakMap<object, Facts>();

function factsOf(object: KubeObject, seals: (keys: readonly string[]) => boolean): Facts {
  const remembered = known.get(object);
  if (remembered !== undefined) return remembered;
  const facts = new Map<string, string>();
  const walk = (value: Json | undefined, keys: readonly string[]): void => {
    if (Array.isArray(value)) for (const item of value as readonly Json[]) walk(item, keys);
    else if (isJsonObject(value))
      for (const [key, member] of Object.entries(value)) walk(member, [...keys, key]);
    else if (
      isCipher(value) ||
      (value !== null && value !== undefined && value !== ('' as Json) && seals(keys))
    ) {
      const path = keys.join('.');
      facts.set(`${path} ${String(value)}`, path);
    }
  };
  for (const [key, member] of Object.entries(object)) if (key !== 'sops') walk(member as Json, [key]);
  facts.set(`sops ${JSON.stringify(object['sops'])}`, 'sops');
  known.set(object, facts);
  return facts;
}

export interface Broken {
  readonly path: string;
  /** In plain text, where nothing was. */
  readonly isNew: boolean;
}

/** A value that is not as it was; undefined where all is. Pure. */
export function findBroken(before: KubeObject, after: KubeObject): Broken | undefined {
  if (before === after) return undefined;
  const block = before['sops'];
  const seals = sealsOf(isJsonObject(block) ? block : {});
  const [old, now] = [factsOf(before, seals), factsOf(after, seals)];
  for (const [fact, path] of old) if (!now.has(fact)) return { path, isNew: false };
  for (const [fact, path] of now)
    if (!old.has(fact)) return { path, isNew: !fact.startsWith(`${path} ${cipherStart}`) };
  return undefined;
}

/** Looks after each step whether sealed objects are as they were. @throws a Problem at the step's place. */
export type SealedGuard = (list: readonly Resource[], place: Place) => void;

const nothingSealed: SealedGuard = () => undefined;

/** @param start what the steps begin with; costs nothing where none of it is sealed. */
export function guardSealed(start: readonly Resource[]): SealedGuard {
  const sealed = start.filter(({ object }) => 'sops' in object && isSealed(object));
  if (sealed.length === 0) return nothingSealed;
  // A resource keeps its place and first identity, whatever becomes of its name.
  const idOf = ({ place: { file, line }, originId }: Resource) => `${file}:${line} ${originId}`;
  const originals = new Map(sealed.map((resource) => [idOf(resource), resource.object]));
  const seen = new Set<object>(start.map(({ object }) => object));
  return (list, place) => {
    for (const resource of list) {
      if (seen.has(resource.object)) continue;
      seen.add(resource.object);
      const original = originals.get(idOf(resource));
      if (original === undefined) refuseCopies(resource, place);
      else refuseBroken(original, resource, place);
    }
  };
}

function refuseBroken(original: KubeObject, { object, place: where }: Resource, place: Place): void {
  const broken = findBroken(original, object);
  if (broken === undefined) return;
  const of = `${broken.path} of ${original.kind} ${original.metadata.name} (${where.file}:${where.line})`;
  const what = broken.isNew
    ? `this sets ${of} in plain text, where its sops block says that values are encrypted`
    : `this changes ${of}, which SOPS has encrypted together with its place: nothing could open it any more`;
  throw problemError('unsupported', place, `${what}. Change the file itself with "sops ${where.file}"`);
}

/** @throws a Problem where a generator would put something into a sealed object. */
export function refuseGenerated({ object, place: { file, line } }: Resource, place: Place): void {
  if (!isSealed(object)) return;
  throw problemError(
    'unsupported',
    place,
    `${object.kind} ${object.metadata.name} (${file}:${line}) is encrypted with SOPS: nothing can be generated into it`,
  );
}

/** A sealed value counts only where it was sealed. */
function refuseCopies({ object }: Resource, place: Place): void {
  if (!JSON.stringify(object).includes(cipherStart)) return;
  throw problemError(
    'unsupported',
    place,
    `this puts a value that SOPS has encrypted into ${object.kind} ${object.metadata.name}, where nothing can open it`,
  );
}

/** @throws a Problem for a list whose items are sealed by the list's block, which says nothing of each. */
export function refuseSealedList(list: JsonObject, place: Place): void {
  if (!isSealed(list)) return;
  throw problemError(
    'unsupported',
    place,
    `SOPS has encrypted this ${list['kind']} as one, and its items are applied one by one: write them as documents of their own (---) and encrypt those`,
  );
}

/** Keys to the first value that is sealed; undefined where none is. */
function findCipher(value: Json | undefined, keys: readonly string[] = []): readonly string[] | undefined {
  if (isCipher(value)) return keys;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, member] of Object.entries(value as JsonObject)) {
    const found = findCipher(member, [...keys, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * What the agent would refuse, or apply as it is written. @param text the object as JSON: looked at first, since hardly any has a sealed value.
 * @throws a Problem for an object whose identity is sealed, and for sealed values without the block that says how to open them.
 */
export function checkSealed(object: KubeObject, text: string, place: Place): void {
  if (!text.includes(cipherStart)) return;
  const { apiVersion, kind, metadata } = object;
  const isOperators = isForOperator(object);
  const { name, namespace } = metadata;
  const named = { apiVersion, kind, metadata: isOperators ? { name, namespace } : metadata };
  const identity = findCipher(named as unknown as Json);
  if (identity !== undefined)
    throw problemError(
      'unsupported',
      { ...place, field: identity.join('.') },
      "SOPS has encrypted what says which object this is; encrypt its values only: sops --encrypt --encrypted-regex '^(data|stringData)$'",
    );
  if (isOperators || isSealed(object)) return;
  const lost = findCipher(object as unknown as Json);
  if (lost !== undefined)
    throw problemError(
      'unsupported',
      { ...place, field: lost.join('.') },
      'SOPS has encrypted this value, but its object has no sops block, so that nothing can open it: bring the file back as SOPS wrote it; or, if a program in the ' +
        'cluster opens it, say so by the annotation fairway.dev/sops: disabled',
    );
}

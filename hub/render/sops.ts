/**
 * Objects that SOPS has encrypted go through the renderer as they are, and are opened by the agent, value by value. What must hold for that: each value is
 * sealed together with its path (https://getsops.io/docs/#encryption-protocol: the keys that lead to it are its additional data, the index within a list is
 * not), and the `sops` block says how. What a kustomization always changes (the order of fields, the namespace, labels) is covered by the MAC of the whole
 * file only, which therefore cannot hold for what is rendered and is not asked of it. So: no sealed value may change, move or go, none may come, and
 * nothing may be put in plain text where the block says that values are sealed.
 */
import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { type Place, problemError } from './render-error.ts';
import type { Resource } from './resource.ts';

/** How a sealed value begins. */
const cipherStart = 'ENC[AES256_GCM,';

function isMap(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the object carries what SOPS writes beside sealed values. */
export function isSealed(object: { readonly [key: string]: unknown }): boolean {
  const block = object['sops'] as Json | undefined;
  return isMap(block) && ('mac' in block || 'age' in block || 'lastmodified' in block);
}

function isCipher(value: Json | undefined): value is string {
  return typeof value === 'string' && value.startsWith(cipherStart);
}

/** Whether a field with these keys above it is to be sealed (SOPS stores: suffixes and expressions match any key on the way). */
function sealsOf(block: JsonObject): (keys: readonly string[]) => boolean {
  const text = (name: string): string => (typeof block[name] === 'string' ? block[name] : '');
  const [onlySuffix, onlyMatch] = [text('encrypted_suffix'), patternOf(text('encrypted_regex'))];
  const [notSuffix, notMatch] = [text('unencrypted_suffix'), patternOf(text('unencrypted_regex'))];
  return (keys) => {
    if (onlySuffix !== '') return keys.some((key) => key.endsWith(onlySuffix));
    if (onlyMatch !== undefined) return keys.some((key) => onlyMatch.test(key));
    if (notMatch !== undefined) return !keys.some((key) => notMatch.test(key));
    return !keys.some((key) => key.endsWith(notSuffix === '' ? '_unencrypted' : notSuffix));
  };
}

/** Undefined also for what only Go can read: additions are then not looked for. */
function patternOf(text: string): RegExp | undefined {
  if (text === '') return undefined;
  try {
    return new RegExp(text);
  } catch {
    // An expression of Go's that JavaScript does not have: values that are there are compared all the same.
    return undefined;
  }
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
    else if (isMap(value)) for (const [key, member] of Object.entries(value)) walk(member, [...keys, key]);
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

/** Path of a value that is not as it was; undefined where all is. Pure. */
export function findBroken(before: KubeObject, after: KubeObject): string | undefined {
  if (before === after) return undefined;
  const block = before['sops'];
  const seals = sealsOf(isMap(block as Json) ? (block as JsonObject) : {});
  const [old, now] = [factsOf(before, seals), factsOf(after, seals)];
  for (const [fact, path] of old) if (!now.has(fact)) return path;
  for (const [fact, path] of now) if (!old.has(fact)) return path;
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
  const path = findBroken(original, object);
  if (path === undefined) return;
  throw problemError(
    'unsupported',
    place,
    `this changes ${path} of ${object.kind} ${object.metadata.name} (${where.file}:${where.line}), which SOPS has encrypted together with its place: nothing could ` +
      `open it any more. Change the file itself with "sops ${where.file}"`,
  );
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

/** @throws a Problem for an object whose identity is sealed. */
export function checkSealedIdentity(object: KubeObject, place: Place): void {
  const { name, namespace } = object.metadata;
  if (![object.apiVersion, object.kind, name, namespace].some((text) => isCipher(text as Json))) return;
  throw problemError(
    'unsupported',
    place,
    "SOPS has encrypted what says which object this is; encrypt its values only: sops --encrypt --encrypted-regex '^(data|stringData)$'",
  );
}

/** configMapGenerator and secretGenerator (kustomize api/internal/generators, kv, hasher). */
import { hash } from 'node:crypto';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import { createResource, type Resource } from '../resource.ts';
import { utf8Text } from '../yaml/utf8.ts';
import { goJson } from './go-json.ts';
import { withName, withPreviousId } from './ids.ts';
import type { GeneratorArgs, GeneratorOptions } from './kustomization.ts';
import { textOf } from './list-merge.ts';

/** Reads a file that the generator names, by its path as written. */
export type ReadSource = (path: string) => Promise<Uint8Array>;

export interface Generated {
  readonly resource: Resource;
  readonly behavior: 'create' | 'replace' | 'merge';
}

/** @throws a Problem. */
export async function generate(
  kind: 'ConfigMap' | 'Secret',
  args: GeneratorArgs,
  global: GeneratorOptions | undefined,
  place: Place,
  read: ReadSource,
): Promise<Generated> {
  const options = mergeOptions(args.options, global);
  if (!args.name) throw problemError('invalid_manifest', place, `a generator of a ${kind} needs a name`);
  const pairs = await loadPairs(args, place, read);
  const metadata: Record<string, Json> = { name: args.name };
  if (args.namespace) metadata['namespace'] = args.namespace;
  for (const field of ['labels', 'annotations'] as const) {
    const map = options[field];
    if (map !== undefined && Object.keys(map).length > 0) metadata[field] = { ...map };
  }
  const object = {
    apiVersion: 'v1',
    kind,
    metadata,
    ...(kind === 'Secret' ? secretData(pairs, args.type) : configMapData(pairs)),
    ...(options.immutable === true ? { immutable: true } : {}),
  } as unknown as KubeObject;
  const resource = createResource(object, place);
  const needsHash = options.disableNameSuffixHash !== true;
  const behavior = args.behavior === 'merge' || args.behavior === 'replace' ? args.behavior : 'create';
  return { resource: { ...resource, history: { ...resource.history, needsHash } }, behavior };
}

function mergeOptions(local: GeneratorOptions = {}, global: GeneratorOptions | undefined): GeneratorOptions {
  if (global === undefined) return local;
  return {
    labels: { ...global.labels, ...local.labels },
    annotations: { ...global.annotations, ...local.annotations },
    disableNameSuffixHash: local.disableNameSuffixHash === true || global.disableNameSuffixHash === true,
    immutable: local.immutable === true || global.immutable === true,
  };
}

type Pairs = ReadonlyMap<string, Uint8Array>;

async function loadPairs(args: GeneratorArgs, place: Place, read: ReadSource): Promise<Pairs> {
  const pairs = new Map<string, Uint8Array>();
  const add = (key: string, value: Uint8Array): void => {
    if (pairs.has(key))
      throw problemError(
        'conflict',
        place,
        `the generator of ${args.name} has the key ${JSON.stringify(key)} twice`,
      );
    pairs.set(key, value);
  };
  const encoder = new TextEncoder();
  for (const path of [...(args.envs ?? []), ...(args.env ? [args.env] : [])])
    for (const [key, value] of envLines(await read(path), path, place)) add(key, encoder.encode(value));
  for (const [index, literal] of (args.literals ?? []).entries()) {
    const equals = literal.indexOf('=');
    if (equals < 1)
      throw problemError(
        'invalid_manifest',
        place,
        // Its text may be the value of a Secret.
        `literal ${index + 1} is not key=value`,
      );
    add(literal.slice(0, equals), encoder.encode(withoutQuotes(literal.slice(equals + 1))));
  }
  for (const source of args.files ?? []) {
    const { key, path } = fileSource(source, place);
    add(key, await read(path));
  }
  return pairs;
}

function withoutQuotes(text: string): string {
  const [first] = text;
  const quoted = text.length >= 2 && (first === '"' || first === "'") && text.endsWith(first);
  return quoted ? text.slice(1, -1) : text;
}

function fileSource(source: string, place: Place): { key: string; path: string } {
  const parts = source.split('=');
  const [key = '', path = ''] = parts;
  if (parts.length === 1)
    return { key: source.replace(/\/+$/, '').split('/').at(-1) ?? source, path: source };
  if (parts.length > 2 || key === '' || path === '')
    throw problemError(
      'invalid_manifest',
      place,
      `the file source ${JSON.stringify(source)} is not [key=]path`,
    );
  return { key, path };
}

/** Longest line that Go's scanner takes. */
const lineLengthMax = 64 * 1024 - 1;

function envLines(bytes: Uint8Array, path: string, place: Place): [string, string][] {
  const text = utf8Text(bytes)?.replace(/^\ufeff/, '');
  if (text === undefined) throw problemError('invalid_manifest', place, `${path} is not UTF-8 text`);
  const pairs: [string, string][] = [];
  for (const line of text.split('\n')) {
    if (line.length > lineLengthMax)
      throw problemError('resource_exhausted', place, `${path} has a line that is too long`);
    const content = line.replace(/\r$/, '').replace(/^\s+/, '');
    if (content === '' || content.startsWith('#')) continue;
    const equals = content.indexOf('=');
    const key = equals < 0 ? content : content.slice(0, equals);
    if (key !== '') pairs.push([key, equals < 0 ? '' : content.slice(equals + 1)]);
  }
  return pairs;
}

function sortedKeys(pairs: Pairs): readonly string[] {
  return [...pairs.keys()].sort();
}

function configMapData(pairs: Pairs): JsonObject {
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const key of sortedKeys(pairs)) {
    const bytes = pairs.get(key) ?? new Uint8Array();
    const text = utf8Text(bytes);
    if (text === undefined) binaryData[key] = base64Lines(bytes);
    else data[key] = text;
  }
  return {
    ...(Object.keys(data).length > 0 ? { data } : {}),
    ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}),
  };
}

function secretData(pairs: Pairs, type: string | undefined): JsonObject {
  const data: Record<string, string> = {};
  for (const key of sortedKeys(pairs)) data[key] = base64Lines(pairs.get(key) ?? new Uint8Array());
  return { type: type || 'Opaque', data };
}

/** Base64 in lines of 70, each ended, as soon as there is more than one (kyaml yaml/datamap.go). */
function base64Lines(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64');
  return text.length < 70 ? text : text.replace(/.{1,70}/g, '$&\n');
}

/** The old object's place, name and history with the new one's data. */
export function mergeGenerated(old: Resource, fresh: Resource, behavior: 'merge' | 'replace'): Resource {
  const [before, after] = [old.object, fresh.object];
  const metadata: Record<string, Json | undefined> = { ...after.metadata, name: before.metadata.name };
  delete metadata['namespace'];
  if (before.metadata.namespace) metadata['namespace'] = before.metadata.namespace;
  for (const field of ['labels', 'annotations'] as const) {
    const merged = { ...texts(before.metadata[field]), ...texts(after.metadata[field]) };
    delete metadata[field];
    if (Object.keys(merged).length > 0) metadata[field] = merged;
  }
  const object: Record<string, Json | undefined> = { ...after, metadata: metadata as JsonObject };
  if (behavior === 'merge')
    for (const field of ['data', 'binaryData'] as const) {
      const merged = { ...texts(dataOf(before, field)), ...texts(after[field]) };
      delete object[field];
      if (Object.keys(merged).length > 0) object[field] = merged;
    }
  const needsHash = old.history.needsHash && fresh.history.needsHash;
  const { trace = old.trace } = fresh;
  // Merged into it stays whose it was; what stands instead of it is the new one's.
  const origin = behavior === 'replace' &&
    trace && { trace: { ...(old.trace ?? trace), origin: trace.origin } };
  return {
    ...old,
    ...origin,
    object: object as unknown as KubeObject,
    history: { ...old.history, needsHash },
  };
}

function dataOf(object: KubeObject, field: 'data' | 'binaryData'): Json | undefined {
  if (field === 'binaryData' || object.kind !== 'Secret' || object['stringData'] === undefined)
    return object[field];
  const encoded = Object.entries(texts(object['stringData'])).map(([key, text]) => [
    key,
    base64Lines(new TextEncoder().encode(text)),
  ]);
  return { ...texts(object['data']), ...Object.fromEntries(encoded) };
}

function texts(map: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((map ?? {}) as Record<string, Json>).map(([key, value]) => [key, textOf(value)]),
  );
}

/** Gives generated objects the suffix of their content. */
export function addHashes(resources: readonly Resource[]): readonly Resource[] {
  return resources.map((resource) =>
    resource.history.needsHash
      ? withName(withPreviousId(resource), `${resource.object.metadata.name}-${contentHash(resource.object)}`)
      : resource,
  );
}

/** The suffix that kustomize gives a generated object's name, from its content (api/hasher). */
function contentHash(object: KubeObject): string {
  const { kind } = object;
  const encoded: Record<string, Json> = { data: mapOrText(object['data']) };
  if (kind === 'ConfigMap') {
    if (isJsonObject(object['binaryData'])) encoded['binaryData'] = object['binaryData'];
  } else if (isJsonObject(object['stringData'])) encoded['stringData'] = object['stringData'];
  encoded['kind'] = kind;
  // The name is always empty there: kustomize looks it up by a path that it does not split.
  encoded['name'] = '';
  if (kind === 'Secret') encoded['type'] = textOf(object['type']);
  const hex = hash('sha256', goJson(encoded)).slice(0, 10);
  return hex.replace(/[013ae]/g, (digit) => ({ 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' })[digit] ?? digit);
}

function mapOrText(value: Json | undefined): Json {
  return isJsonObject(value) ? value : textOf(value);
}

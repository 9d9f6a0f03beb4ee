/**
 * `replacements`: a value from one object into fields of others (kustomize api/filters/replacement). Two differences are known: a text put where a number is
 * fails at once, where kustomize fails only if it is still there at the end; and a field that is created with digits stays a number, where a later strategic merge
 * of kustomize makes it a text.
 */
import {
  groupOf,
  isJsonObject,
  type Json,
  type KubeObject,
  versionOf,
} from '../../../shared/manifest/object.ts';
import { type Place, problemError } from '../render-error.ts';
import { checkObject, type Resource } from '../resource.ts';
import { isCipher } from '../sops.ts';
import {
  type ConcretePath,
  type CreatedKind,
  changeAtPath,
  FieldMatcher,
  FieldPathError,
  findField,
  isNoPlace,
  splitFieldPath,
} from './field-path.ts';
import { orDefault, withObject } from './ids.ts';
import { parseLabelSelector, SelectorError } from './label-selector.ts';
import { textOf } from './list-merge.ts';
import { compilePattern } from './pattern.ts';
import { plainScalar, RetypeError, retype } from './retype.ts';
import type { TargetSelector } from './selector.ts';
import { textMap } from './selector.ts';
import { spreadShared, stillShared } from './shared-entries.ts';
import { findsInText, setInText } from './structured-text.ts';

export interface FieldOptions {
  readonly delimiter?: string;
  readonly index?: number;
  readonly create?: boolean;
}

export interface ReplacementArgs {
  readonly source?: {
    readonly group?: string;
    readonly version?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly fieldPath?: string;
    readonly options?: FieldOptions;
  };
  readonly sourceValue?: string;
  readonly targets?: readonly ReplacementTarget[];
}

interface ReplacementTarget {
  readonly select?: TargetSelector;
  readonly reject?: readonly TargetSelector[];
  readonly fieldPaths?: readonly string[];
  readonly options?: FieldOptions;
}

/** What is put in. `typed`: its type goes along where it replaces a mapping or list. */
interface Value {
  readonly json: Json;
  readonly typed: boolean;
  /** kustomize holds the source's YAML node, so what is put into the source itself changes what is put in from then on. */
  readonly live?: { readonly index: number; readonly path: ConcretePath };
}

const defaultFieldPath = 'metadata.name';

/** @throws a Problem. */
export function applyReplacement(
  resources: readonly Resource[],
  args: ReplacementArgs,
  place: Place,
): readonly Resource[] {
  try {
    if ((args.source === undefined && args.sourceValue === undefined) || args.targets === undefined)
      throw new FieldPathError('expected a source (or sourceValue) and targets');
    const replacing = new Replacing(findValue(resources, args));
    return args.targets.reduce((list, target) => replacing.applyTarget(list, target), resources);
  } catch (caught) {
    if (caught instanceof FieldPathError || caught instanceof SelectorError || caught instanceof RetypeError)
      throw problemError('invalid_manifest', place, `the replacement does not fit: ${caught.message}`);
    throw caught;
  }
}

interface Id {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** The identity of now and the earlier ones. */
function idsOf({ object, history }: Resource): readonly Id[] {
  const { name, namespace } = object.metadata;
  return [{ kind: object.kind, name, namespace: namespace ?? '' }, ...history.previous];
}

function findValue(resources: readonly Resource[], { source, sourceValue }: ReplacementArgs): Value {
  if (source === undefined) return { json: sourceValue ?? '', typed: false };
  if (sourceValue !== undefined) throw new FieldPathError('source and sourceValue exclude one another');
  const { resource, path, json } = findSource(resources, source);
  if (source.options?.delimiter && isCipher(json))
    throw new FieldPathError('its source is a value that SOPS has encrypted, which cannot be taken apart');
  if (source.options?.delimiter) return { json: refined(json, source.options), typed: true };
  return { json, typed: true, live: { index: resources.indexOf(resource), path } };
}

/** The field that a replacement takes its value from. @throws FieldPathError where there is not exactly one. */
export function findSource(
  resources: readonly Resource[],
  source: NonNullable<ReplacementArgs['source']>,
): { readonly resource: Resource; readonly path: ConcretePath; readonly json: Json } {
  const { group = '', version = '', kind = '', name = '', namespace = '' } = source;
  const shown = [kind, namespace, name].filter((part) => part !== '').join(' ');
  const isSelected = (resource: Resource): boolean => {
    const { apiVersion } = resource.object;
    if (group !== '' && groupOf(apiVersion) !== group) return false;
    if (version !== '' && versionOf(apiVersion) !== version) return false;
    return idsOf(resource).some(
      (id) =>
        (kind === '' || kind === id.kind) &&
        (name === '' || name === id.name) &&
        // Kinds of the whole cluster are not told apart here (kustomize internal/utils MakeResIds).
        (namespace === '' || orDefault(namespace) === orDefault(id.namespace)),
    );
  };
  const found = resources.filter(isSelected);
  const [first] = found;
  if (first === undefined) throw new FieldPathError(`its source selects nothing: ${shown}`);
  if (found.length > 1) throw new FieldPathError(`its source selects ${found.length} objects: ${shown}`);
  const path = source.fieldPath || defaultFieldPath;
  const field = findField(first.object as unknown as Json, splitFieldPath(path));
  const json = field?.value;
  if (
    field === undefined ||
    json === undefined ||
    json === null ||
    (typeof json === 'object' && Object.keys(json).length === 0)
  )
    throw new FieldPathError(`its source ${shown} has no ${path}`);
  return { resource: first, path: field.path, json };
}

function refined(json: Json, { delimiter = '', index = 0 }: FieldOptions = {}): Json {
  if (delimiter === '') return json;
  if (typeof json === 'object') throw new FieldPathError('a delimiter needs a source that is a scalar');
  const piece = index < 0 ? undefined : textOf(json).split(delimiter)[index];
  if (piece === undefined) throw new FieldPathError(`its source has no part ${index}`);
  return typeof json === 'string' ? piece : retype(json, piece);
}

/** One replacement while it goes from target to target. */
class Replacing {
  #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  applyTarget(resources: readonly Resource[], target: ReplacementTarget): readonly Resource[] {
    if (target.select === undefined) throw new FieldPathError('a target needs select');
    const selects = compile(target.select);
    const rejects = (target.reject ?? []).map(compile);
    return resources.map((resource, index) => {
      if (!selects.byLabels(resource)) return resource;
      if (rejects.some((reject) => reject.hasLabels && reject.byLabels(resource))) return resource;
      const ids = idsOf(resource);
      const { apiVersion } = resource.object;
      if (rejects.some((reject) => reject.hasId && ids.some((id) => reject.byId(apiVersion, id))))
        return resource;
      return ids.some((id) => selects.byId(apiVersion, id))
        ? this.#replaceIn(resource, target, index)
        : resource;
    });
  }

  #replaceIn(resource: Resource, target: ReplacementTarget, index: number): Resource {
    const { fieldPaths = [], options = {} } = target;
    const paths = fieldPaths.length === 0 ? [defaultFieldPath] : fieldPaths;
    let result = resource;
    for (const path of paths) {
      const root = replaceAtPath(result.object as unknown as Json, this.#value, path, options);
      const object = checkObject(root, resource.place) as KubeObject;
      const shared = stillShared(object, result.history.shared);
      const spread = spreadShared(result.object, object, shared);
      result = withObject({ ...result, history: { ...result.history, shared } }, spread);
      this.#follow(result, index);
    }
    return result;
  }

  #follow({ object }: Resource, index: number): void {
    const { live } = this.#value;
    if (live?.index !== index) return;
    let json: Json | undefined = object as unknown as Json;
    for (const key of live.path) {
      if (typeof json !== 'object' || json === null) return;
      json = (json as Record<string | number, Json | undefined>)[key];
    }
    if (json !== undefined) this.#value = { ...this.#value, json };
  }
}

interface Selects {
  readonly hasId: boolean;
  readonly hasLabels: boolean;
  byId(apiVersion: string, id: Id): boolean;
  byLabels(resource: Resource): boolean;
}

function compile(selector: TargetSelector): Selects {
  const { group, version, kind, name, namespace, labelSelector = '', annotationSelector = '' } = selector;
  const patterns = [group, version, kind, name, namespace].map((one) => compilePattern(one, 'whole'));
  const labels = parseLabelSelector(labelSelector);
  const annotations = parseLabelSelector(annotationSelector);
  return {
    hasId: patterns.some((one) => one !== undefined),
    hasLabels: labelSelector !== '' || annotationSelector !== '',
    byId: (apiVersion, id) =>
      [groupOf(apiVersion), versionOf(apiVersion), id.kind, id.name, id.namespace].every(
        (text, index) => patterns[index]?.test(text) !== false,
      ),
    byLabels: ({ object: { metadata } }) =>
      annotations(textMap(metadata.annotations)) && labels(textMap(metadata.labels)),
  };
}

function replaceAtPath(root: Json, value: Value, path: string, options: FieldOptions): Json {
  const create = options.create === true ? createdKind(value.json) : undefined;
  const set = (old: Json | undefined, created: boolean): Json => putInto(old, created, value, options);
  const parts = splitFieldPath(path);
  const inText = replaceInText(root, parts, create, set);
  if (inText !== undefined) return inText;
  const found = new FieldMatcher(create, findsInText).match(root, parts);
  if (found.matches.length === 0) throw new FieldPathError(`there is no field ${path} in a target`);
  let next = found.value;
  for (const match of found.matches)
    if (!isNoPlace(match)) next = changeAtPath(next, match.path, (old) => set(old, match.created));
  return next as Json;
}

function createdKind(json: Json): CreatedKind {
  if (Array.isArray(json)) return 'list';
  return isJsonObject(json) ? 'map' : 'scalar';
}

/** Where the path leads into a text: that text changed. Undefined: it does not, or the text has no such field. */
function replaceInText(
  root: Json,
  parts: readonly string[],
  create: CreatedKind | undefined,
  set: (old: Json | undefined, created: boolean) => Json,
): Json | undefined {
  try {
    for (let length = 1; length < parts.length; length += 1) {
      const found = findField(root, parts.slice(0, length));
      if (found === undefined || typeof found.value === 'object') continue;
      const text = setInText(textOf(found.value), parts.slice(length), create, set);
      return changeAtPath(root, found.path, (old) => retype(old, text)) as Json;
    }
  } catch (caught) {
    // What cannot be changed as text is tried as a plain field, which has the better message.
    if (!(caught instanceof FieldPathError || caught instanceof RetypeError)) throw caught;
  }
  return undefined;
}

function putInto(old: Json | undefined, created: boolean, value: Value, options: FieldOptions): Json {
  const { delimiter = '', index = 0 } = options;
  const isContainer = typeof old === 'object' && old !== null;
  let text = typeof value.json === 'object' ? '' : textOf(value.json);
  if (delimiter !== '') {
    if (isContainer) throw new FieldPathError('a delimiter needs a target that is a scalar');
    const parts = textOf(old).split(delimiter);
    if (index < 0) parts.unshift(text);
    else if (index >= parts.length) parts.push(text);
    else parts[index] = text;
    text = parts.join(delimiter);
  }
  if (isContainer) return value.typed ? value.json : plainScalar(text);
  return created ? plainScalar(text) : retype(old, text);
}

/** Image names, tags and digests (kustomize api filters/imagetag and internal/image). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { Resource } from '../resource.ts';
import type { Stem } from '../stem.ts';
import { specsFor } from './apply-specs.ts';
import { leavesBeside, type PathTree, pathTree } from './field-leaves.ts';
import { changeField, type FieldSpec, PathError, splitPath } from './field-spec.ts';
import type { ImageArgs } from './kustomization.ts';

const patternLengthMax = 512;

type Matches = (image: string) => boolean;

const tail = '(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$';
const tailPattern = new RegExp(`^${tail}`);

/** Undefined: the name is no pattern, which kustomize lets match nothing. */
function imageMatcher(name: string): Matches | undefined {
  if (name.length > patternLengthMax) return undefined;
  // Nearly all names are just that, but for dots, which stand for any character. A pattern for each image of each overlay takes long to make.
  if (/^[\w./-]*$/.test(name))
    return (image) => startsLike(image, name) && tailPattern.test(image.slice(name.length));
  if (/\([^()]*[*+}][^()]*\)\s*[*+{]/.test(name)) return undefined;
  try {
    const pattern = new RegExp(`^${name}${tail}`);
    return (image) => pattern.test(image);
  } catch {
    return undefined;
  }
}

function startsLike(image: string, name: string): boolean {
  if (image.length < name.length) return false;
  for (let at = 0; at < name.length; at += 1) {
    const [is, wanted] = [image.charCodeAt(at), name.charCodeAt(at)];
    if (is !== wanted && (wanted !== dot || lineEnds.has(is))) return false;
  }
  return true;
}

const dot = 46;
/** What a dot of a pattern does not stand for. */
const lineEnds = new Set([0x0a, 0x0d, 0x2028, 0x2029]);

interface ImageParts {
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

/** `[[host[:port]/]component/]component[:tag][@digest]` */
export function splitImage(image: string): ImageParts {
  const slash = Math.max(image.indexOf('/'), 0);
  const at = image.indexOf('@', slash);
  const colon = image.indexOf(':', slash);
  if (colon < 0 && at < 0) return { name: image, tag: '', digest: '' };
  if (at >= 0 && (at < colon || colon < 0))
    return { name: image.slice(0, at), tag: '', digest: image.slice(at + 1) };
  if (at >= 0)
    return { name: image.slice(0, colon), tag: image.slice(colon + 1, at), digest: image.slice(at + 1) };
  return { name: image.slice(0, colon), tag: image.slice(colon + 1), digest: '' };
}

function newImage(image: string, args: ImageArgs): string {
  const parts = splitImage(image);
  const name = args.newName || parts.name;
  let { tag, digest } = parts;
  if (args.newTag) {
    tag = args.newTag;
    digest = args.digest ?? '';
  } else if (args.digest) {
    tag = '';
    digest = args.digest;
  } else if (args.tagSuffix) {
    tag += args.tagSuffix;
    digest = '';
  }
  return name + (tag === '' ? '' : `:${tag}`) + (digest === '' ? '' : `@${digest}`);
}

/** Changes one object's images: first every `image` in lists called containers or initContainers, wherever they are, then the fields of the table. */
export function imageTransform(
  args: ImageArgs,
  specs: readonly FieldSpec[],
): (resource: Resource) => KubeObject {
  const matches = imageMatcher(args.name ?? '');
  const change = (value: Json | undefined): Json | undefined =>
    typeof value === 'string' && matches?.(value) ? newImage(value, args) : scalarOnly(value);
  const transform = (object: KubeObject, change: Change): KubeObject => {
    let result = changeContainers(object, change) as KubeObject;
    for (const spec of specsFor(specs, object.apiVersion, object.kind))
      result = changeField(result, {
        path: splitPath(spec.path),
        create: true,
        createKind: 'none',
        set: change,
      });
    return result;
  };
  return (resource) => {
    const { object } = resource;
    if (matches === undefined || object.kind === 'CustomResourceDefinition') return object;
    const images = imagesIn(resource, specs);
    return images === undefined || images.some(matches) ? transform(object, change) : object;
  };
}

/** Undefined: something is odd about them. */
type Images = readonly string[] | undefined;

/** All images of an object; some may be its stem's and no longer there. */
function imagesIn({ object, stem }: Resource, specs: readonly FieldSpec[]): Images {
  if (stem === undefined || stem.object.kind !== object.kind || stem.object.apiVersion !== object.apiVersion)
    return findImages(object, specs, undefined);
  const shared = imagesInStem(stem, specs);
  if (object === stem.object || shared === undefined) return shared;
  const own = findImages(object, specs, stem.object);
  return own === undefined || own.length === 0 ? own && shared : [...shared, ...own];
}

/** Remembered: most overlays change none of most objects. */
function imagesInStem(stem: Stem, specs: readonly FieldSpec[]): Images {
  if (stem.images?.for === specs) return stem.images.value;
  const value = findImages(stem.object, specs, undefined);
  stem.images = { for: specs, value };
  return value;
}

/** Images of the parts that are not the stem's. */
function findImages(object: KubeObject, specs: readonly FieldSpec[], stem: KubeObject | undefined): Images {
  const images: string[] = [];
  if (!addFromLists(object, stem, images)) return undefined;
  const { texts, others, isOdd } = leavesBeside(object, treeOf(specs, object), stem);
  if (isOdd || others.size > 0) return undefined;
  for (const text of texts) images.push(text);
  return images;
}

const trees = new WeakMap<readonly FieldSpec[], PathTree>();

/** The paths for the kind of the object, as one tree. */
function treeOf(specs: readonly FieldSpec[], { apiVersion, kind }: KubeObject): PathTree {
  const own = specsFor(specs, apiVersion, kind);
  let tree = trees.get(own);
  if (tree === undefined) {
    tree = pathTree(own.map(({ path }) => splitPath(path)));
    trees.set(own, tree);
  }
  return tree;
}

/** Adds images in lists called containers or initContainers, wherever they are. False: one is no scalar. */
function addFromLists(value: object, stem: unknown, images: string[]): boolean {
  const other = (typeof stem === 'object' ? stem : undefined) as JsonObject | null | undefined;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index];
      if (typeof item !== 'object' || item === null || item === other?.[index]) continue;
      if (!addFromLists(item, other?.[index], images)) return false;
    }
    return true;
  }
  for (const key of Object.keys(value)) {
    const member = (value as JsonObject)[key];
    if (typeof member !== 'object' || member === null || member === other?.[key]) continue;
    if (isContainers(key) && Array.isArray(member) && !addImages(member, images)) return false;
    if (!addFromLists(member, other?.[key], images)) return false;
  }
  return true;
}

const isContainers = (key: string): boolean => key === 'containers' || key === 'initContainers';

function addImages(list: readonly Json[], images: string[]): boolean {
  for (const item of list) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) continue;
    const { image } = item as JsonObject;
    if (typeof image === 'object' && image !== null) return false;
    if (typeof image === 'string') images.push(image);
  }
  return true;
}

function scalarOnly(value: Json | undefined): Json | undefined {
  if (typeof value === 'object' && value !== null) throw new PathError('expected an image to be a text');
  return value;
}

type Change = (value: Json | undefined) => Json | undefined;

function changeContainers(value: Json | undefined, change: Change): Json | undefined {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    let items: Json[] | undefined;
    for (const [index, item] of value.entries()) {
      const next = changeContainers(item, change) as Json;
      if (next === item) continue;
      items ??= [...value];
      items[index] = next;
    }
    return items ?? value;
  }
  let result: Record<string, Json | undefined> | undefined;
  const map = value as JsonObject;
  for (const key in map) {
    let next = changeContainers(map[key], change);
    if (isContainers(key) && Array.isArray(next)) next = changeImages(next, change);
    if (next === map[key]) continue;
    result ??= { ...map };
    result[key] = next;
  }
  return result ?? map;
}

function changeImages(list: readonly Json[], change: Change): readonly Json[] {
  let items: Json[] | undefined;
  for (const [index, item] of list.entries()) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) continue;
    const { image } = item as JsonObject;
    const next = change(image);
    if (next === image) continue;
    items ??= [...list];
    items[index] = { ...item, image: next };
  }
  return items ?? list;
}

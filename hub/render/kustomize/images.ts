/** Image names, tags and digests (kustomize api filters/imagetag and internal/image). */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { changeField, type FieldSpec, PathError, splitPath } from './field-spec.ts';
import { isSelected } from './ids.ts';
import type { ImageArgs } from './kustomization.ts';

const patternLengthMax = 512;

/** Undefined: the name is no pattern, which kustomize lets match nothing. */
function imagePattern(name: string): RegExp | undefined {
  if (name.length > patternLengthMax || /\([^()]*[*+}][^()]*\)\s*[*+{]/.test(name)) return undefined;
  try {
    return new RegExp(
      `^${name}(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$`,
    );
  } catch {
    return undefined;
  }
}

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
): (object: KubeObject) => KubeObject {
  const pattern = imagePattern(args.name ?? '');
  const change = (value: Json | undefined): Json | undefined =>
    typeof value === 'string' && pattern?.test(value) ? newImage(value, args) : scalarOnly(value);
  const transform = (object: KubeObject, change: Change): KubeObject => {
    let result = changeContainers(object, change) as KubeObject;
    for (const spec of specs)
      if (isSelected(object.apiVersion, object.kind, spec))
        result = changeField(result, {
          path: splitPath(spec.path),
          create: true,
          createKind: 'none',
          set: change,
        });
    return result;
  };
  return (object) => {
    if (pattern === undefined || object.kind === 'CustomResourceDefinition') return object;
    const images = imagesIn(object, specs, transform);
    return images.some((image) => pattern.test(image)) ? transform(object, change) : object;
  };
}

const found = new WeakMap<readonly FieldSpec[], WeakMap<KubeObject, readonly string[]>>();

/** The images of an object, remembered: most overlays change none of most objects. */
function imagesIn(
  object: KubeObject,
  specs: readonly FieldSpec[],
  transform: (object: KubeObject, change: Change) => KubeObject,
): readonly string[] {
  const bySpecs = found.get(specs) ?? new WeakMap<KubeObject, readonly string[]>();
  found.set(specs, bySpecs);
  const known = bySpecs.get(object);
  if (known !== undefined) return known;
  const images = new Set<string>();
  transform(object, (value) => {
    if (typeof value === 'string') images.add(value);
    return scalarOnly(value);
  });
  const list = [...images];
  bySpecs.set(object, list);
  return list;
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
    if ((key === 'containers' || key === 'initContainers') && Array.isArray(next))
      next = changeImages(next, change);
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

import type { Json, JsonObject, KubeObject } from '../../shared/manifest/object.ts';
import { type Place, problemError } from './render-error.ts';
import { checkObject } from './resource.ts';
import { refuseSealedList } from './sops.ts';
import type { YamlDocument } from './yaml/parse-yaml.ts';

export interface PlacedObject {
  readonly object: KubeObject;
  readonly place: Place;
}

/**
 * The Kubernetes objects of a file. Kinds that end in `List` and have `items` are taken apart as kustomize does (api resource/factory.go
 * inlineAnyEmbeddedLists): what was in them comes after the file's other objects. @param areParts as in checkObject. @throws a Problem for what is no object.
 */
export function objectsOf(
  documents: readonly YamlDocument[],
  file: string,
  areParts = false,
): readonly PlacedObject[] {
  const result: PlacedObject[] = [];
  const queue: { value: Json; place: Place }[] = documents.map((document) => ({
    value: document.value,
    place: placeOf(document, file),
  }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { value, place } = next;
    if (isEmpty(value)) continue;
    const items = itemsOf(value, place);
    if (items !== undefined) {
      for (const item of items) queue.push({ value: item, place });
      continue;
    }
    result.push({ object: checkObject(value, place, areParts), place });
  }
  return result;
}

/** The line is asked for only in errors: of what is written within a kustomization it takes long to find. */
export function placeOf(document: YamlDocument, file: string): Place {
  return {
    file,
    get line(): number {
      return document.line;
    },
  };
}

function isEmpty(value: Json): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** The items of a List; undefined where the value is no List. */
function itemsOf(value: Json, place: Place): readonly Json[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { kind, items } = value as { kind?: unknown; items?: Json };
  if (typeof kind !== 'string' || !kind.endsWith('List') || items === undefined) return undefined;
  refuseSealedList(value as JsonObject, place);
  if (items === null) return [];
  if (Array.isArray(items)) return items;
  throw problemError('invalid_manifest', { ...place, field: 'items' }, `expected a list in a ${kind}`);
}

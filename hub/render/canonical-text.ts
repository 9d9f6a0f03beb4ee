import type { KubeObject } from '../../shared/manifest/object.ts';

/**
 * Canonical JSON (shared/manifest canonicalJson) of a rendered object, where a member that is undefined was written as nothing and is null.
 * @param stem the object that many share and this one was made from: the texts of parts that they have in common are remembered.
 */
export function canonicalText(object: KubeObject, stem?: KubeObject): string {
  return textOfContainer(object, stem === object ? undefined : stem);
}

const texts = new WeakMap<object, string>();
const keyTexts = new Map<string, string>();
const keyTextsMax = 10_000;
/** Shorter texts are faster written than found. */
const rememberedLengthMin = 128;

function textOfValue(value: unknown, stem: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      return value === stem ? textOfShared(value) : textOfContainer(value, stem);
    case 'undefined':
      return 'null';
    default:
      return String(value);
  }
}

/** Of a part that the object has in common with its stem. */
function textOfShared(value: object): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = textOfContainer(value, undefined);
  if (text.length >= rememberedLengthMin) texts.set(value, text);
  return text;
}

function textOfContainer(value: object, stem: unknown): string {
  if (Array.isArray(value)) return textOfList(value, Array.isArray(stem) ? stem : noItems);
  const isMap = typeof stem === 'object' && stem !== null;
  return textOfMap(value as Record<string, unknown>, isMap ? (stem as Record<string, unknown>) : undefined);
}

const noItems: readonly unknown[] = [];

function textOfList(list: readonly unknown[], stem: readonly unknown[]): string {
  let text = '[';
  for (let index = 0; index < list.length; index += 1)
    text += (index === 0 ? '' : ',') + textOfValue(list[index], stem[index]);
  return `${text}]`;
}

function textOfMap(map: Record<string, unknown>, stem: Record<string, unknown> | undefined): string {
  const keys = Object.keys(map);
  for (let index = 1; index < keys.length; index += 1)
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) {
      keys.sort();
      break;
    }
  let text = '{';
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] ?? '';
    text += (index === 0 ? '' : ',') + keyText(key) + textOfValue(map[key], stem?.[key]);
  }
  return `${text}}`;
}

/** The same few keys are in all objects. */
function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const made = `${JSON.stringify(key)}:`;
  if (keyTexts.size >= keyTextsMax) keyTexts.clear();
  keyTexts.set(key, made);
  return made;
}

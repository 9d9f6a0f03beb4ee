import type { KubeObject } from '../../shared/manifest/object.ts';

/**
 * Canonical JSON (shared/manifest canonicalJson) of a rendered object, where a member that is undefined was written as nothing and is null. Parts that
 * objects share, as those of a base in all its overlays do, are written once and remembered from the second time on.
 */
export function canonicalText(object: KubeObject): string {
  return textOfContainer(object);
}

const seen = new WeakSet<object>();
const texts = new WeakMap<object, string>();
const keyTexts = new Map<string, string>();
const keyTextsMax = 10_000;
/** Shorter texts are faster written than found. */
const rememberedLengthMin = 128;

function textOfValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : textOfContainer(value);
    case 'undefined':
      return 'null';
    default:
      return String(value);
  }
}

function textOfContainer(value: object): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = Array.isArray(value) ? textOfList(value) : textOfMap(value as Record<string, unknown>);
  if (text.length < rememberedLengthMin) return text;
  if (seen.has(value)) texts.set(value, text);
  else seen.add(value);
  return text;
}

function textOfList(list: readonly unknown[]): string {
  let text = '[';
  for (let index = 0; index < list.length; index += 1)
    text += index === 0 ? textOfValue(list[index]) : `,${textOfValue(list[index])}`;
  return `${text}]`;
}

function textOfMap(map: Record<string, unknown>): string {
  const keys = Object.keys(map);
  for (let index = 1; index < keys.length; index += 1)
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) {
      keys.sort();
      break;
    }
  let text = '{';
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index] ?? '';
    text += (index === 0 ? '' : ',') + keyText(key) + textOfValue(map[key]);
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

/** An object with `${...}` in it, parsed once for all clusters. */
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { isPlainText, type Part, parseText, variablesIn } from './expression.ts';
import { isWrittenPlain } from './scalar.ts';

export type Path = readonly (string | number)[];

/** A text that is to be filled in. */
export interface Slot {
  readonly path: Path;
  /** The key itself, at the end of the path, rather than its value. */
  readonly isKey: boolean;
  readonly parts: readonly Part[];
  /** Read again as YAML once filled in. */
  readonly plain: boolean;
  /** Why the text cannot be parsed. */
  readonly failure: string | undefined;
}

export interface ObjectTemplate {
  readonly slots: readonly Slot[];
  /** Names of all variables. */
  readonly variables: ReadonlySet<string>;
}

const disabledKeys = ['fairway.dev/substitute', 'kustomize.toolkit.fluxcd.io/substitute'];

/** A label or annotation takes one object out. */
function isDisabled({ metadata }: KubeObject): boolean {
  const { labels, annotations } = metadata as { readonly labels?: Json; readonly annotations?: Json };
  return [labels, annotations].some((map) =>
    disabledKeys.some((key) => (map as JsonObject | undefined | null)?.[key] === 'disabled'),
  );
}

/** Undefined: there is nothing to fill in. */
export function findSlots(object: KubeObject): ObjectTemplate | undefined {
  if (isDisabled(object)) return undefined;
  const slots: Slot[] = [];
  visit(object as unknown as Json, [], slots);
  if (slots.length === 0) return undefined;
  const variables = new Set<string>();
  for (const { parts } of slots) variablesIn(parts, variables);
  return { slots, variables };
}

function visit(value: Json | undefined, path: Path, slots: Slot[]): void {
  if (typeof value === 'string') {
    if (!isPlainText(value)) slots.push(slotOf(value, path, false));
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, [...path, index], slots);
    return;
  }
  for (const [key, item] of Object.entries(value as JsonObject)) {
    const below = [...path, key];
    visit(item, below, slots);
    // After what is below it, whose path has the old key.
    if (!isPlainText(key)) slots.push(slotOf(key, below, true));
  }
}

function slotOf(text: string, path: Path, isKey: boolean): Slot {
  const parsed = parseText(text);
  const plain = !staysText(path, isKey) && isWrittenPlain(text);
  return parsed.ok
    ? { path, isKey, parts: parsed.parts, plain, failure: undefined }
    : { path, isKey, parts: [], plain, failure: parsed.message };
}

const textMaps: ReadonlySet<string> = new Set(['labels', 'annotations', 'matchLabels', 'nodeSelector']);

/** Where Kubernetes takes nothing but text, a number would only be refused: labels, data of ConfigMaps, environment variables. Flux has a number there. */
function staysText(path: Path, isKey: boolean): boolean {
  if (isKey) return false;
  const [last, before, third] = [path.at(-1), path.at(-2), path.at(-3)];
  if (typeof last !== 'string') return false;
  if (textMaps.has(String(before))) return true;
  if (path.length === 2 && (before === 'data' || before === 'stringData')) return true;
  return last === 'value' && typeof before === 'number' && third === 'env';
}

import type { FairwayError } from '../../../shared/error/error.ts';
import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { problemError } from '../render-error.ts';
import type { OutputDocument } from './parse-output.ts';

/** The Problem that two runs of one chart differ, naming template, object and field, never a value; undefined where they mean the same. */
export function compareRuns(
  first: readonly OutputDocument[],
  second: readonly OutputDocument[],
): FairwayError | undefined {
  for (const [index, document] of first.entries()) {
    const other = second[index];
    const path =
      other === undefined || other.file !== document.file
        ? []
        : firstDifference(document.value, other.value, []);
    if (path !== undefined) return refuse(document, path);
  }
  const extra = second[first.length];
  return extra === undefined ? undefined : refuse(extra, []);
}

function refuse({ file, value }: OutputDocument, path: readonly (string | number)[]): FairwayError {
  const { kind, metadata } = (value ?? {}) as { readonly kind?: Json; readonly metadata?: JsonObject };
  return problemError(
    'invalid_manifest',
    {
      file,
      field: path
        .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
        .join('')
        .replace(/^\./, ''),
    },
    `${String(kind)} ${String(metadata?.['name'])} is another each time the chart is rendered (a random value, or the time): every render would roll out anew; state the value`,
  );
}

function firstDifference(
  one: Json | undefined,
  other: Json | undefined,
  path: readonly (string | number)[],
): readonly (string | number)[] | undefined {
  if (one === other) return undefined;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return path;
  if (Array.isArray(one) !== Array.isArray(other)) return path;
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [a, b] = [(one as JsonObject)[key], (other as JsonObject)[key]];
    const found = firstDifference(a, b, [...path, Array.isArray(one) ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

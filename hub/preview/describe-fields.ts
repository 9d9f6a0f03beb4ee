import type { Json } from '../../shared/manifest/object.ts';
import { type FieldDiff, type FieldStep, pathText } from './diff-fields.ts';
import { diffLines } from './diff-lines.ts';
import type { FieldReport } from './report.ts';

export interface FieldLimits {
  /** Fields of one change. Default 100. */
  readonly fieldsMax: number;
  /** Characters of one value. Default 2,000. */
  readonly valueCharactersMax: number;
  /** Lines of one text. Default 100. */
  readonly linesMax: number;
}

export const defaultFieldLimits: FieldLimits = { fieldsMax: 100, valueCharactersMax: 2_000, linesMax: 100 };

/** Differences as people may see them. @param secret of a core Secret: values are masked. Pure. */
export function describeFields(
  diffs: readonly FieldDiff[],
  secret: boolean,
  limits: FieldLimits = defaultFieldLimits,
): { readonly fields: readonly FieldReport[]; readonly fieldsOmitted: number } {
  return {
    fields: diffs.slice(0, limits.fieldsMax).map((diff) => describeField(diff, secret, limits)),
    fieldsOmitted: Math.max(0, diffs.length - limits.fieldsMax),
  };
}

function describeField(diff: FieldDiff, secret: boolean, limits: FieldLimits): FieldReport {
  const path = pathText(diff.path);
  const masked = secret && isSecretValue(diff.path);
  const { before, after } = diff;
  const change =
    diff.type === 'order'
      ? 'reordered'
      : before === undefined
        ? 'added'
        : after === undefined
          ? 'removed'
          : 'changed';
  if (masked) return { path, change, masked, before: null, after: null, lines: [] };
  const lines = diff.type === 'set' ? linesOf(diff.before, diff.after, limits) : [];
  if (lines.length > 0) return { path, change, masked, before: null, after: null, lines };
  return { path, change, masked, before: textOf(before, limits), after: textOf(after, limits), lines };
}

/** Where a Secret's values are: its data, and kubectl's copy of them. A change of the whole object or metadata would hold them, too. */
function isSecretValue(path: readonly FieldStep[]): boolean {
  const names = path.map((step) => ('member' in step ? step.member : ''));
  const [first, second, third] = names;
  if (first !== 'metadata') return first === undefined || first === 'data' || first === 'stringData';
  if (second === undefined) return true;
  return second === 'annotations' && (third === undefined || third === lastApplied);
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Line by line where either side has several lines and neither is anything but text. */
function linesOf(
  before: Json | undefined,
  after: Json | undefined,
  { linesMax, valueCharactersMax }: FieldLimits,
): readonly string[] {
  const texts = [before ?? '', after ?? ''];
  if (!texts.every((text) => typeof text === 'string') || !texts.some((text) => text.trim().includes('\n')))
    return [];
  const [left = '', right = ''] = texts;
  const lines =
    before === undefined
      ? mark('+', right, linesMax)
      : after === undefined
        ? mark('-', left, linesMax)
        : diffLines(left, right, linesMax);
  return lines.map((line) => cut(line, valueCharactersMax));
}

function mark(sign: string, text: string, linesMax: number): readonly string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, linesMax - 1).map((line) => sign + line);
  const more = lines.length - shown.length;
  return more === 0 ? shown : [...shown, more === 1 ? sign + lines.at(-1) : `@ ${more} more lines`];
}

function textOf(value: Json | readonly string[] | undefined, limits: FieldLimits): string | null {
  return value === undefined ? null : cut(JSON.stringify(value), limits.valueCharactersMax);
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}

/**
 * A chart that writes the time gives the same output twice within a second, or a day. So the second of the two runs that are compared is of the chart
 * with another clock: `now` in its template actions stands for a date long ago, and `ago`, which asks the clock as well, for a text of its own.
 */
import type { ChartFiles, ValueFile } from './helm-runner.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** In backquotes, which also stand within a quoted text of a value file. */
const another: ReadonlyMap<string, string> = new Map([
  ['now', '(toDate `2006-01-02` `2001-02-03`)'],
  ['ago', 'printf `%v ago`'],
]);

/** Strings, comments and names of an action; of names only those are functions that no dot or dollar sign stands before. */
const tokens = /"(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)*'|\/\*[\s\S]*?\*\/|[.$]?[A-Za-z_]\w*/g;

function moveInText(text: string): string {
  return text.replace(/\{\{[\s\S]*?\}\}/g, (action) =>
    action.replace(tokens, (token) => another.get(token) ?? token),
  );
}

function moveInBytes(bytes: Uint8Array): Uint8Array {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // No text, so no template.
    return bytes;
  }
  const moved = moveInText(text);
  return moved === text ? bytes : encoder.encode(moved);
}

/** Values can hold templates, too: charts run them through `tpl`. */
const mayHoldTemplates = (path: string): boolean =>
  !/(?:^|\/)(?:Chart\.yaml|values\.schema\.json)$/.test(path);

export function withMovedClock<
  R extends {
    readonly chart: ChartFiles;
    readonly valueFiles: readonly ValueFile[];
    readonly nameTemplate?: string | undefined;
  },
>(request: R): R {
  const chart = new Map<string, Uint8Array>();
  for (const [path, bytes] of request.chart)
    chart.set(path, mayHoldTemplates(path) ? moveInBytes(bytes) : bytes);
  const valueFiles = request.valueFiles.map(({ name, bytes }) => ({ name, bytes: moveInBytes(bytes) }));
  const { nameTemplate } = request;
  return {
    ...{ ...request, chart, valueFiles },
    ...(nameTemplate === undefined ? {} : { nameTemplate: moveInText(nameTemplate) }),
  };
}

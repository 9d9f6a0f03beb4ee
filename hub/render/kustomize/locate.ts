import { type YamlLibrary, yamlLibrary } from '../yaml/library.ts';
import type { Locate } from './kustomization.ts';

/** Finds the line of a field. Parses the text a second time, so only when the line is asked for, for an error. */
export function createLocate(file: string, bytes: Uint8Array): Locate {
  let find: ((path: readonly (string | number)[]) => number) | undefined;
  return (path, field) => ({
    file,
    get line(): number {
      find ??= createFinder(new TextDecoder().decode(bytes));
      return find(path);
    },
    ...(field === undefined ? {} : { field }),
  });
}

interface Ranged {
  readonly range?: readonly [number, number, number] | null;
}

function createFinder(text: string): (path: readonly (string | number)[]) => number {
  const { LineCounter, parseDocument } = yamlLibrary();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' });
  return (path) => {
    for (let length = path.length; length >= 0; length -= 1) {
      const part = path.slice(0, length);
      const node = (length === 0 ? document.contents : keyOrItem(document, part)) as
        | Ranged
        | null
        | undefined;
      const offset = node?.range?.[0];
      if (offset !== undefined) return lines.linePos(offset).line;
    }
    return 1;
  };
}

/** The key of a mapping's entry, or a list's item. */
function keyOrItem(
  document: ReturnType<YamlLibrary['parseDocument']>,
  path: readonly (string | number)[],
): unknown {
  const last = path.at(-1);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const items = (parent as { items?: readonly unknown[] } | null | undefined)?.items;
  if (items === undefined) return undefined;
  if (typeof last === 'number') return items[last];
  const pair = items.find((item) => (item as { key?: { value?: unknown } })?.key?.value === last);
  return (pair as { key?: unknown } | undefined)?.key;
}

import { load, YAMLException } from 'js-yaml';
import { isCollection, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

/** One document of a YAML stream, parsed by js-yaml (YAML 1.2 core schema). */
export interface YamlDocument {
  readonly text: string;
  /** Line of the stream, from 1, on which `text` starts. */
  readonly firstLine: number;
  /** Undefined where `error` is given. */
  readonly value: unknown;
  readonly error: { readonly line: number; readonly message: string } | undefined;
}

/**
 * Splits a stream at its `---` and `...` lines, which YAML 1.2 (section 9.1) allows nowhere else at the start of a line, and parses each document by
 * itself, so that one broken document leaves its neighbours readable. Documents of nothing but comments are left out.
 */
export function readYamlDocuments(stream: string): readonly YamlDocument[] {
  const documents: YamlDocument[] = [];
  let lines: string[] = [];
  let firstLine = 1;
  const finish = () => {
    if (lines.some(hasContent)) documents.push(parse(lines.join('\n'), firstLine));
    lines = [];
  };
  stream
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .forEach((line, index) => {
      const marker = /^(?:---|\.\.\.)(?=\s|$)/.exec(line);
      if (!marker) {
        lines.push(line);
        return;
      }
      finish();
      firstLine = index + 1;
      lines = [line.slice(marker[0].length)];
    });
  finish();
  return documents.map((document) => ({
    ...document,
    firstLine: document.firstLine + blankLines(document.text),
  }));
}

/** Neither blank nor a comment, by YAML's own white space (section 5.5). */
function hasContent(line: string): boolean {
  return /^[ \t]*[^ \t#]/.test(line);
}

/** Leading blank and comment lines are no part of a document: a resource's line is that of its first field. */
function blankLines(text: string): number {
  const lines = text.split('\n');
  return lines.findIndex(hasContent);
}

function parse(text: string, firstLine: number): YamlDocument {
  try {
    return { text, firstLine, value: load(text), error: undefined };
  } catch (caught) {
    if (!(caught instanceof YAMLException)) throw caught;
    // Only the reason: the message would quote the text, in which a secret may stand.
    const line = firstLine + (caught.mark?.line ?? 0);
    return { text, firstLine, value: undefined, error: { line, message: caught.reason } };
  }
}

export type FieldPath = readonly (string | number)[];

/**
 * The line of a field, or of the nearest parent that is there. Parses the document again with `yaml`, which knows positions but is about eight
 * times slower than js-yaml: only for documents in which something is wrong.
 */
export function findLine(document: Pick<YamlDocument, 'text' | 'firstLine'>, path: FieldPath): number {
  const counter = new LineCounter();
  const parsed = parseDocument(document.text, {
    lineCounter: counter,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const first = document.firstLine - Math.max(0, blankLines(document.text));
  let node: Node | null = parsed.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    const next = step(node, part);
    if (!next) break;
    offset = next.offset;
    node = next.node;
  }
  return first + counter.linePos(offset).line - 1;
}

function step(node: Node | null, part: string | number) {
  if (!isCollection(node)) return undefined;
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    const key = pair?.key as Node | undefined;
    return pair && key?.range
      ? { offset: key.range[0], node: (pair.value ?? null) as Node | null }
      : undefined;
  }
  const item = typeof part === 'number' ? (node.items[part] as Node | undefined) : undefined;
  return item?.range ? { offset: item.range[0], node: item } : undefined;
}

/** `spec.overlays[2]`, `metadata.labels["a/b"]`. */
export function fieldText(path: FieldPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

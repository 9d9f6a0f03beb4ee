/** Edits fields of one resource within a YAML stream by their place in the text: comments, order and everything else stay to the letter. Pure. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import { FairwayError } from '../../shared/error/error.ts';

export type FieldEdit =
  /** Sets a field, adding it where it is not. `was`: what it must have been; default: anything. */
  | { readonly path: readonly string[]; readonly set: string; readonly was?: readonly string[] }
  /** Replaces an item of a list by another; without the list, makes one of the new item. */
  | { readonly path: readonly string[]; readonly item: string; readonly by: string };

export interface ResourceEdit {
  /** Relative to the top of the repository. */
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly edits: readonly FieldEdit[];
}

interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** @throws not_found where the resource is not in the file; failed_precondition for a place that cannot be edited by its text. */
export function editFleetFile(text: string, { file, kind, name, edits }: ResourceEdit): string {
  let edited = text;
  for (const edit of edits) {
    const documents = parseAllDocuments(edited, { uniqueKeys: false, logLevel: 'silent' });
    const found = (Array.isArray(documents) ? documents : []).find((one: Document) => {
      return one.getIn(['kind']) === kind && one.getIn(['metadata', 'name']) === name;
    });
    if (!found || !isMap(found.contents))
      throw new FairwayError('not_found', `${file}: there is no ${kind} ${name} in it any more`, {
        subject: file,
      });
    const splice = spliceFor(edited, found.contents, edit, `${file}: ${kind} ${name}`);
    if (splice) edited = edited.slice(0, splice.from) + splice.text + edited.slice(splice.to);
  }
  return edited;
}

function refuse(subject: string, path: readonly string[], what: string): FairwayError {
  return new FairwayError(
    'failed_precondition',
    `${subject}: ${path.join('.')} ${what}: change it by hand, or write it plainly`,
    { subject },
  );
}

function spliceFor(text: string, root: YAMLMap, edit: FieldEdit, subject: string): Splice | undefined {
  const value = 'set' in edit ? edit.set : edit.by;
  const whole = 'set' in edit ? value : `[${value}]`;
  let map = root;
  for (const [index, part] of edit.path.entries()) {
    const pair = map.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    const rest = edit.path.slice(index);
    if (pair === undefined) return addition(text, map, rest, whole, subject);
    const node = pair.value as Node | null;
    if (isAlias(node) || node === null || !node.range || node.anchor !== undefined)
      throw refuse(subject, edit.path, 'is an alias, or empty');
    if (index < edit.path.length - 1) {
      if (!isMap(node)) throw refuse(subject, edit.path, 'is not within fields');
      map = node;
      continue;
    }
    if ('set' in edit) {
      if (!isScalar(node)) throw refuse(subject, edit.path, 'is no plain value');
      if (node.value === value) return undefined;
      const { was } = edit;
      if (was && !was.includes(String(node.value)))
        throw new FairwayError(
          'failed_precondition',
          `${subject}: ${edit.path.join('.')} is ${String(node.value)} by now, no longer ${was.join(' or ')}: somebody has changed it meanwhile`,
          { subject },
        );
      return { from: node.range[0], to: node.range[1], text: value };
    }
    if (!isSeq(node)) throw refuse(subject, edit.path, 'is no list');
    return replacement(text, node.items, edit, subject, node.range);
  }
  return undefined;
}

function replacement(
  text: string,
  items: readonly unknown[],
  edit: Extract<FieldEdit, { readonly item: string }>,
  subject: string,
  range: readonly [number, number, number],
): Splice | undefined {
  const plain = items.filter(isScalar);
  if (plain.some(({ value }) => value === edit.by)) return undefined;
  const found = plain.find(({ value }) => value === edit.item);
  if (found?.range) return { from: found.range[0], to: found.range[1], text: edit.by };
  if (text[range[0]] !== '[') throw refuse(subject, edit.path, `does not have ${edit.item}`);
  const from = range[0] + 1;
  return { from, to: from, text: items.length === 0 ? edit.by : `${edit.by}, ` };
}

/** `spec: { role: primary }` at the end of its map in blocks, at the beginning of one in flow style. */
function addition(
  text: string,
  map: YAMLMap,
  path: readonly string[],
  value: string,
  subject: string,
): Splice {
  const nested = path.slice(1).reduceRight((inner, key) => `{ ${key}: ${inner} }`, value);
  // The innermost key belongs to the value, all others wrap it.
  const written = path.length === 1 ? `${path[0]}: ${value}` : `${path[0]}: ${nested}`;
  const [first] = map.items;
  const start = (first?.key as Node | undefined)?.range?.[0];
  if (!map.range) throw refuse(subject, path, 'has no place');
  if (map.flow) {
    const from = map.range[0] + 1;
    return { from, to: from, text: first === undefined ? ` ${written} ` : ` ${written},` };
  }
  if (start === undefined) throw refuse(subject, path, 'has no place');
  const line = text.lastIndexOf('\n', start - 1) + 1;
  const indent = text.slice(line, start);
  if (!/^ *$/.test(indent)) throw refuse(subject, path, 'does not begin on a line of its own');
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  if (path.length === 1) return { from: start, to: start, text: `${written}${newline}${indent}` };
  const end = map.range[0] + text.slice(map.range[0], map.range[1]).trimEnd().length;
  return { from: end, to: end, text: `${newline}${indent}${written}` };
}

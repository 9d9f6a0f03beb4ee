/** Changing a field of a document that is written as text in a field, such as JSON in a ConfigMap (kustomize api/filters/replacement). */
import type { Json } from '../../../shared/manifest/object.ts';
import { defaultLimits } from '../limits.ts';
import { yamlLibrary } from '../yaml/library.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import {
  type ConcretePath,
  type CreatedKind,
  changeAtPath,
  FieldMatcher,
  FieldPathError,
  isNoPlace,
} from './field-path.ts';
import { goJson, goJsonIndented } from './go-json.ts';

export type SetPlace = (target: Json | undefined, created: boolean) => Json;

function parseText(text: string): Json | undefined {
  const parsed = parseYaml(new TextEncoder().encode(text), defaultLimits);
  if (!parsed.ok) throw new FieldPathError(`its text is no YAML: ${parsed.failure.message}`);
  const [first] = parsed.documents;
  if (first === undefined && !/^\s*(?:null|~)\s*$/i.test(text))
    throw new FieldPathError('its text holds nothing');
  return first?.value ?? null;
}

/** True when the path leads somewhere within the text. @throws FieldPathError. */
export function findsInText(
  text: string,
  parts: readonly string[],
  create: CreatedKind | undefined,
): boolean {
  return new FieldMatcher(create, findsInText).match(parseText(text), parts).matches.length > 0;
}

/** The text with the field changed: as JSON where it starts like JSON, else as YAML with its comments. @throws FieldPathError. */
export function setInText(
  text: string,
  parts: readonly string[],
  create: CreatedKind | undefined,
  set: SetPlace,
): string {
  const found = new FieldMatcher(create, findsInText).match(parseText(text), parts);
  if (found.matches.length === 0) throw new FieldPathError('there is no such field in its text');
  let root = found.value;
  const changes: [ConcretePath, Json][] = [];
  for (const match of found.matches) {
    if (isNoPlace(match)) continue;
    root = changeAtPath(root, match.path, (value) => {
      const next = set(value, match.created);
      changes.push([match.path, next]);
      return next;
    });
  }
  if (!/^\s*[{[]/.test(text)) return changeYaml(text, changes);
  return text.includes('\n') && text.includes('  ') ? goJsonIndented(root) : goJson(root);
}

function changeYaml(text: string, changes: readonly [ConcretePath, Json][]): string {
  const { isScalar, parseDocument } = yamlLibrary();
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false });
  for (const [path, value] of changes) {
    const node = document.getIn(path, true);
    if (isScalar(node) && (typeof value !== 'object' || value === null)) node.value = value;
    else document.setIn(path, document.createNode(value));
  }
  return document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: false }).trim();
}

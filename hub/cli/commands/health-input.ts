import { LineCounter, parseAllDocuments } from 'yaml';
import { FairwayError } from '../../../shared/error/error.ts';
import { checkHealthExpression } from '../../../shared/health/evaluate-rules.ts';
import { isJsonObject, type KubeObject } from '../../../shared/manifest/object.ts';
import type { HealthRule } from '../../../shared/manifest/target.ts';

const charactersMax = 64 * 1024 * 1024;
const objectsMax = 50_000;

function fail(place: string, message: string): never {
  throw new FairwayError('invalid_manifest', `${place}: ${message}`);
}

interface Piece {
  readonly value: unknown;
  /** `FILE:LINE` where it begins. */
  readonly place: string;
}

/** The documents of a text, JSON or YAML; those that hold nothing are left out. @throws invalid_manifest with file and line. */
function readDocuments(text: string, file: string): readonly Piece[] {
  if (text.length > charactersMax) fail(file, `is larger than ${charactersMax / 1024 / 1024} MiB`);
  if (/^\s*[[{]/.test(text)) {
    // As kubectl prints it; quicker than YAML, which gives the better words where this fails.
    try {
      return [{ value: JSON.parse(text) as unknown, place: `${file}:1` }];
    } catch {}
  }
  const lineCounter = new LineCounter();
  return parseAllDocuments(text, { lineCounter })
    .map((document): Piece => {
      const { line } = lineCounter.linePos(document.contents?.range?.[0] ?? 0);
      const [error] = document.errors;
      if (error)
        fail(
          `${file}:${error.linePos?.[0].line ?? line}`,
          `is no valid YAML: ${error.message.split(/ at line |\n/)[0]}`,
        );
      return { value: document.toJS({ maxAliasCount: 1_000 }) as unknown, place: `${file}:${line}` };
    })
    .filter(({ value }) => value !== null && value !== undefined);
}

function toObject(value: unknown, place: string): KubeObject {
  if (!isJsonObject(value)) fail(place, 'expected an object with apiVersion, kind and metadata.name');
  for (const field of ['apiVersion', 'kind'])
    if (typeof value[field] !== 'string' || value[field] === '') fail(place, `${field} is required: add it`);
  const { metadata } = value;
  if (!isJsonObject(metadata) || typeof metadata['name'] !== 'string')
    fail(place, 'metadata.name is required: add it');
  return value as KubeObject;
}

/** All objects of a text. Lists (`kind: List` or another whose `items` is a list) count as what they hold. @throws invalid_manifest with file and line. */
export function readObjects(text: string, file: string): readonly KubeObject[] {
  const objects = readDocuments(text, file).flatMap(({ value, place }): readonly KubeObject[] => {
    const items = isJsonObject(value) && String(value['kind']).endsWith('List') ? value['items'] : undefined;
    if (!Array.isArray(items)) return [toObject(value, place)];
    const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
    const bare = String(kind).slice(0, -'List'.length);
    // Items of a typed list need not say again what they are.
    const typed = bare === '' ? {} : { apiVersion, kind: bare };
    return items.map((item: unknown, at) =>
      toObject(isJsonObject(item) ? { ...typed, ...item } : item, `${place}: items[${at}]`),
    );
  });
  if (objects.length > objectsMax) fail(file, `holds more than ${objectsMax} objects`);
  return objects;
}

const expressions = ['current', 'inProgress', 'failed'] as const;

function toRule(value: unknown, place: string): HealthRule {
  if (!isJsonObject(value))
    fail(place, 'expected a rule with apiVersion, kind and current, inProgress or failed');
  const text = (name: string) => {
    const found = value[name] ?? '';
    return typeof found === 'string' ? found : fail(place, `${name}: expected a text`);
  };
  const rule = {
    apiVersion: text('apiVersion'),
    kind: text('kind'),
    current: text('current'),
    inProgress: text('inProgress'),
    failed: text('failed'),
  };
  if (rule.apiVersion === '' || rule.kind === '') fail(place, 'apiVersion and kind are required');
  for (const name of expressions) {
    const message = rule[name] === '' ? undefined : checkHealthExpression(rule[name]);
    if (message !== undefined) fail(place, `${name}: ${message}`);
  }
  return rule;
}

/** Rules of a text: a list of them, or Applications with `spec.health`; other resources are passed over. @throws invalid_manifest with file and line. */
export function readRules(text: string, file: string): readonly HealthRule[] {
  return readDocuments(text, file).flatMap(({ value, place }) => {
    const spec = isJsonObject(value) ? value['spec'] : undefined;
    const list = Array.isArray(value) ? value : isJsonObject(spec) ? spec['health'] : undefined;
    if (list === undefined) return [];
    if (!Array.isArray(list)) return fail(place, 'spec.health: expected a list');
    return list.map((rule: unknown, at) => toRule(rule, `${place}: rule ${at + 1}`));
  });
}

/** What must hold of every trace: its changes make the rendered object, and its lines hold what it says. */

import { expect } from 'vitest';
import { plainCluster as cluster } from '../../../hub/model/cluster.test-support.ts';
import type { Cluster } from '../../../hub/model/fleet.ts';
import type { FieldChange, ObjectTrace, Written, WrittenField } from '../../../hub/model/trace.ts';
import { applyChange, valueAt } from '../../../hub/model/trace-chain.ts';
import { parseFieldPath, printFieldPath } from '../../../hub/model/trace-path.ts';
import type { TreeReader } from '../../../hub/model/tree.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import type { Renderer, RenderRequest } from '../../../hub/render/renderer.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json } from '../../../shared/manifest/object.ts';
import type { Case } from './cases-basic.ts';

/** How often places say what, for a test that they say something. */
export interface Counts {
  objects: number;
  changes: number;
  value: number;
  part: number;
  cause: number;
}

export const noCounts = (): Counts => ({ objects: 0, changes: 0, value: 0, part: 0, cause: 0 });

/** What a case is rendered by, besides its files. */
export interface TracedBy {
  readonly source?: Partial<RenderRequest['source']>;
  readonly cluster?: Partial<Cluster>;
  /** Default: of the files. */
  readonly tree?: TreeReader;
}

/** Traces every object of a case that renders. @param files all that lines are told of. */
export async function checkTraces(
  files: Case,
  renderer: Renderer,
  counts: Counts,
  by: TracedBy = {},
): Promise<void> {
  const { tree = createMemoryTree(files) } = by;
  const source = { repository: '', ref: '', path: 'app', overlays: [], ...by.source };
  const request = { source, cluster: { ...cluster, ...by.cluster }, tree };
  const rendered = await renderer.render(request);
  if (!rendered.ok) return;
  for (const entry of rendered.rendered.set.entries) {
    const { kind, name, namespace, group } = entry.key;
    const result = await renderer.trace(request, {
      kind,
      name,
      namespace,
      group,
      apiVersion: entry.apiVersion,
    });
    const about = `${kind} ${namespace}/${name}\n${describeCase(files)}`;
    if (!result.ok) throw new Error(`${JSON.stringify(result.problems)}\n${about}`);
    const trace = result.traces[0]!;
    counts.objects += 1;
    expect(result.traces, about).toHaveLength(1);
    expect(trace.originId, about).toBe(entry.originId);
    expect(canonicalJson(trace.final), about).toBe(
      rendered.rendered.objects.get(entry.objectDigest)!.content,
    );
    checkReplay(trace, files, counts, about);
  }
}

const describeCase = (files: Case): string =>
  Object.entries(files)
    .map(([path, text]) => `# ${path}\n${text}`)
    .join('\n');

function checkReplay(
  { start, steps, final, mergeKeys }: ObjectTrace,
  files: Case,
  counts: Counts,
  about: string,
): void {
  let state = start.object as unknown as Json;
  for (const { path, at } of start.written)
    checkPlace(at, path, valueAt(state, path, mergeKeys), files, `start ${about}`);
  for (const { action, changes, configuredAt } of steps) {
    expect(changes.length, `${action} ${about}`).toBeGreaterThan(0);
    if (!isElsewhere(configuredAt)) lineOf(configuredAt, files, `${action} ${about}`);
    for (const change of changes) {
      const where = `${action} ${printFieldPath(change.path)}\n${about}`;
      const before = valueAt(state, change.path, mergeKeys);
      state = applyChange(state, change, mergeKeys);
      const after = valueAt(state, change.path, mergeKeys);
      checkChange(change, before, after, where);
      counts.changes += 1;
      counts[change.at.holds] += 1;
      checkPlace(change.at, change.path, after ?? before, files, where, change.from?.field);
      for (const { path, at } of change.written ?? [])
        checkPlace(at, path, valueAt(state, path, mergeKeys), files, where, change.from?.field);
    }
  }
  expect(canonicalJson(state), about).toBe(canonicalJson(final));
}

function checkChange(
  change: FieldChange,
  before: Json | undefined,
  after: Json | undefined,
  where: string,
): void {
  const isMove = change.before === undefined && change.after === undefined;
  if (isMove) expect(textOf(before), where).toBe(textOf(after));
  else expect([textOf(before), textOf(after)], where).toEqual([textOf(change.before), textOf(change.after)]);
}

const textOf = (value: Json | undefined): string => (value === undefined ? 'nothing' : canonicalJson(value));

/** Nobody wrote it, or a Cluster or an Application, whose field says it. */
function isElsewhere({ source, field }: Written): boolean {
  if (source === 'cluster' || source === 'application') expect(field).not.toBe('');
  return source === 'none' || source === 'cluster' || source === 'application';
}

function lineOf({ file, line }: Written, files: Case, about: string): string {
  const text = files[file]?.split('\n')[line - 1];
  expect(text, `${file}:${line}\n${about}`).toBeDefined();
  return text ?? '';
}

/** A line that holds a value has its text, or its key (that of the field it was taken from), or what its list item is known by. */
function checkPlace(
  at: Written,
  path: WrittenField['path'],
  value: Json | undefined,
  files: Case,
  about: string,
  from = '',
): void {
  if (isElsewhere(at)) return;
  if (at.through !== undefined) lineOf(at.through, files, about);
  const text = lineOf(at, files, about);
  if (at.holds === 'part') checkPart(text, path, value, about);
  const isTaken = from !== '' && typeof value === 'object' && value !== null;
  // A mapping or list of another object is where its first field is.
  if (at.holds !== 'value' || typeof path.at(-1) === 'number' || isTaken) return;
  const last = path.at(-1) ?? '';
  const words = typeof last === 'object' ? Object.values(last.item) : [String(last)];
  const source = parseFieldPath(from);
  if (source.ok && typeof source.path.at(-1) === 'string') words.push(String(source.path.at(-1)));
  if (value !== undefined && (typeof value !== 'object' || value === null)) words.push(...spellingsOf(value));
  const shown = `${printFieldPath(path)} = ${words.join(' or ')} in ${at.file}:${at.line}: ${text}\n${about}`;
  expect(
    words.some((word) => text.includes(word)),
    shown,
  ).toBe(true);
}

function spellingsOf(value: string | number | boolean | null): readonly string[] {
  const [first = ''] = String(value).split('\n');
  return [first, JSON.stringify(first).slice(1, -1)];
}

/** A word of the line is in the value, but for what is encoded. */
function checkPart(
  text: string,
  [field]: WrittenField['path'],
  value: Json | undefined,
  about: string,
): void {
  if (typeof value !== 'string' || value === '' || field === 'data' || field === 'binaryData') return;
  // What an action of a template makes may be anything.
  if (text.includes('{{')) return;
  const words = text.split(/\W+/).filter((word) => word !== '');
  expect(
    words.length === 0 || words.some((word) => value.includes(word)),
    `${value} of ${text}\n${about}`,
  ).toBe(true);
}

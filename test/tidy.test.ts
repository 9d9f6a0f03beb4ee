/** House rules as an ordinary test: sizes, import rules, cycles, erasable syntax, no marks of unfinished work. */
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, listSourceFiles, type SourceFile } from './tools/source-files.ts';

const files = listSourceFiles();
const linesMax = 500;
const functionLinesMax = 70;

/** Packages that only one folder may import. */
const owners: Readonly<Record<string, string>> = {
  'drizzle-orm': 'hub/store/',
  'better-sqlite3': 'hub/store/',
  'isomorphic-git': 'hub/source/',
  '@kubernetes/client-node': 'agent/kube/',
  hono: 'hub/api/',
  '@hono/zod-openapi': 'hub/api/',
  '@hono/node-server': 'hub/api/',
};

/** Stages of the hub's pipeline: none imports another. */
const stages = [
  'source',
  'fleet',
  'render',
  'policy',
  'rollout',
  'parity',
  'preview',
  'explain',
  'registry',
  'stream',
  'status',
  'notify',
];

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;
}

const isTest = (path: string) => path.endsWith('.test.ts') || path.startsWith('test/');

function forbidden(from: string, target: string): string | undefined {
  const owner = owners[packageOf(target)];
  if (owner && !from.startsWith(owner)) return `only ${owner} imports ${packageOf(target)}`;
  if (target.startsWith('shared/gen/') && !/(^|\/)stream\//.test(from))
    return 'only stream folders import shared/gen';
  if (from.startsWith('hub/') && target.startsWith('agent/')) return 'hub never imports agent';
  if (from.startsWith('agent/') && target.startsWith('hub/')) return 'agent never imports hub';
  if (from.startsWith('shared/') && /^(hub|agent|test)\//.test(target))
    return 'shared imports neither hub nor agent';
  if (/^(hub|agent)\//.test(from) && target.startsWith('test/')) return 'the product never imports test/';
  const [fromTop, fromStage] = from.split('/');
  const [targetTop, targetStage] = target.split('/');
  if (fromTop === 'hub' && targetTop === 'hub' && fromStage !== targetStage)
    if (stages.includes(fromStage ?? '') && stages.includes(targetStage ?? ''))
      return `stage ${fromStage} imports stage ${targetStage}`;
  return undefined;
}

/**
 * Functions whose own lines (those of functions within them apart: a factory is the sum of its closures) are too many. Found by indentation: the
 * formatter fixes it, so a closing brace stands under its opener.
 */
function longFunctions(file: SourceFile): string[] {
  const lines = file.text.split('\n');
  const spans: { start: number; end: number }[] = [];
  for (const [start, line] of lines.entries()) {
    const opens =
      /^\s*(export\s+)?(async\s+)?function\b|=>\s*\{$|^\s*(async\s+|override\s+|private\s+|static\s+)*[#\w]+\(.*\)(:[^{]*)?\s*\{$/;
    if (!line.endsWith('{') || !opens.test(line) || /^\s*(if|for|while|switch|else)\b/.test(line)) continue;
    const indent = ' '.repeat(line.length - line.trimStart().length);
    const end = lines.findIndex((other, at) => at > start && other.startsWith(`${indent}}`));
    spans.push({ start, end });
  }
  const within = (inner: { start: number; end: number }, outer: { start: number; end: number }) =>
    inner.start > outer.start && inner.end < outer.end;
  return spans.flatMap((span) => {
    const nested = spans.filter((other) => within(other, span));
    const direct = nested.filter((other) => !nested.some((between) => within(other, between)));
    const own =
      span.end - span.start - 1 - direct.reduce((sum, { start, end }) => sum + (end - start + 1), 0);
    return own > functionLinesMax ? [`${file.path}:${span.start + 1} has ${own} lines of its own`] : [];
  });
}

function findCycles(): string[] {
  const graph = new Map(
    files
      .filter((file) => !isTest(file.path))
      .map((file) => {
        const targets = importsOf(file.text).filter(
          (imported) => !imported.typeOnly && imported.specifier.startsWith('.'),
        );
        return [file.path, targets.map((imported) => resolveImport(file.path, imported.specifier))] as const;
      }),
  );
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    state.set(path, 'open');
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

describe('house rules', () => {
  it('sees the whole tree', () => {
    expect(files.length).toBeGreaterThan(30);
  });

  it(`no file is longer than ${linesMax} lines`, () => {
    const long = files.filter((file) => file.text.split('\n').length > linesMax + 1);
    expect(long.map((file) => file.path)).toEqual([]);
  });

  it(`no function outside tests is longer than ${functionLinesMax} lines`, () => {
    expect(files.filter((file) => !isTest(file.path)).flatMap(longFunctions)).toEqual([]);
  });

  it('imports follow the borders of the design', () => {
    const broken = files.flatMap((file) =>
      importsOf(file.text)
        .map((imported) => forbidden(file.path, resolveImport(file.path, imported.specifier)))
        .filter((reason) => reason !== undefined && !file.path.startsWith('test/'))
        .map((reason) => `${file.path}: ${reason}`),
    );
    expect(broken).toEqual([]);
  });

  it('modules import one another without cycles', () => {
    expect(findCycles()).toEqual([]);
  });

  it('relative imports name the file with its ending', () => {
    const bare = files.flatMap((file) =>
      importsOf(file.text)
        .filter(({ specifier }) => specifier.startsWith('.') && !/\.(ts|js|json)$/.test(specifier))
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(bare).toEqual([]);
  });

  it('nothing exports by default, but configuration files that must', () => {
    const offenders = files.filter(
      (file) => /^export default\b/m.test(file.text) && !file.path.endsWith('.config.ts'),
    );
    expect(offenders.map((file) => file.path)).toEqual([]);
  });

  it('no mark of unfinished work is left', () => {
    const marks = new RegExp(
      `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b|\\b(?:it|describe|test)\\.(?:only|todo|skip)\\(`,
    );
    expect(files.filter((file) => marks.test(file.text)).map((file) => file.path)).toEqual([]);
  });
});

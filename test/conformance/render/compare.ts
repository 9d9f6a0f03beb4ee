import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CORE_SCHEMA, defineScalarTag, intCoreTag, loadAll, NOT_RESOLVED } from 'js-yaml';
import { plainCluster as cluster } from '../../../hub/model/cluster.test-support.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createRenderer, type Renderer } from '../../../hub/render/renderer.ts';
import type { Case } from './cases-basic.ts';

/** Documents in order, or why there are none. */
export type Outcome = { readonly documents: readonly unknown[] } | { readonly failure: string };

export const newRenderer = (): Renderer => createRenderer({ digestKey: new Uint8Array(32) });

export async function renderOurs(
  files: Case,
  renderer = newRenderer(),
  tree = createMemoryTree(files),
): Promise<Outcome> {
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const result = await renderer.render({ source, cluster, tree });
  if (!result.ok)
    return {
      failure: result.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'),
    };
  const { set, objects } = result.rendered;
  return { documents: set.entries.map((entry) => parseExactly(objects.get(entry.objectDigest)!.content)) };
}

/** Writes the files to a folder of its own and runs the program there. */
export async function renderTheirs(program: string, files: Case): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-render-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return await new Promise((resolve) => {
      const options = { maxBuffer: 64 * 1024 * 1024, timeout: 30_000 };
      execFile(program, ['build', join(folder, 'app')], options, (error, stdout, stderr) =>
        resolve(error === null ? remember(stdout) : { failure: stderr }),
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const texts = new WeakMap<Outcome, string>();

function remember(text: string): Outcome {
  const outcome = { documents: documentsOf(text) };
  texts.set(outcome, text);
  return outcome;
}

/** What the program printed. */
export function printedText(outcome: Outcome): string {
  return texts.get(outcome) ?? '';
}

/** Whole numbers that JavaScript does not hold exactly become bigints on both sides. */
const exactInteger = defineScalarTag<number | bigint>(intCoreTag.tagName, {
  implicit: true,
  implicitFirstChars: [...'-0123456789'],
  resolve: (text) => {
    if (!/^-?\d+$/.test(text)) return NOT_RESOLVED;
    const number = Number(text);
    return exactNumber(text, number);
  },
  identify: () => false,
});
const exactSchema = CORE_SCHEMA.withTags(exactInteger);

/** What is beyond 64 bits is a float in Go, too. */
function exactNumber(text: string, number: number): number | bigint {
  if (Number.isSafeInteger(number)) return number;
  const exact = BigInt(text);
  return exact >= -(2n ** 63n) && exact < 2n ** 64n ? exact : number;
}

function parseExactly(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && /^-?\d+$/.test(source) ? exactNumber(source, value) : value;
  });
}

export function documentsOf(text: string): readonly unknown[] {
  return text.trim() === ''
    ? []
    : loadAll(text, { schema: exactSchema }).filter((one) => one !== null && one !== undefined);
}

/** Two at a time: the least machine has two cores. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!);
  };
  await Promise.all([worker(), worker()]);
  return results;
}

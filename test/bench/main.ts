/**
 * `npm run bench -- [NAME...] [--json FILE] [--quick]`: runs the named benches (default all), prints a table each and keeps the results as JSON. Machines are
 * noisy: read the ratios against the peer or limit of the same run, not the bare times. `--quick`: a tenth of the work where a bench can, to see that it runs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../tools/source-files.ts';
import { type Bench, type BenchResult, formatTable } from './result.ts';

/** A bench is a module of this folder that exports `bench`; loaded when it is run. */
const names = [
  'propagation',
  'memory',
  'idle',
  'single',
  'render',
  'responsive',
  'monorepo',
  'rollout',
  'apply',
  'drift',
  'parity',
] as const;

async function load(name: string): Promise<Bench> {
  const module = (await import(`./${name}.ts`)) as { readonly bench: Bench };
  return module.bench;
}

function machine(): Record<string, string | number> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    os: process.platform,
  };
}

function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !(names as readonly string[]).includes(name));
if (unknown.length > 0) {
  console.error(`bench: no bench is named ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}

// Whatever ends this process takes its children along, by the hooks of its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const results: BenchResult[] = [];
let failed = 0;
for (const name of positionals.length > 0 ? positionals : names) {
  console.log(`\n${name}`);
  try {
    const bench = await load(name);
    const found = await bench({ say: (text) => console.log(`  ${text}`), quick: values.quick });
    console.log(formatTable(found));
    results.push(...found);
  } catch (error) {
    failed += 1;
    console.error(
      `  ${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}
const file = values.json ?? join(root, '.fairway', 'bench', values.quick ? 'quick.json' : 'latest.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ results, machine: machine(), commit: commit() }, null, 2)}\n`);
console.log(`\nKept in ${file}`);
process.exit(failed === 0 ? 0 : 1);

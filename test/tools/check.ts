/** The one gate before tests: types, lint and format, the wire contract, generated code, house rules. Runs all and tells all. */
import { spawnSync } from 'node:child_process';
import { root } from './source-files.ts';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

function lastRelease(): string | undefined {
  const tag = spawnSync('git', ['describe', '--tags', '--abbrev=0', '--match', 'v*'], {
    cwd: root,
    encoding: 'utf8',
  });
  return tag.status === 0 ? tag.stdout.trim() : undefined;
}

/** The wire is additive since the last release, or, before the first one, since the first commit that had a contract. */
function breakingBase(): string | undefined {
  const tag = lastRelease();
  if (tag) return `tag=${tag}`;
  const first = spawnSync(
    'git',
    ['log', '--diff-filter=A', '--format=%H', '--', 'proto/fairway/v1/agent.proto'],
    { cwd: root, encoding: 'utf8' },
  );
  const commit = first.stdout.trim().split('\n').pop();
  return commit ? `ref=${commit}` : undefined;
}

const base = breakingBase();
const checks: readonly Check[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint and format', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'wire contract: lint', command: ['buf', 'lint'] },
  ...(base
    ? [{ name: 'wire contract: nothing broken', command: ['buf', 'breaking', '--against', `.git#${base}`] }]
    : []),
  { name: 'generated code', command: ['node', 'test/tools/generate.ts', '--check'] },
  { name: 'house rules', command: ['vitest', 'run', '--reporter=dot', 'test/tidy.test.ts'] },
];

let failed = 0;
for (const { name, command } of checks) {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  const good = result.status === 0;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${name}`);
  if (good) continue;
  failed += 1;
  console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? String(result.error) : ''}`);
}
process.exit(failed === 0 ? 0 : 1);

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { FairwayError } from '../../../shared/error/error.ts';
import { createRuleJudge, findHealthRule } from '../../../shared/health/evaluate-rules.ts';
import { judgeHealth } from '../../../shared/health/health.ts';
import type { Health, HealthStatus } from '../../../shared/manifest/health.ts';
import { describeKey, type KubeObject, keyOf } from '../../../shared/manifest/object.ts';
import type { HealthRule } from '../../../shared/manifest/target.ts';
import { withOutput } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createColours } from '../output/colour.ts';
import { createPrinter, type OutputFormat } from '../output/printer.ts';
import { readStandardInput } from '../read-standard-input.ts';
import { readObjects, readRules } from './health-input.ts';

const help = `
Objects as an API server shows them, as YAML or JSON, also as a List. The verdicts are those of kstatus: Current, InProgress, Failed,
Terminating, or Unknown. No hub and no cluster is asked; that an object has been on its way for too long only an agent knows.

Exit codes: 0 all are Current; 1 some are Failed or Unknown; 5 none is, but some are not there yet: try again; 6 the input
is not valid.

Examples:
  kubectl get deployments,jobs -n shop -o yaml | fairway health
  fairway health -f objects.json -o json
  kubectl get databases -o yaml | fairway health --rules fleet/applications.yaml`;

interface Row extends Health {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `fairway health`: verdicts on any objects. */
export function addHealth(
  program: Command,
  io: CliIo,
  setExitCode: (code: number) => void,
  readInput: () => Promise<string> = readStandardInput,
): void {
  const collect = (file: string, before: readonly string[]) => [...before, file];
  withOutput(
    program
      .command('health')
      .summary('say whether objects are healthy, and why not')
      .description('Says of any objects whether they are healthy, and why not. Needs no hub.')
      .addOption(
        new Option('-f, --file <file>', 'YAML or JSON; - is standard input (default -)')
          .argParser(collect)
          .default([], 'standard input'),
      )
      .option('--rules <file>', 'health rules: a list, or Applications with spec.health')
      .addHelpText('after', help),
  ).action(async (_: unknown, command: Command) => {
    const options = command.optsWithGlobals<{
      file: readonly string[];
      rules?: string;
      output?: OutputFormat;
    }>();
    const read = (file: string) => (file === '-' ? readInput() : readText(resolve(io.cwd, file), file));
    const rules =
      options.rules === undefined ? [] : readRules(await read(options.rules), nameOf(options.rules));
    const rows: Row[] = [];
    for (const file of options.file.length === 0 ? ['-'] : options.file)
      rows.push(...judgeAll(readObjects(await read(file), nameOf(file)), rules));
    if (rows.length === 0)
      throw new FairwayError('invalid_manifest', 'There are no objects in the input.', {
        details: { hint: 'Give them with -f FILE, or on standard input.' },
      });
    print(rows, options.output ?? 'table', io);
    setExitCode(exitCodeOf(rows));
  });
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new FairwayError('not_found', `${file} cannot be read.`, { cause });
  }
}

function judgeAll(objects: readonly KubeObject[], rules: readonly HealthRule[]): readonly Row[] {
  const judges = new Map(rules.map((rule) => [rule, createRuleJudge(rule)]));
  return objects.map((object) => {
    const rule = findHealthRule(rules, object);
    const health = ((rule && judges.get(rule)) ?? judgeHealth)(object);
    const { namespace, name } = keyOf(object);
    return { apiVersion: object.apiVersion, kind: object.kind, namespace, name, ...health };
  });
}

function print(rows: readonly Row[], format: OutputFormat, io: CliIo): void {
  const colours = createColours(io);
  const paint: Partial<Record<HealthStatus, (text: string) => string>> = {
    Current: colours.good,
    Failed: colours.bad,
  };
  createPrinter(format, io).table(
    rows,
    [
      ['OBJECT', (row) => describeKey({ ...row, group: '' })],
      ['HEALTH', ({ status }) => (paint[status] ?? colours.warn)(status)],
      ['REASON', ({ reason }) => reason],
      ['MESSAGE', ({ message }) => message],
    ],
    '',
  );
}

function exitCodeOf(rows: readonly Row[]): number {
  const some = (...wanted: readonly HealthStatus[]) => rows.some(({ status }) => wanted.includes(status));
  if (some('Failed', 'Unknown')) return exitCodes.failed;
  return some('InProgress', 'Terminating', 'NotFound') ? exitCodes.unreachable : exitCodes.ok;
}

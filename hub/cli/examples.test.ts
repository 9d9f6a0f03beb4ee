import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandsOf } from './examples.ts';
import { createSystemIo } from './io.ts';
import { createProgram, runCli } from './program.ts';
import { systemPrograms } from './programs.ts';

const io = createSystemIo(new AbortController().signal);
const program = createProgram(io, systemPrograms, () => {});
// `agent status` is told by the agent's own program.
const leaves = commandsOf(program).filter(
  ([words, command]) => command.commands.length === 0 && words !== 'agent status',
);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

/** Command lines of the help's examples: what stands before a pipe, a redirection or a comment, word by word. */
function exampleLines(help: string): readonly (readonly string[])[] {
  const [, text = ''] = help.split(/^Examples?:$/m);
  return text
    .split('\n')
    .flatMap((line) => /(?:^|[ (|])fairway (.*)$/.exec(line)?.[1] ?? [])
    .map((line) => line.split(/ [|><#] | 2> |\)$/)[0] ?? '')
    .map((line) => line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? []);
}

/** The innermost command that the words name, and those words that are its own. */
function resolve(from: Command, words: readonly string[]): { command: Command; rest: readonly string[] } {
  const [word, ...rest] = words;
  const next = from.commands.find((one) => one.name() === word || one.aliases().includes(word ?? ''));
  return next === undefined ? { command: from, rest: words } : resolve(next, rest);
}

function flagsOf(command: Command | null): readonly string[] {
  if (command === null) return [];
  const own = command.options.flatMap(({ long, short }) => [long, short]);
  return [...own.filter((flag) => typeof flag === 'string'), ...flagsOf(command.parent)];
}

describe('the help of every command', () => {
  it.each(leaves)('of %s has an example', (_words, command) => {
    expect(exampleLines(helpOf(command)).length).toBeGreaterThan(0);
  });

  it.each(leaves)('of %s shows only what there is', (_words, leaf) => {
    for (const line of exampleLines(helpOf(leaf))) {
      const { command, rest } = resolve(program, line);
      expect(command, line.join(' ')).not.toBe(program);
      const flags = rest.filter((word) => word.startsWith('-') && word !== '-');
      expect(
        flags.filter((flag) => !flagsOf(command).includes(flag)),
        line.join(' '),
      ).toEqual([]);
      const missing = command.options.filter(
        ({ mandatory, long }) => mandatory && !flags.includes(long ?? ''),
      );
      expect(
        missing.map(({ long }) => long),
        line.join(' '),
      ).toEqual([]);
    }
  });
});

describe('a mistake in a command line', () => {
  it.each([
    [['failover', 'start', 'shop-eu'], 'fairway failover start --help'],
    [['rollout', 'nonsense'], 'fairway rollout --help'],
    [['get', 'cluster', '--nonsense'], 'fairway get clusters --help'],
    [['nonsense'], 'fairway --help'],
  ])('in %j leads to the help of the command that was meant', async (argv, help) => {
    const said: string[] = [];
    await runCli(argv, { ...io, stderr: (text) => said.push(text), stdout: () => {} }, systemPrograms);
    expect(said.join('')).toContain(`See \`${help}\`.`);
  });
});

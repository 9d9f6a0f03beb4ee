/**
 * One rule of rollouts a file: a head (the fleet and a RolloutStrategy as it is written in Git), and steps with what the reducer answers. A line that begins with
 * `>` is a step, all lines below it are the answer; UPDATE_GOLDEN=1 writes the answers. It stands here since it reads strategies as the fleet stage does.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FairwayError } from '../../../shared/error/error.ts';
import { matchesSelector } from '../../fleet/placement.ts';
import { strategySpec, toStrategy } from '../../fleet/strategy-schema.ts';
import { builtInStrategies } from '../../model/strategy.ts';
import type { RolloutAction } from '../../rollout/apply-action.ts';
import type { Verdict } from '../../rollout/rollout-state.ts';
import { createScriptedFleet } from '../../rollout/testing/scripted-fleet.test-support.ts';
import {
  createScriptedRollout,
  type ScriptedRollout,
} from '../../rollout/testing/scripted-rollout.test-support.ts';

interface Head {
  readonly fleet: readonly string[];
  readonly strategy: string | object;
}

function strategyFor(strategy: Head['strategy']) {
  if (typeof strategy !== 'string') return toStrategy('', strategySpec.parse(strategy));
  const found = builtInStrategies[strategy];
  if (found === undefined) throw new Error(`no strategy ${strategy} is built in`);
  return found;
}

const actions = new Set(
  'approve reject promote pause resume abort rollback retry exclude all-at-once'.split(' '),
);

/** `approve canary by bob`; without a name it is ann. */
function actionOf(type: string, words: readonly string[]): readonly [RolloutAction, string] {
  const by = words.indexOf('by');
  const [name = ''] = by < 0 ? words : words.slice(0, by);
  const action = { type, wave: name, cluster: name } as unknown as RolloutAction;
  return [action, by < 0 ? 'ann' : (words[by + 1] ?? '')];
}

function take(run: ScriptedRollout, step: string, join: (line: string) => void): void {
  const [, names, what] = /^([-\w ]+): (.*)$/.exec(step) ?? [];
  if (names !== undefined && what !== undefined) {
    for (const name of names.split(' ')) run.say(name, what);
    return;
  }
  const [verb = '', ...words] = step.split(' ');
  if (verb === 'commit') run.commit(words[0] ?? '', words.slice(1));
  else if (verb === 'wait') run.wait(words[0] ?? '');
  else if (verb === 'hub-away') run.restart(words[0] ?? '');
  else if (verb === 'at') run.at(words[0] ?? '');
  else if (verb === 'join') join(words.join(' '));
  else if (verb === 'show') run.show();
  else if (verb === 'analysis') run.answer(words[0] ?? '', words[1] as Verdict, words.slice(2).join(' '));
  else if (actions.has(verb)) run.act(...actionOf(verb, words));
  else throw new Error(`no step "${step}"`);
}

/** The script with its answers written anew. */
function perform(text: string): string {
  const [head = '', script = ''] = text.split('\n---\n');
  const { fleet: names, strategy } = parse(head) as Head;
  const fleet = createScriptedFleet();
  for (const line of names) fleet.add(line);
  const run = createScriptedRollout({ fleet, strategy: strategyFor(strategy), matches: matchesSelector });
  const out = [head, '---'];
  for (const line of script.split('\n')) {
    if (!line.startsWith('> ')) {
      if (line.startsWith('#')) out.push(line);
      continue;
    }
    out.push(line);
    try {
      take(run, line.slice(2), fleet.add);
      run.settle();
    } catch (caught) {
      if (!(caught instanceof FairwayError)) throw caught;
      out.push(`    refused: ${caught.message}`);
    }
    out.push(...run.told().map((answer) => `    ${answer}`));
  }
  return `${out.join('\n')}\n`;
}

const folder = new URL('../../rollout/scenarios/', import.meta.url);

describe('a rollout, rule by rule', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.golden'));

  it.each(files)('%s', (file) => {
    const path = new URL(file, folder);
    const text = readFileSync(path, 'utf8');
    const performed = perform(text);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, performed);
    else expect(performed).toBe(text);
    // A script without answers says nothing.
    expect(performed).toMatch(/\n {4}\S/);
  });
});

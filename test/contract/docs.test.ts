/** Holds the pages that people read to the code, where that is cheap: names, fields, commands and links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSystemIo } from '../../hub/cli/io.ts';
import { createProgram } from '../../hub/cli/program.ts';
import { systemPrograms } from '../../hub/cli/programs.ts';
import { rootPasswordVariable, rootUsernameVariable } from '../../hub/config/load-config.ts';
import { overridableSettings } from '../../hub/config/overrides.ts';
import { fleetSchemas } from '../../hub/fleet/resource-schemas.ts';
import { parityReasonTypes } from '../../hub/model/parity.ts';
import { builtInStrategies } from '../../hub/model/strategy.ts';
import { kustomizationFields } from '../../hub/render/kustomize/fields.ts';
import { root } from '../tools/source-files.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');
const decisions = readdirSync(join(root, 'hub/docs/decisions')).map((name) => `hub/docs/decisions/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...decisions];

/** The part of the README under a heading, down to the next of the same rank. */
function section(heading: string): string {
  const rank = heading.slice(0, heading.indexOf(' ') + 1);
  const start = readme.indexOf(`\n${heading}\n`);
  expect(start, `README.md has no "${heading}"`).toBeGreaterThan(-1);
  const end = readme.indexOf(`\n${rank}`, start + heading.length + 2);
  return readme.slice(start, end === -1 ? undefined : end);
}

/** Names in code spans. */
function named(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name ?? ''));
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Names of all fields below a schema. */
function fieldsOf({ properties = {}, items }: Schema): readonly string[] {
  const own = Object.entries(properties).flatMap(([name, below]) => [name, ...fieldsOf(below)]);
  return items ? [...own, ...fieldsOf(items)] : own;
}

/** GitHub's anchors: lower case, punctuation dropped, blanks to dashes. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

describe('README.md', () => {
  it('has the two commands for a fresh machine', () => {
    for (const command of ['npm ci && npm run demo', 'npm ci && npm test'])
      expect(readme).toContain(`\n\`\`\`\n${command}\n\`\`\`\n`);
  });

  it.each([
    ...overridableSettings.map(({ variable }) => variable),
    rootUsernameVariable,
    rootPasswordVariable,
    'FAIRWAY_CONFIG',
    'FAIRWAY_ENROLMENT_TOKEN',
    'FAIRWAY_SERVER',
    'FAIRWAY_TOKEN',
  ])('names the variable %s', (variable) => {
    expect(named(readme)).toContain(variable);
  });

  it('names each setting of the configuration file beside its variable', () => {
    const rows = section('## Run a hub').split('\n');
    for (const { path, variable } of overridableSettings)
      expect(
        rows.some((row) => row.includes(`\`${path}\``) && row.includes(`\`${variable}\``)),
        `${path} and ${variable} in one row`,
      ).toBe(true);
  });

  it('names every command', () => {
    const commands = section('## Command line');
    const words = (command: ReturnType<typeof createProgram>): string[] =>
      command.commands.filter((one) => one.name() !== 'help').flatMap((one) => [one.name(), ...words(one)]);
    const program = createProgram(createSystemIo(new AbortController().signal), systemPrograms, () => {});
    for (const name of words(program)) expect(commands).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('names every strategy that need not be written, and says which way each share of a strategy is rounded', () => {
    const strategies = section('### Rollouts');
    expect(Object.keys(builtInStrategies).filter((name) => !named(strategies).has(name))).toEqual([]);
    const shares = strategies.split('\n').filter((row) => row.includes('| number or share |'));
    expect(shares.length).toBeGreaterThanOrEqual(6);
    expect(shares.filter((row) => !/rounded (up|down)/.test(row))).toEqual([]);
  });

  it('says of every field of a Kustomization whether it is supported', () => {
    const rows = section('## Kustomize')
      .split('\n')
      .map((row) => row.split('|').map((cell) => cell.trim()));
    for (const field of Object.keys(kustomizationFields)) {
      const row = rows.find(([, fields = '']) => fields.includes(`\`${field}\``));
      expect(row?.[2], `README.md, table of Kustomize: ${field}`).toBe('yes');
    }
  });

  it('has a row for every type of reason of a verdict, and no other', () => {
    const text = section('### The verdict, as a runbook');
    const table = text.slice(text.indexOf('| reason |')).split('\n\n')[0] ?? '';
    const types = table
      .split('\n')
      .slice(2)
      .flatMap((row) => [...named(row.split('|')[1] ?? '')]);
    expect(types.sort()).toEqual(parityReasonTypes.filter((type) => type !== 'declared').sort());
  });

  it.each(Object.entries(fleetSchemas()))('explains every field of %s', (_kind, schema) => {
    const text = section('## The fleet repository');
    for (const field of fieldsOf((schema as Schema).properties?.['spec'] ?? {}))
      expect(text, `the field ${field}`).toMatch(new RegExp(`[\`.]${field}\\b`));
  });
});

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (page) => {
    const text = read(page);
    const prose = text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      if (path !== '') expect(existsSync(join(root, dirname(page), path)), target).toBe(true);
      if (anchor !== undefined && path === '') expect(anchorsOf(text)).toContain(anchor);
    }
  });
});

describe('CONTRIBUTING.md', () => {
  it('gives a reason for each direct dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const text = read('CONTRIBUTING.md');
    for (const name of Object.keys({ ...dependencies, ...devDependencies }))
      expect(text, name).toMatch(new RegExp(`[| ,(]${name}[ ,)|]`));
  });
});

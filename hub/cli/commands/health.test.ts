import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { toFairwayError } from '../../../shared/error/error.ts';
import { createSystemIo } from '../io.ts';
import { addHealth } from './health.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairway-health-'));

async function health(input: string, ...args: readonly string[]) {
  let out = '';
  let code = -1;
  const io = {
    ...createSystemIo(new AbortController().signal),
    stdout: (text: string) => {
      out += text;
    },
    cwd: folder,
    terminal: false,
    env: {},
  };
  const program = new Command('fairway').exitOverride();
  addHealth(
    program,
    io,
    (given) => {
      code = given;
    },
    () => Promise.resolve(input),
  );
  try {
    await program.parseAsync(['health', ...args], { from: 'user' });
    return { out, code, error: '' };
  } catch (caught) {
    return { out, code, error: toFairwayError(caught).message };
  }
}

const well = `apiVersion: v1
kind: ConfigMap
metadata: { name: a, namespace: shop }
`;
const waiting = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, generation: 1 }
spec: { replicas: 3 }
status: { observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 1 }
`;
const broken = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: shop }
status: { phase: Lost }
`;
const database = `apiVersion: example.com/v1
kind: Database
metadata: { name: db }
status: { phase: Broken }
`;

describe('fairway health', () => {
  it('says the verdict, reason and message of each object', async () => {
    const { out, code } = await health([well, waiting, broken].join('---\n'));
    expect(out).toBe(
      [
        'OBJECT                           HEALTH      REASON       MESSAGE',
        'ConfigMap shop/a                 Current',
        'Deployment shop/web              InProgress  Progressing  1 of 3 available',
        'PersistentVolumeClaim shop/data  Failed      Lost         its volume is gone',
        '',
      ].join('\n'),
    );
    expect(code).toBe(1);
  });

  it('ends with 0 when all are current, with 5 while some are not there yet', async () => {
    expect((await health(well)).code).toBe(0);
    expect((await health(`${well}---\n${waiting}`)).code).toBe(5);
  });

  it('reads files and lists, typed or not, and writes JSON', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }],
    };
    const typed = {
      apiVersion: 'v1',
      kind: 'PodList',
      items: [{ metadata: { name: 'p' }, status: { phase: 'Succeeded' } }],
    };
    writeFileSync(join(folder, 'list.json'), JSON.stringify(list));
    writeFileSync(join(folder, 'pods.json'), JSON.stringify(typed));
    const { out, code } = await health('', '-f', 'list.json', '-f', 'pods.json', '-o', 'json');
    expect(JSON.parse(out)).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        namespace: '',
        name: 's',
        status: 'Current',
        reason: '',
        message: '',
      },
      { apiVersion: 'v1', kind: 'Pod', namespace: '', name: 'p', status: 'Current', reason: '', message: '' },
    ]);
    expect(code).toBe(0);
  });

  it('judges by rules of an Application', async () => {
    const rules = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  health:
    - { apiVersion: example.com/v1, kind: Database, failed: 'status.phase == "Broken"' }
`;
    writeFileSync(join(folder, 'rules.yaml'), rules);
    expect((await health(database)).code).toBe(0);
    const { out, code } = await health(database, '--rules', 'rules.yaml');
    expect(out).toContain('Database db  Failed  HealthRule');
    expect(code).toBe(1);
  });

  it.each<[string, string, string]>([
    ['text that is no YAML', `${well}---\na: [b\n`, 'standard input:6: is no valid YAML: Flow sequence'],
    [
      'what is no object',
      '- 1\n',
      'standard input:1: expected an object with apiVersion, kind and metadata.name',
    ],
    [
      'an object without a kind',
      `${well}---\napiVersion: v1\n`,
      'standard input:5: kind is required: add it',
    ],
    [
      'an object without a name',
      'apiVersion: v1\nkind: Pod\n',
      'standard input:1: metadata.name is required: add it',
    ],
    [
      'a list with a stray item',
      '{"kind":"List","items":[1]}',
      'standard input:1: items[0]: expected an object',
    ],
    ['nothing', '\n', 'There are no objects in the input.'],
  ])('refuses %s, with its place', async (_name, input, message) => {
    expect((await health(input)).error).toContain(message);
  });

  it('refuses rules that are not valid, with their place', async () => {
    writeFileSync(join(folder, 'bad.yaml'), '- { apiVersion: v1, kind: X, current: "object..x" }\n');
    expect((await health(well, '--rules', 'bad.yaml')).error).toMatch(
      /^bad.yaml:1: rule 1: current: line 1, column 7: is no valid CEL/,
    );
    expect((await health(well, '-f', 'nothing.yaml')).error).toBe('nothing.yaml cannot be read.');
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { Paint } from '../../shared/text/paint.ts';
import type { FieldChange, ObjectTrace } from '../model/trace.ts';
import { parseFieldPath } from '../model/trace-path.ts';
import { at, authorOf, subject, traceOf, webTrace } from './explain.test-support.ts';
import { explainObject, placesOf } from './explain-object.ts';
import type { Explanation } from './explanation.ts';
import { renderExplanationText } from './render-text.ts';

const nothing = (text: string) => text;
const plainPaint: Paint = { bold: nothing, dim: nothing, good: nothing, warn: nothing, bad: nothing };
const marks: Paint = {
  bold: (text) => `<b>${text}</b>`,
  dim: (text) => `<dim>${text}</dim>`,
  good: (text) => `<good>${text}</good>`,
  warn: (text) => `<warn>${text}</warn>`,
  bad: (text) => `<bad>${text}</bad>`,
};

function ask(trace: ObjectTrace, field: string, knows: boolean | undefined = undefined) {
  const parsed = parseFieldPath(field);
  if (!parsed.ok) throw new Error(parsed.message);
  return explainObject({ subject, trace, field: parsed.path, knows: () => knows }, authorOf);
}

function explain(trace: ObjectTrace, field = '', knows?: boolean): Explanation {
  const explained = ask(trace, field, knows);
  if (!explained.ok) throw new Error(explained.message);
  return explained.explanation;
}

function expectGolden(name: string, text: string) {
  const file = join(import.meta.dirname, 'golden', name);
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

describe('a value of a chart', () => {
  const template = at('chart/templates/web.yaml', 8, { holds: 'part' });
  const trace = traceOf({
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { mode: 'slow' } },
    file: 'chart/values.yaml',
    steps: [
      {
        kind: 'chart',
        action: 'helm.valueFiles[0]',
        layer: 'chart',
        at: at('', 0, { source: 'application', field: 'spec.source.helm.valueFiles[0]' }),
        changes: [
          {
            ...{ path: ['data', 'mode'], before: 'slow', after: 'fast' },
            at: { ...at('base/eu.yaml', 3), through: template },
          },
        ],
      },
    ],
  });

  it('is told with the line of the template that put it in', () => {
    const explanation = explain(trace, 'data.mode');
    const [read, changed] = explanation.fields[0]?.steps ?? [];
    expect(read?.through).toBeNull();
    expect(changed?.through).toMatchObject({ file: 'chart/templates/web.yaml', line: 8 });
    expect(changed?.through?.commit?.author).toBe('Grace Lim');
    expect(renderExplanationText(explanation, plainPaint, undefined)).toContain(
      'put in by chart/templates/web.yaml:8  b2c3d4e Grace Lim, 2026-03-14',
    );
  });
});

describe('explainObject', () => {
  it.each([
    ['object.txt', '', undefined],
    ['object-80.txt', '', 80],
    ['object-50.txt', '', 50],
    ['field.txt', 'spec.replicas', undefined],
    ['image.txt', 'spec.template.spec.containers.0.image', 60],
    ['below.txt', 'spec.template', 110],
    ['removed.txt', 'spec.paused', undefined],
    ['unset.txt', 'spec.minReadySeconds', undefined],
  ])('is told to people as in %s', (name, field, columns) => {
    expectGolden(name, renderExplanationText(explain(webTrace, field, true), plainPaint, columns));
  });

  it('is coloured', () => {
    expectGolden('coloured.txt', renderExplanationText(explain(webTrace, 'spec', true), marks, 100));
  });

  it('gives machines everything', () => {
    expectGolden('below.json', `${JSON.stringify(explain(webTrace, 'spec.template'), null, 2)}\n`);
  });

  it('never writes a line longer than the terminal', () => {
    for (const columns of [40, 60, 80, 120])
      for (const field of ['', 'spec.replicas', 'spec'])
        for (const line of renderExplanationText(explain(webTrace, field), plainPaint, columns)
          .split('\n')
          .slice(2)
          // A field's name is there to be copied.
          .filter((text) => !/^ {2}spec/.test(text)))
          expect([...line].length, line).toBeLessThanOrEqual(columns);
  });

  it('says of a field that is not there which ones may be meant', () => {
    const explained = ask(webTrace, 'spec.replica', false);
    expect(explained).toEqual({
      ok: false,
      message: 'spec has no "replica"; it has replicas, template',
      near: ['spec.replicas'],
    });
    expect(ask(webTrace, 'spec.replica', undefined).ok).toBe(false);
  });

  it('says that the API server decides a field that its schema has and Git does not set', () => {
    expect(explain(webTrace, 'spec.strategy.type', true)).toMatchObject({
      state: 'unset',
      field: 'spec.strategy.type',
      lines: [],
      fields: [],
    });
  });

  it('asks for the authors of each line that it tells of', () => {
    const field = { subject, trace: webTrace, field: ['spec', 'replicas'], knows: () => undefined };
    expect(placesOf(field).map(({ file, line }) => `${file}:${line}`)).toEqual([
      'base/web.yaml:7',
      'base/kustomization.yaml:2',
      'overlays/eu/replicas.yaml:7',
      'overlays/eu/kustomization.yaml:4',
    ]);
  });

  it('lets no value steer the terminal', () => {
    const trace = traceOf({
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c' },
        data: { a: 'x\u202egpj.exe', b: 'y\u2066z' },
      },
    });
    for (const field of ['', 'data.a'])
      expect(renderExplanationText(explain(trace, field), plainPaint, undefined)).not.toMatch(
        /[\u202e\u2066]/,
      );
  });

  it('tells of a thing that was there for a while only', () => {
    const trace = traceOf({
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } },
      steps: [
        {
          kind: 'patch',
          action: 'patches[0]',
          layer: 'mid',
          changes: [{ path: ['data', 'b', 'x'], after: 'y', at: at('mid/p.yaml', 3) }],
        },
        {
          kind: 'patch',
          action: 'patches[0]',
          layer: 'top',
          changes: [{ path: ['data', 'b'], before: { x: 'y' }, at: at('top/p.yaml', 5) }],
        },
      ],
    });
    expect(explain(trace).fields).toMatchObject([
      {
        path: 'data.b',
        state: 'removed',
        steps: [{ change: 'added', after: '{"x":"y"}' }, { change: 'removed' }],
      },
    ]);
    expect(explain(trace, 'data.b.x')).toMatchObject({ state: 'removed', field: 'data.b.x' });
  });
});

describe('explainObject of Secrets', () => {
  const value = 'hunter2-correct-horse';
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', annotations: { note: 'public' } },
    data: { password: value, several: `${value}\nuser: ${value}\n` },
  };
  const trace = traceOf({
    object: secret,
    secret: true,
    steps: [
      {
        kind: 'patch',
        action: 'patches[0]',
        layer: 'o',
        changes: [
          { path: ['data', 'password'], before: value, after: `${value}!`, at: at('o/p.yaml', 2) },
          { path: ['data', 'several'], before: `${value}\nuser: ${value}\n`, at: at('o/p.yaml', 3) },
        ],
      },
    ],
  });

  it.each(['', 'data', 'data.password', 'data.several', 'metadata'])(
    'tells no value of it, asked for "%s"',
    (field) => {
      const explanation = explain(trace, field);
      const text = renderExplanationText(explanation, plainPaint, undefined);
      expect(text).not.toContain('hunter2');
      expect(JSON.stringify(explanation)).not.toContain('hunter2');
      if (field !== 'data.several' && field !== 'metadata') expect(text).toContain('***');
      if (field === 'metadata') expect(text).toContain('public');
    },
  );

  it('tells no value that was taken from one, nor anything made of it later', () => {
    const from = {
      object: { apiVersion: 'v1', group: '', kind: 'Secret', namespace: '', name: 's' },
      field: 'data.password',
      secret: true,
    };
    const copied = traceOf({
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { url: 'db://HERE' } },
      steps: [
        {
          kind: 'replacement',
          action: 'replacements[0]',
          layer: 'o',
          changes: [
            {
              path: ['data', 'url'],
              before: 'db://HERE',
              after: `db://${value}`,
              at: at('o/k.yaml', 5),
              from,
            },
          ],
        },
        {
          kind: 'patch',
          action: 'patches[0]',
          layer: 'o',
          changes: [
            {
              path: ['data', 'url'],
              before: `db://${value}`,
              after: `db2://${value}`,
              at: at('o/p.yaml', 1),
            },
          ],
        },
      ],
    });
    for (const field of ['', 'data', 'data.url']) {
      const explanation = explain(copied, field);
      expect(JSON.stringify(explanation)).not.toContain('hunter2');
      expect(renderExplanationText(explanation, plainPaint, undefined)).not.toContain('hunter2');
    }
    expect(explain(copied, 'data.url').fields[0]?.steps).toMatchObject([
      { after: '"db://HERE"' },
      { before: '"db://HERE"', after: null, from: { object: 'Secret s', field: 'data.password' } },
      { before: null, after: null },
    ]);
  });

  it('tells no value of one that was copied or moved within the object since', () => {
    const from = {
      object: { apiVersion: 'v1', group: '', kind: 'Secret', namespace: '', name: 's' },
      field: 'data.password',
      secret: true,
    };
    const step = (action: string, ...changes: FieldChange[]) =>
      ({ kind: 'patch', action, layer: 'o', changes }) as const;
    const env = (name: string) => ['spec', 'env', { item: { name } }];
    const moved = traceOf({
      object: {
        apiVersion: 'example.com/v1',
        kind: 'Task',
        metadata: { name: 't' },
        spec: { env: [{ name: 'a', value: 'x' }], args: ['--as', 'open'] },
      },
      mergeKeys: { 'spec.env': ['name'] },
      steps: [
        step('replacements[0]', {
          ...{ path: [...env('a'), 'value'], before: 'x', after: value, at: at('o/k.yaml', 5), from },
        }),
        step(
          'patches[0] operation 1',
          { path: env('a'), before: { name: 'a', value }, at: at('o/k.yaml', 9) },
          { path: env('b'), after: { name: 'b', value }, index: 0, at: at('o/k.yaml', 9) },
        ),
        step('patches[0] operation 2', {
          ...{ path: ['metadata', 'labels'], after: { l: value }, at: at('o/k.yaml', 12) },
        }),
        step('patches[0] operation 3', {
          ...{
            path: ['spec', 'args'],
            before: ['--as', 'open'],
            after: [`--as=${value}`],
            at: at('o/k.yaml', 15),
          },
        }),
      ],
    });
    for (const field of [
      '',
      'metadata.labels.l',
      'spec.env[name=b].value',
      'spec.env[name=a]',
      'spec.args',
    ]) {
      const explanation = explain(moved, field);
      expect(JSON.stringify(explanation)).not.toContain('hunter2');
      expect(renderExplanationText(explanation, plainPaint, undefined)).not.toContain('hunter2');
    }
    expect(explain(moved, 'spec.args').fields[0]?.steps).toMatchObject([
      { after: '"--as"' },
      { after: null },
    ]);
  });

  it('tells no value of its own that a patch copied into its annotations', () => {
    const copied = traceOf({
      object: secret,
      secret: true,
      steps: [
        {
          ...{ kind: 'patch', action: 'patches[0]', layer: 'o' },
          changes: [{ path: ['metadata', 'annotations', 'copy'], after: value, at: at('o/p.yaml', 2) }],
        },
      ],
    });
    const explanation = explain(copied, 'metadata.annotations');
    expect(JSON.stringify(explanation)).not.toContain('hunter2');
    expect(renderExplanationText(explanation, plainPaint, undefined)).toContain('public');
  });
});

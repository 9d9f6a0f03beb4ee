import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { defaultSyncOptions } from '../../shared/manifest/target.ts';
import {
  broken,
  compare,
  configMap,
  deployment,
  placed,
  type Side,
  secret,
  setOf,
} from './fixture.test-support.ts';
import { renderDiffMarkdown } from './render-markdown.ts';
import { renderDiffText } from './render-text.ts';

const unpainted = (text: string) => text;
const paint = { bold: unpainted, dim: unpainted, good: unpainted, warn: unpainted, bad: unpainted };

function expectGolden(name: string, text: string) {
  const path = new URL(`./golden/${name}`, import.meta.url);
  if (process.env['UPDATE_GOLDENS']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}

const clusters = Array.from({ length: 412 }, (_, at) => `eu-${String(at).padStart(3, '0')}`);
const everywhere = (state: ReturnType<typeof placed>, others: Side[string] = {}) => ({
  ...Object.fromEntries(clusters.map((name) => [name, state])),
  ...others,
});

const text = 'listen 80\nroot /srv\nindex index.html\ngzip off\nlog on\nend\n';
const origins = { 'settings-abc12': 'settings', 'settings-def34': 'settings' };
const before = setOf(
  [
    deployment('web', 'web:1', { replicas: 2 }),
    configMap('settings-abc12', { mode: 'a', 'site.conf': text }),
    secret('login', { password: 'aHVudGVyMg==', user: 'YQ==' }),
    configMap('old', {}),
  ],
  origins,
);
const after = (replicas: number) =>
  setOf(
    [
      deployment('web', 'web:2', { replicas }),
      configMap('settings-def34', { mode: 'a', 'site.conf': text.replace('gzip off', 'gzip on') }),
      secret('login', { password: 'c3dvcmRmaXNo', user: 'YQ==' }),
      configMap('fresh', {}),
    ],
    origins,
  );
const noFile = {
  code: 'invalid_manifest' as const,
  file: 'apps/web/a.yaml',
  line: 3,
  field: 'spec',
  message: 'expected a map',
};
const from: Side = {
  web: everywhere(placed(before), { 'eu-west-1a': placed(before), 'us-1': placed(before) }),
  api: {
    'eu-1': placed(setOf([deployment('api', 'api:1')])),
    'eu-2': placed(setOf([deployment('api', 'api:1')])),
  },
};
const to: Side = {
  web: everywhere(placed(after(3)), { 'eu-west-1a': placed(after(5)), 'us-1': broken(noFile) }),
  api: {
    'eu-1': placed(setOf([deployment('api', 'api:1')]), {
      sync: { ...defaultSyncOptions, prune: false },
      dependsOn: ['db'],
    }),
    'us-1': placed(setOf([deployment('api', 'api:1')])),
  },
};

describe('what a comparison shows', () => {
  it('reads as it was reviewed, in a terminal', async () => {
    expectGolden('fleet.txt', renderDiffText(await compare(from, to), paint));
  });

  it('reads as it was reviewed, in a pull request', async () => {
    expectGolden('fleet.md', renderDiffMarkdown(await compare(from, to)));
  });

  it('is the same data for machines', async () => {
    const limits = { clusterNamesMax: 3 };
    expectGolden('fleet.json', `${JSON.stringify(await compare(from, to, limits), null, 2)}\n`);
  });

  it('never holds a value of a Secret', async () => {
    const whole: KubeObject = { ...secret('login', {}), stringData: { password: 'hunter2' } };
    const noData: KubeObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'login', namespace: 'shop' },
    };
    const annotated: KubeObject = {
      ...noData,
      metadata: {
        name: 'login',
        namespace: 'shop',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"aHVudGVyMg=="}' },
      },
    };
    for (const [left, right] of [
      [noData, whole],
      [whole, noData],
      [annotated, whole],
      [noData, annotated],
    ] as const) {
      const report = await compare(
        { web: { a: placed(setOf([left])) } },
        { web: { a: placed(setOf([right])) } },
      );
      expect(report.summary.changed).toBe(1);
      expect(JSON.stringify(report)).not.toMatch(/hunter2|aHVudGVyMg/);
    }
    expect(JSON.stringify(await compare(from, to))).not.toMatch(/c3dvcmRmaXNo|aHVudGVyMg/);
  });

  it('spells out what would steer a terminal, and lets nothing out of a code block', async () => {
    const evil = placed(setOf([configMap('x', { a: 'one\n```\n<b>\u001b[2J\u202etxt\n' })]));
    const report = await compare(
      { web: { a: placed(setOf([configMap('x', { a: '' })])) } },
      { web: { a: evil } },
    );
    const shown = renderDiffText(report, paint);
    expect(shown).toContain('\\u001b[2J\\u202etxt');
    expect(['\u001b', '\u202e'].filter((character) => shown.includes(character))).toEqual([]);
    expect(renderDiffMarkdown(report)).toMatch(/\n````diff\n(.*\n)*````\n/);
  });
});

describe('objects with the very same change', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const side = (image: string, where: readonly string[]): Side => ({
    web: Object.fromEntries(
      where.map((cluster) => [cluster, placed(setOf(names.map((name) => deployment(name, image))))]),
    ),
  });

  it('are told once, by name', async () => {
    const shown = renderDiffText(await compare(side('1', ['eu', 'us']), side('2', ['eu', 'us'])), paint);
    expect(shown).toContain('  ~ Deployment shop/a, b, c, d, e, f and 2 more\n    same 1 field in eu, us\n');
    expect(shown.match(/~ /g)).toHaveLength(1);
    const gone = renderDiffMarkdown(await compare(side('1', ['eu']), {}));
    expect(gone).toContain('<b>- Deployment shop/a, b, c, d, e, f and 2 more</b> removed in eu');
  });

  it('are told apart where their clusters may be others', async () => {
    const some = clusters.slice(0, 60);
    const from = { web: { ...side('1', some)['web'], other: placed(setOf([configMap('x', {})])) } };
    const to = { web: { ...side('2', some)['web'], other: placed(setOf([configMap('y', {})])) } };
    expect(renderDiffText(await compare(from, to), paint).match(/~ Deployment/g)).toHaveLength(names.length);
  });
});

describe('compareFleets', () => {
  it('takes a problem that was there before for no difference', async () => {
    const side: Side = { web: { 'us-1': broken(noFile) } };
    expect(await compare(side, side)).toMatchObject({ differs: false, problems: [{ side: 'both' }] });
    expect((await compare({}, side)).differs).toBe(true);
    expect((await compare(side, {})).differs).toBe(false);
  });

  it('tells each of two objects that come from one base', async () => {
    const twins = (image: string) =>
      placed(
        setOf([deployment('a-web', image), deployment('b-web', image)], { 'a-web': 'web', 'b-web': 'web' }),
      );
    const report = await compare({ web: { eu: twins('1') } }, { web: { eu: twins('2') } });
    expect(report.applications[0]?.objects.map(({ variants }) => variants[0]?.key.name)).toEqual([
      'a-web',
      'b-web',
    ]);
  });

  it('counts what is beyond its bounds', async () => {
    const many = (value: string) =>
      placed(
        setOf(Array.from({ length: 5 }, (_, at) => configMap(`m${at}`, { a: value, b: value, c: value }))),
      );
    const report = await compare(
      { web: { eu: many('1') } },
      { web: { eu: many('2') } },
      { variantsMax: 3, fieldsMax: 2, charactersMax: 400 },
    );
    const variants = report.applications[0]?.objects.flatMap((object) => object.variants) ?? [];
    expect([variants.length, report.omitted, report.summary.changed]).toEqual([3, 2, 5]);
    expect(variants.map(({ fields, fieldsOmitted }) => fields.length + fieldsOmitted)).toEqual([3, 3, 3]);
    expect(variants.at(-1)?.fields).toEqual([]);
  });

  it('holds a bounded number of changes where every cluster has its own', async () => {
    const many = (value: string) =>
      Object.fromEntries(
        clusters.map((name) => [name, placed(setOf([configMap('a', { x: name + value })]))]),
      );
    const report = await compare({ web: many('1') }, { web: many('2') }, { variantsMax: 2 });
    expect(report.applications[0]?.objects[0]?.variants).toHaveLength(2);
    expect([report.omitted, report.summary.changed]).toEqual([clusters.length - 2, clusters.length]);
  });

  it('stops when it is told to', async () => {
    const stop = new Error('nobody waits');
    const { compareFleets } = await import('./compare-fleets.ts');
    const side = {
      side: { name: 'a', commit: null },
      placements: new Map([['web', new Map([['eu', placed(before)]])]]),
      problems: [],
    };
    const request = { from: side, to: side, schemaOf: () => undefined, contents: async () => new Map() };
    await expect(compareFleets({ ...request, turn: () => Promise.reject(stop) })).rejects.toBe(stop);
  });

  it('finds no difference between a fleet and itself, whatever it is', async () => {
    const objects = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        data: fc.dictionary(fc.constantFrom('x', 'y'), fc.string()),
      }),
      { selector: ({ name }) => name },
    );
    const sides = fc.dictionary(
      fc.constantFrom('web', 'api'),
      fc.dictionary(fc.constantFrom('eu', 'us'), objects),
    );
    await fc.assert(
      fc.asyncProperty(sides, async (drawn) => {
        const side = (): Side =>
          Object.fromEntries(
            Object.entries(drawn).map(([application, states]) => [
              application,
              Object.fromEntries(
                Object.entries(states).map(([cluster, some]) => [
                  cluster,
                  placed(setOf(some.map(({ name, data }) => configMap(name, data)))),
                ]),
              ),
            ]),
          );
        expect(await compare(side(), side())).toMatchObject({
          differs: false,
          applications: [],
          problems: [],
        });
      }),
    );
  });
});

/** The text of `fairway render` against that of `kustomize build`, over values that are hard to write in YAML. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PrintableJson, renderKustomizeYaml } from '../../../hub/cli/output/kustomize-yaml.ts';
import { ensureBinary } from '../../cluster/binaries.ts';
import { printedText, renderOurs, renderTheirs } from './compare.ts';

const program = process.env['FAIRWAY_KUSTOMIZE_BINARY'] ?? (await ensureBinary('kustomize'));

const hard = [
  ...[
    '',
    ' ',
    '~',
    'null',
    'Null',
    'y',
    'Y',
    'n',
    'yes',
    'No',
    'on',
    'OFF',
    'true',
    'False',
    '.inf',
    '-.Inf',
    '.nan',
    '<<',
  ],
  ...[
    '0',
    '-1',
    '+1',
    '007',
    '08',
    '0o17',
    '0x1F',
    '0b11',
    '-0b1',
    '1_000',
    '1e3',
    '1E-5',
    '.5',
    '5.',
    '1.5e',
    '1e999',
    '.',
    '..',
    '-',
    '--',
    '---',
    '...',
  ],
  ...[
    '1:30',
    '190:20:30',
    '12:60',
    '1:2:3.5',
    '2001-12-14',
    '2001-13-14',
    '2001-02-29',
    '2004-02-29',
    '2001-12-14T21:59:43.10-05:00',
    '2001-12-14 21:59:43',
    '2001-12-14T21:59:43',
  ],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '-9223372036854775808',
    '0xFFFFFFFFFFFFFFFFF',
    '0777777777777777777777777',
  ],
  ...[
    'a: b',
    'a:b',
    'a:',
    ':a',
    'a #b',
    'a#b',
    '# a',
    '- a',
    '-a',
    '? a',
    '?a',
    ', a',
    '[a]',
    '{a}',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    "it's",
    "'a'",
    '"a"',
    '%a',
    '@a',
    '`a',
  ],
  ...[
    'a\nb',
    'a\nb\n',
    'a\n\n',
    '\n',
    '\na',
    ' a\nb',
    'a \nb',
    'a\n b',
    'a\nb ',
    'a\tb',
    '\ta',
    'a\t',
    'a\n\tb',
    'a\n\n\nb\n\n',
    'ä',
    'a\u00a0b',
    'a\u00a0#b',
    '😀',
    '字\n字',
    'é: ü',
    'a\\b',
    'a\\',
  ],
  'word '.repeat(40).trim(),
  `${'long'.repeat(30)} ${'words '.repeat(10)}`.trim(),
  'two  spaces '.repeat(20).trim(),
  `'${"quoted ' words ".repeat(12)}`,
  `${'tab\tand words '.repeat(12)}`.trim(),
  `: ${'ä字 words of many bytes '.repeat(8)}`.trim(),
  `${'x'.repeat(79)} y z`,
  `${'x'.repeat(200)}`,
];
const character = fc.constantFrom(
  ...[...' \n\t:#-?,[]{}&*!|>\'"%@`ab01_.~=<ä字😀\\'],
  '  ',
  ': ',
  ' #',
  'word word ',
);
const generated = fc.array(character, { minLength: 1, maxLength: 60 }).map((parts) => parts.join(''));

const same = async (values: Readonly<Record<string, PrintableJson>>) => {
  const object = { apiVersion: 'example.com/v1', kind: 'Foo', metadata: { name: 'f' }, spec: values };
  const files = { 'app/kustomization.yaml': 'resources: [f.yaml]\n', 'app/f.yaml': JSON.stringify(object) };
  const [ours, theirs] = await Promise.all([renderOurs(files), renderTheirs(program!, files)]);
  expect(theirs).toHaveProperty('documents');
  const documents = 'documents' in ours ? ours.documents : [ours];
  expect(documents.map((one) => renderKustomizeYaml(one as PrintableJson)).join('---\n')).toBe(
    printedText(theirs),
  );
};
const numbered = (texts: readonly string[]) =>
  Object.fromEntries(texts.map((text, index) => [`k${index}`, text]));

describe.skipIf(program === undefined)('what fairway render prints', () => {
  it('has hard texts as kustomize writes them', () => same(numbered(hard)));

  it('has generated texts as kustomize writes them', async () => {
    for (const seed of [1, 2, 3]) await same(numbered(fc.sample(generated, { numRuns: 300, seed })));
  }, 60_000);

  it('has keys in the form in which kustomize writes them', async () => {
    const usable = hard.filter((text) => text !== '' && text !== '<<');
    await same({ list: [...new Set(usable)].map((text) => ({ [text]: 'v' })) });
  });

  it('has what follows a key on lines of its own where kustomize begins it', async () => {
    const values: readonly PrintableJson[] = [
      ...[
        'v',
        '',
        1,
        null,
        'two\nlines',
        [],
        {},
        ['a', 'b'],
        [['a'], { b: 1, c: [2] }],
        { a: 1, b: { c: 2 } },
      ],
      { a: ['b'], 'more\nlines': { c: ['d', 'e'], f: {} } },
    ];
    for (const key of ['two\nlines', 'x'.repeat(129)])
      await same({ list: values.map((value) => ({ a: 'b', [key]: value, z: 'y' })) });
  });

  it('has keys in the order in which kustomize writes them', () =>
    same(
      Object.fromEntries(
        [
          ...[
            'a10',
            'a9',
            'a09',
            'a',
            'B',
            'b',
            '_a',
            'a-b',
            'a.b',
            'a/b',
            'x00',
            'x0',
            'x',
            'x-1',
            'x-01',
            'ä',
            '字',
          ],
          ...[
            'app.kubernetes.io/name',
            'app',
            'app-2',
            'app-10',
            'example.com/a',
            'v1',
            'v1beta1',
            'v1beta2',
            'v2',
          ],
        ].map((text) => [text, 'v']),
      ),
    ));

  it('has collections and numbers as kustomize writes them', () =>
    same({
      lists: [
        [],
        [[]],
        [[1, [2, 3]], [[4]]],
        [{}],
        [{ a: [], b: {} }, { c: [{ d: 1, e: [2] }] }],
        [null, true, 'x'],
      ],
      numbers: [0, -1, 1.5, 0.1, 1e-7, 123456.5, 1234567.5, 1e21, 12345678901234567000, 0.00001, 2 ** 53],
      empty: {},
      none: [],
    }));
});

/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is tested */
/** Cluster variables against Flux's own substitution library: the same object, and failure where it fails. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createResource } from '../../../hub/render/resource.ts';
import { createSubstituter } from '../../../hub/render/substitute/substitute.ts';
import type { JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { ensureBinary } from '../../cluster/binaries.ts';

interface Case {
  readonly object: KubeObject;
  readonly variables: Readonly<Record<string, string>>;
  readonly strict: boolean;
}

type Outcome = { readonly object: unknown } | { readonly failure: string };

const program = await ensureBinary('flux-substitute');

const variables = {
  var01: 'abcdEFGH28ij',
  UPPER: 'ABCDEFGH28IJ',
  path_name: '/home/bozo/ideas/thoughts.for.today',
  stringZ: 'abcABC123ABCabc',
  filename: 'bash.string.txt',
  path: 'path/to/file',
  slashes: 'foo/bar/baz',
  empty: '',
  n: '3',
  yes: 'yes',
  truth: 'true',
  nothing: 'null',
  float: '1.50',
  octal: '010',
  list: '[a, b, 3]',
  map: '{a: 1}',
  colon: 'a: b',
  hash: 'a # b',
  quote: '"',
  single: "it's",
  dashes: '- a',
  umlaut: 'äöü',
  version: 'v1.2.3',
  region: 'eu-central-1',
  date: '2026-01-02',
  star: 'a*b',
};

/** Texts for a value, most of them from the documentation's table or the classic examples of bash's manual. */
const texts = [
  'plain',
  '${var01}',
  '${#var01}',
  '${var01^}',
  '${var01^^}',
  '${UPPER,}',
  '${UPPER,,}',
  '${path_name:11}',
  '${path_name:11:5}',
  '${path_name: -5}',
  '${path_name:-5}',
  '${path_name:0:-1}',
  '${path_name:40}',
  '${path_name:3:400}',
  '${path_name:x}',
  '${path_name:1:x}',
  '${path_name:}',
  '${path_name::2}',
  '${path_name:1:}',
  '${var01=xyz}',
  '${missing=xyz}',
  '${missing:=xyz}',
  '${missing:-xyz}',
  '${empty:-xyz}',
  '${empty=xyz}',
  '${missing:-}',
  '${missing:=${var01}}',
  '${missing:=${var01}-suffix}',
  '${missing:=prefix${var01}-suffix}',
  '${missing:=${other:=${n}}}',
  '${var01:=${missing}}',
  '${stringZ/%abc/XYZ}',
  '${stringZ/#abc/XYZ}',
  '${stringZ//abc/xyz}',
  '${stringZ/abc/xyz}',
  '${stringZ/abc/}',
  '${stringZ//abc/}',
  '${stringZ/#abc/}',
  '${stringZ/b}',
  '${stringZ/}',
  '${slashes/\\//-}',
  '${slashes//\\//-}',
  '${slashes//o/\\/}',
  '${slashes//o/$$}',
  '${stringZ/${n}/four}',
  '${filename#*.}',
  '${filename##*.}',
  '${filename%.*}',
  '${filename%%.*}',
  '${path#*/}',
  '${path##*/}',
  '${path%/*}',
  '${path%%/*}',
  '${filename#b[a-c]}',
  '${filename#[^x]?}',
  '${filename##*[st]}',
  '${filename#[}',
  '${filename#\\b}',
  '${filename#zzz}',
  '${filename#}',
  '$${var01}',
  'a $${var01} b ${var01}',
  'some text ${var01}$${var$${var01}$var01${var01}',
  '$$',
  '$$$$',
  'cost: $$5',
  '$var01',
  '$(var01)',
  '${missing}',
  'a-${missing}-b',
  '${#missing}',
  '${missing^^}',
  '${missing:1}',
  '${missing/a/b}',
  '${missing%a}',
  '${',
  '${}',
  '${var01',
  '${1abc}',
  '${var01 }',
  '${ var01}',
  '${var-01}',
  '${var01@}',
  '${arr[0]}',
  '${!var01}',
  '${n}',
  '${n}${n}',
  '${n}.${n}',
  '-${n}',
  '${yes}',
  '${truth}',
  '${nothing}',
  '${empty}',
  '${float}',
  '${octal}',
  '${date}',
  '${list}',
  '${map}',
  '${colon}',
  '${hash}',
  '${dashes}',
  '${single}',
  '${star}',
  '${quote}${n}${quote}',
  '${quote}${truth}${quote}',
  ' ${n}',
  '${n} ',
  '"${n}"',
  "'${n}'",
  '[${n}, ${n}]',
  '${n}: ${n}',
  '${n} # ${n}',
  '# ${n}',
  '${n}:',
  '- ${n}',
  '!${n}',
  '*${n}',
  'a\n${n}\n',
  '#!/bin/sh\necho ${var01} $${HOME} $$\n',
  'tab\t${n}',
  '${umlaut^}',
  '${umlaut^^}',
  '${#umlaut}',
  'ü ${n}',
  'registry.example/app:${version}',
  'https://${region}.example:8443/${path}?a=b&c=${n}',
  'true${empty}',
  '0${empty}',
  '${var01:=a b}',
  `${'word '.repeat(30)}\${var01} ${'word '.repeat(30)}end`,
];

const objectWith = (spec: JsonObject, name = 'x'): KubeObject =>
  ({ apiVersion: 'example.com/v1', kind: 'Foo', metadata: { name }, spec }) as unknown as KubeObject;

const shapes: readonly ((text: string) => KubeObject)[] = [
  (text) => objectWith({ value: text }),
  (text) => objectWith({ list: [text, 'x'], deep: [{ a: [text] }] }),
  (text) => objectWith({ map: { [text]: 'v' } }),
];

const cases: readonly Case[] = texts.flatMap((text) =>
  shapes.flatMap((shape) => [true, false].map((strict) => ({ object: shape(text), variables, strict }))),
);

function theirs(asked: readonly Case[]): readonly Outcome[] {
  const input = asked.map((one) => JSON.stringify(one)).join('\n');
  const ran = spawnSync(program!, { input, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, timeout: 60_000 });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
}

function ours({ object, variables: given, strict }: Case): Outcome {
  const resource = createResource(object, { file: 'a.yaml', line: 1 });
  const result = createSubstituter().substitute([resource], {
    variables: new Map(Object.entries(given)),
    optional: !strict,
  });
  if (!result.ok) return { failure: result.problems.map(({ message }) => message).join('\n') };
  return { object: JSON.parse(JSON.stringify(result.resources[0]!.object)) };
}

/** Where this differs from Flux on purpose; each is also a unit test. */
const deliberate = (text: string): boolean =>
  // Documented there and refused by its parser.
  /\$\{\w+-/.test(text) ||
  // A key that swallows the mapping it stands in.
  /"\$\{(?:hash|dashes)\}":/.test(text);

describe.skipIf(program === undefined)('the documented forms, as Flux fills them in', () => {
  const expected = program === undefined ? [] : theirs(cases);
  it.each(
    cases.map(
      (one, index) =>
        [JSON.stringify(one.object['spec' as keyof KubeObject]).slice(0, 90), one.strict, index] as const,
    ),
  )('%s, strict %s', (_name, _strict, index) => {
    const one = cases[index]!;
    if (deliberate(JSON.stringify(one.object))) return;
    const flux = expected[index]!;
    if ('failure' in flux) expect(ours(one), flux.failure).toHaveProperty('failure');
    else expect(ours(one)).toEqual(flux);
  });
});

describe.skipIf(program === undefined)('generated texts', () => {
  it('are filled in as Flux does', () => {
    const piece = fc.constantFrom(
      ...[
        '${',
        '}',
        '$$',
        '$',
        'n',
        'var01',
        'missing',
        ':',
        ':-',
        ':=',
        '=',
        '#',
        '##',
        '%',
        '%%',
        '/',
        '//',
        '^',
        '^^',
        ',',
        '*',
        '?',
        '[',
        ']',
        '\\',
      ],
      ...[
        'a',
        'b',
        '1',
        '2',
        ' ',
        '"',
        "'",
        '{',
        '-',
        '${n}',
        '${var01}',
        '${path#*/}',
        '${missing:-x}',
        '.',
        'path',
        '\n',
      ],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
      fc.array(piece, { maxLength: 4 }).map((parts) => `\${var01${parts.join('')}}`),
      fc.array(piece, { maxLength: 4 }).map((parts) => `\${stringZ/${parts.join('')}}`),
      fc.array(piece, { maxLength: 4 }).map((parts) => `\${path##${parts.join('')}}`),
    );
    const generated = fc
      .sample(text, { numRuns: 4_000, seed: 20261121 })
      .filter((one) => !deliberate(one) && !/:[?+]/.test(one))
      .map((one) => ({ object: objectWith({ value: one }), variables, strict: true }));
    let filled = 0;
    for (const [index, flux] of theirs(generated).entries()) {
      const one = generated[index]!;
      if ('failure' in flux)
        expect(ours(one), `${JSON.stringify(one.object)} ${flux.failure}`).toHaveProperty('failure');
      else {
        filled += 1;
        expect(ours(one), JSON.stringify(one.object)).toEqual(flux);
      }
    }
    expect(filled).toBeGreaterThan(500);
  });
});

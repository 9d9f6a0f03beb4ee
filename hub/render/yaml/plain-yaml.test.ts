import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from './plain-yaml.ts';
import { kubernetesSchema, kustomizationSchema, manifestSchema, plainResolvers } from './schema.ts';

const schemas = {
  object: kubernetesSchema,
  kustomization: kustomizationSchema,
  manifest: manifestSchema,
} as const;
type Kind = keyof typeof schemas;

const libraryReads = (text: string, kind: Kind): unknown =>
  load(text, { schema: schemas[kind], json: kind === 'kustomization' });

const deployment = `# A workload.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {example.com/a: "1", b: 'it''s'}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: main # the only one
        image: registry.example:5000/web:1.0@sha256:abc
        args: [--listen=:8080, "-v", a b]
        emptyDir:
        env:
          - name: A
            value: "x: y"
          -
            name: B
      volumes: []
data:
  small: |-
    one
      two

    three
  large: |
    a: b


  number: 0x1F
  date: 2020-01-01
  big: 12345678901234567890
  nothing: ~
  odd: 1.10
`;
const kustomization = `---
resources:
  - ../base
patches:
  - target: {kind: Deployment}
    patch: |
      - op: replace
        path: /spec/replicas
        value: 2
namePrefix: yes-
`;
const documents = [
  deployment,
  kustomization,
  '- op: add\n  path: /a\n  value: {b: [1, 2]}\n',
  'a:\n- b\n- c: d\ne: f\n',
];

/** Whatever means something somewhere. */
const pieces = [
  ...[
    ' ',
    '  ',
    '\n',
    '\n\n',
    '\n  ',
    '\n    ',
    '\t',
    ':',
    ': ',
    '-',
    '- ',
    '#',
    ' #',
    '"',
    "'",
    "''",
    '\\',
    '|',
    '|-',
    '|+',
    '|2',
    '>',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ', ',
    '?',
    '? ',
    '&a',
    '*a',
    '!x',
    '<<',
    '<<: ',
    '%',
    '@',
    '`',
    '---',
    '...',
    '~',
    'null',
    'true',
    'True',
    'yes',
  ],
  ...[
    'on',
    '0x1F',
    '1_000',
    '1.10',
    '1e3',
    '-1',
    '+2',
    '.5',
    '.inf',
    '017',
    '2020-01-01',
    '=',
    'a',
    'a: b',
    'a:\n  b: c',
    '- x\n',
    '{a: b}',
  ],
  ...[
    'x: |\n  y\n',
    'x: |\n    y\n  z\n',
    'x: |-\n  y\n\n',
    '  k: v\n',
    '- k: v\n  l: m\n',
    '\u00e9',
    '\u2028',
    '\ufeff',
    '\u{1f600}',
    '__proto__: 1\n',
  ],
];
const piece = fc.constantFrom(...pieces);
const edited = fc
  .tuple(
    fc.constantFrom(...documents),
    fc.array(
      fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), take: fc.nat({ max: 3 }), put: piece }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((now, { at, take, put }) => {
      const from = Math.floor(at * now.length);
      return now.slice(0, from) + put + now.slice(from + take);
    }, text),
  );
const anyText = fc.oneof(
  { weight: 3, arbitrary: edited },
  { weight: 1, arbitrary: fc.array(piece, { maxLength: 9 }).map((list) => list.join('')) },
);
const kinds = fc.constantFrom<Kind>('object', 'kustomization', 'manifest');

describe('readPlainYaml', () => {
  it('reads what manifests are written in', () => {
    for (const text of documents)
      for (const kind of ['object', 'kustomization', 'manifest'] as const) {
        const plain = readPlainYaml(text, plainResolvers[kind]);
        expect(plain).toBeDefined();
        expect(plain?.value).toStrictEqual(libraryReads(text, kind));
      }
  });

  it('reads what the library reads, or leaves it to the library', () => {
    fc.assert(
      fc.property(anyText, kinds, (text, kind) => {
        const plain = readPlainYaml(text, plainResolvers[kind]);
        if (plain === undefined) return;
        const expected = libraryReads(text, kind);
        expect(plain.value).toStrictEqual(expected);
        // The order of the keys is the order of what is rendered from them.
        const inOrder = (value: unknown) =>
          JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}` : one));
        expect(inOrder(plain.value)).toBe(inOrder(expected));
      }),
      { numRuns: 5_000 },
    );
  });

  it('leaves to the library what is too deep, and what could be an error', () => {
    const deep = Array.from({ length: 60 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
    for (const text of [
      deep,
      'a: 1\na: 2\n',
      'a: b: c\n',
      'a: "\\x41"\n',
      '&a b: *a\n',
      'a:\tb\n',
      'a: b\n c\n',
      '',
      '# only a comment\n',
    ])
      expect(readPlainYaml(text, plainResolvers.object)).toBeUndefined();
  });
});

import type { Case } from './cases-basic.ts';

const k = 'app/kustomization.yaml';
const object = (annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c${annotations}}\ndata: {a: b}\n`;
const patched = (operations: string, annotations = '', more = ''): Case => ({
  [k]: `resources: [c.yaml]\n${more}patches:\n- target: {kind: ConfigMap}\n  patch: |-\n    ${operations.split('\n').join('\n    ')}\n`,
  'app/c.yaml': object(annotations),
});

const scalars =
  'y n yes Yes no on off ON true True 010 0o10 0b11 1_000 1:30 2020-01-01 2020-01-01T10:00:00Z 2020-1-1 ~ Null 0x1F 1e3 .5 "y"'.split(
    ' ',
  );
const annotationOperations = [
  '- {op: add, path: /metadata/annotations/x, value: z}',
  '- {op: replace, path: /metadata/annotations/x, value: z}',
  '- {op: remove, path: /metadata/annotations}',
  '- {op: remove, path: /metadata/annotations/x}',
  '- {op: add, path: /metadata/annotations, value: {q: r}}',
  '- {op: add, path: /metadata/annotations, value: {}}',
  '- {op: test, path: /metadata/annotations, value: null}',
  '- {op: test, path: /metadata/annotations/x, value: null}',
  '- {op: add, path: /metadata/labels/x, value: z}',
];

/** Plain scalars in what kustomize reads as YAML 1.1, and operations on annotations that only its own notes have brought about. */
export const scalarCases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(
    scalars.flatMap((scalar): readonly (readonly [string, Case])[] => [
      [
        `an operation with ${scalar}`,
        patched(`- {op: add, path: /data/v, value: [${scalar}, {k: ${scalar}}]}`),
      ],
      [
        `an operation of a file with ${scalar}`,
        {
          ...patched(''),
          [k]: 'resources: [c.yaml]\npatches: [{target: {kind: ConfigMap}, path: p.yaml}]\n',
          'app/p.yaml': `- {op: add, path: /data/v, value: ${scalar}}\n`,
        },
      ],
      [
        `a merge with ${scalar}`,
        patched(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {v: ${scalar}}}`),
      ],
      [
        `an annotation that is ${scalar}`,
        { [k]: `resources: [c.yaml]\ncommonAnnotations: {a: ${scalar}}\n`, 'app/c.yaml': object() },
      ],
      [
        `a replacement of a file with ${scalar}`,
        {
          [k]: 'resources: [c.yaml]\nreplacements: [{path: r.yaml}]\n',
          'app/r.yaml': `sourceValue: ${scalar}\ntargets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]\n`,
          'app/c.yaml': object(),
        },
      ],
    ]),
  ),
  ...Object.fromEntries(
    annotationOperations.flatMap((operation) =>
      ['', ', annotations: {}', ', annotations: {x: y}'].flatMap(
        (annotations): readonly (readonly [string, Case])[] => [
          [`${operation}${annotations}`, patched(operation, annotations)],
          [
            `${operation}${annotations}, of the older kind`,
            {
              [k]: `resources: [c.yaml]\npatchesJson6902:\n- target: {version: v1, kind: ConfigMap, name: c}\n  patch: |-\n    ${operation}\n`,
              'app/c.yaml': object(annotations),
            },
          ],
          [
            `${operation}${annotations}, of the older kind, in an overlay`,
            {
              'base/kustomization.yaml': 'resources: [c.yaml]\nnameSuffix: -s\n',
              'base/c.yaml': object(annotations),
              [k]: `resources: [../base]\npatchesJson6902:\n- target: {version: v1, kind: ConfigMap, name: c}\n  patch: |-\n    ${operation}\n`,
            },
          ],
        ],
      ),
    ),
  ),
  'operations on annotations of what is generated': {
    [k]: 'configMapGenerator: [{name: c, literals: [a=b]}]\npatches:\n- target: {kind: ConfigMap}\n  patch: "- {op: add, path: /metadata/annotations/x, value: z}"\n',
  },
};

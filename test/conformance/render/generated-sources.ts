/** Generated trees whose values come from elsewhere, too: variables of a Cluster, bases in another repository. */
import fc from 'fast-check';
import type { TreeReader } from '../../../hub/model/tree.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createMountedTree } from '../../../hub/render/remote/mounted-tree.ts';
import type { Case } from './cases-basic.ts';
import { generatedTree } from './generated.ts';
import type { TracedBy } from './trace-checks.ts';

export interface SourcedTree {
  /** All that lines are told of. */
  readonly files: Case;
  readonly by: TracedBy;
}

/** What is written in a tree, and what is asked for instead; `@` stands for the dollar sign. */
const expressions: readonly (readonly [plain: string, fills: readonly string[]])[] = [
  ['newTag: "9"', ['newTag: "@{TAG}"', 'newTag: "v@{TAG:-0}"']],
  ['{note: text}', ['{note: "in @{FAIRWAY_REGION}"}', '{note: "@{MISSING:-none} of @{FAIRWAY_NAME}"}']],
  ['tier: a', ['tier: @{TIER}', 'tier: "@{TIER:0:2}"']],
  ['value: base', ['value: @{COUNT}', 'value: "@{MISSING}@{TIER}"']],
  ['count: 4', ['count: 4', 'count: 4']],
];

const variables = fc.record(
  {
    TAG: fc.constantFrom('1.0', '2'),
    TIER: fc.constantFrom('gold', 'silver'),
    COUNT: fc.constantFrom('3', 'x'),
  },
  { requiredKeys: ['TIER'] },
);

const fillIn = (files: Case, choices: readonly number[]): Case =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      expressions.reduce(
        (filled, [plain, fills], index) =>
          filled.replaceAll(plain, () => (fills[choices[index] ?? 0] ?? plain).replaceAll('@', () => '$')),
        text,
      ),
    ]),
  );

const repository = 'https://git.example/org/library';

/** The bases in a repository of their own. */
function apart(files: Case): { readonly files: Case; readonly tree: TreeReader } {
  const isRemote = (path: string) => path.startsWith('base/');
  const remote = Object.fromEntries(Object.entries(files).filter(([path]) => isRemote(path)));
  const own = Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => !isRemote(path))
      .map(([path, text]) => [path, text.replace('[../base]', `["${repository}//base?ref=v1"]`)]),
  );
  const named = Object.entries(remote).map(
    ([path, text]) => [`${repository}?ref=v1//${path}`, text] as const,
  );
  const remoteTree = createMemoryTree(remote);
  return {
    files: { ...own, ...Object.fromEntries(named) },
    tree: createMountedTree(createMemoryTree(own), { remoteTree: async () => remoteTree }),
  };
}

export const sourcedTree: fc.Arbitrary<SourcedTree> = fc
  .record({
    files: generatedTree,
    choices: fc.array(fc.nat(1), { minLength: expressions.length, maxLength: expressions.length }),
    ofCluster: variables,
    ofApplication: variables,
    substitutes: fc.boolean(),
    remote: fc.boolean(),
  })
  .map(({ files, choices, ofCluster, ofApplication, substitutes, remote }) => {
    const filled = substitutes ? fillIn(files, choices) : files;
    const parts: Pick<SourcedTree, 'files'> & Pick<TracedBy, 'tree'> = remote
      ? apart(filled)
      : { files: filled };
    const { tree } = parts;
    return {
      files: parts.files,
      by: {
        ...(tree === undefined ? {} : { tree }),
        cluster: { name: 'eu-1', region: 'eu', variables: definedOf(ofCluster) },
        source: substitutes ? { substitute: { optional: true, variables: definedOf(ofApplication) } } : {},
      },
    };
  });

function definedOf(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  );
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

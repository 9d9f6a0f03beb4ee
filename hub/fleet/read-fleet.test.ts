import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyFleet, type Fleet } from '../model/fleet.ts';
import { describeProblem } from '../model/problem.ts';
import { fleetFileBytesMax, readFleet } from './read-fleet.ts';
import { treeOf } from './tree.test-support.ts';

const api = 'apiVersion: fairway.dev/v1alpha1';
const cluster = (name: string, spec = '{region: eu}') =>
  `${api}\nkind: Cluster\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const application = (name: string, more = '') =>
  `${api}\nkind: Application\nmetadata: {name: ${name}}\nspec:\n  source: {path: apps/${name}}\n  placement: {clusters: [eu-1]}\n${more}`;
const read = (
  files: Readonly<Record<string, string | Uint8Array>>,
  previous: Fleet = emptyFleet,
  commit = 'c1',
) => readFleet({ tree: treeOf(files, commit), previous });
const texts = (fleet: Fleet) => fleet.problems.map(describeProblem);

describe('readFleet', () => {
  it('reads every YAML file below the folder, several resources a file, with defaults', async () => {
    const fleet = await read({
      'fleet/clusters/eu.yaml': `# the first\n\n${cluster('eu-1', '{region: eu, role: primary, variables: {tier: gold}, kubernetes: {version: v1.36.3}}')}---\n${cluster('eu-2')}`,
      'fleet/apps/web.yml': application('web', '  sync: {prune: false}\n'),
      'fleet/repo.yaml': `${api}\nkind: Repository\nmetadata: {name: shop}\nspec: {url: "https://git.example/shop"}\n`,
      'fleet/README.md': 'not YAML: [',
      'elsewhere/eu.yaml': cluster('no'),
    });
    expect(texts(fleet)).toEqual([]);
    expect([...fleet.clusters.keys()]).toEqual(['eu-1', 'eu-2']);
    expect(fleet.clusters.get('eu-1')).toEqual({
      name: 'eu-1',
      labels: {},
      region: 'eu',
      role: 'primary',
      variables: { tier: 'gold' },
      kubernetesVersion: '1.36.3',
      paused: false,
      origin: { file: 'fleet/clusters/eu.yaml', line: 3, commit: 'c1' },
    });
    expect(fleet.clusters.get('eu-2')?.origin.line).toBe(8);
    expect(fleet.applications.get('web')).toMatchObject({
      source: { repository: '', ref: '', path: 'apps/web', overlays: [] },
      placement: { clusters: ['eu-1'], selector: undefined },
      sync: { prune: false, selfHeal: 'enforce', adoption: 'always', namespace: 'default' },
      deletionPolicy: 'prune',
    });
    expect(fleet.repositories.get('shop')).toMatchObject({ url: 'https://git.example/shop', ref: 'main' });
  });

  it.each([
    [
      'an unknown field',
      cluster('a', '\n  regoin: eu'),
      'fleet/a.yaml:5: spec.regoin: unknown field; did you mean region?',
    ],
    [
      'a wrong type',
      cluster('a', '\n  region: 5'),
      'fleet/a.yaml:5: spec.region: expected a string (a label value of at most 63 letters, digits, dashes, underscores and dots), found a number: put it in quotes',
    ],
    [
      'a word that is none of a set',
      cluster('a', '\n  role: primry'),
      'fleet/a.yaml:5: spec.role: expected one of primary, standby, none, found "primry"; did you mean primary?',
    ],
    [
      'a bad name',
      cluster('A_B'),
      'fleet/a.yaml:3: metadata.name: expected a name of at most 63 lower-case letters, digits and dashes that starts and ends with a letter or digit',
    ],
    [
      'a missing field',
      `${api}\nkind: Application\nmetadata: {name: a}\nspec:\n  source: {}\n`,
      'fleet/a.yaml:5: spec.source.path: is required: add a string',
    ],
    [
      'a path that leaves',
      application('a', '').replace('apps/a', '../a'),
      'fleet/a.yaml:5: spec.source.path: a path may not leave the repository: remove ".."',
    ],
    [
      'an absolute path',
      application('a', '').replace('apps/a', '/etc'),
      'fleet/a.yaml:5: spec.source.path: expected a path relative to the top of the repository, with / between its parts',
    ],
    [
      'an unknown template variable',
      application('a', '').replace('apps/a}', 'a, overlays: ["o/{{cluster.zone}}"]}'),
      'fleet/a.yaml:5: spec.source.overlays[0]: unknown variable {{cluster.zone}}; known are cluster.name, cluster.region, cluster.role, cluster.labels.KEY, cluster.variables.KEY',
    ],
    [
      'a kind of later',
      `${api}\nkind: Policy\nmetadata: {name: a}\n`,
      'fleet/a.yaml:2: kind: Policy is not supported by this version: remove the resource',
    ],
    [
      'a rollout that says nothing',
      application('a', '  rollout: {}\n'),
      'fleet/a.yaml:7: spec.rollout: expected strategy, the name of a RolloutStrategy, or inline, a strategy of its own',
    ],
    [
      'a strategy that is not there',
      application('a', '  rollout: {strategy: fast}\n'),
      'fleet/a.yaml:7: spec.rollout.strategy: there is no RolloutStrategy fast: add it, or take a built-in one (careful, all-at-once, failover)',
    ],
    [
      "a strategy of a group's failovers that is not there",
      `${api}\nkind: ParityGroup\nmetadata: {name: a}\nspec:\n  primary: eu-1\n  standbys: {clusters: [eu-2]}\n  failover:\n    strategy: fast\n`,
      'fleet/a.yaml:8: spec.failover.strategy: there is no RolloutStrategy fast: add it, or take a built-in one (careful, all-at-once, failover)',
    ],
    [
      'fencing that would come before an answer can',
      `${api}\nkind: ParityGroup\nmetadata: {name: a}\nspec:\n  primary: eu-1\n  standbys: {clusters: [eu-2]}\n  failover:\n    fencing: {after: 2s}\n`,
      'fleet/a.yaml:8: spec.failover.fencing.after: expected at least 10s: each answer of the hub takes its time',
    ],
    [
      'a window that never opens',
      `${api}\nkind: RolloutStrategy\nmetadata: {name: a}\nspec:\n  windows:\n  - {cron: 0 0 30 2 *, duration: 1h}\n`,
      'fleet/a.yaml:6: spec.windows[0].cron: the expression names no time',
    ],
    [
      'a wave that may touch nothing',
      `${api}\nkind: RolloutStrategy\nmetadata: {name: a}\nspec:\n  waves:\n  - name: one\n    maxConcurrent: 0\n`,
      'fleet/a.yaml:7: spec.waves[0].maxConcurrent: expected more than none: a wave that may touch no cluster never ends',
    ],
    [
      'a share that is none',
      `${api}\nkind: RolloutStrategy\nmetadata: {name: a}\nspec:\n  waves:\n  - name: one\n    take: some\n`,
      'fleet/a.yaml:7: spec.waves[0].take: expected a number of clusters, or a share such as 25%',
    ],
    [
      'a mistyped kind',
      `${api}\nkind: Clutser\nmetadata: {name: a}\n`,
      'fleet/a.yaml:2: kind: unknown kind; did you mean Cluster?',
    ],
    [
      'something else than ours',
      'apiVersion: v1\nkind: ConfigMap\n',
      'fleet/a.yaml:1: apiVersion: expected fairway.dev/v1alpha1: only fairway.dev resources belong below the fleet folder; move anything else out of it',
    ],
    [
      'a URL with credentials',
      `${api}\nkind: Repository\nmetadata: {name: a}\nspec: {url: "https://me:pw@git.example/a"}\n`,
      "fleet/a.yaml:4: spec.url: a URL may not hold a user name or password: bind credentials to its prefix in the hub's own configuration",
    ],
    [
      'a file of the hub',
      `${api}\nkind: Repository\nmetadata: {name: a}\nspec: {url: "file:///etc/passwd"}\n`,
      'fleet/a.yaml:4: spec.url: expected an https:// or http:// URL',
    ],
    [
      'broken YAML in the second document',
      `${cluster('b')}---\nkind: [\n`,
      'fleet/a.yaml:7: is no valid YAML: deficient indentation',
    ],
    [
      'an unknown dependency',
      application('a', '  dependsOn:\n    - b\n'),
      'fleet/a.yaml:8: spec.dependsOn[0]: there is no Application b: add it, or remove the dependency',
    ],
    [
      'an unknown repository',
      application('a').replace('path:', 'repository: r, path:'),
      'fleet/a.yaml:5: spec.source.repository: there is no Repository r: add it, or leave the field out for the fleet repository itself',
    ],
    ['a symbolic link', 'link:b.yaml', 'fleet/a.yaml: symbolic links are not followed: put the file here'],
  ])('says file, line and field of %s', async (_, text, expected) => {
    const fleet = await read({ 'fleet/a.yaml': text, 'fleet/good.yaml': cluster('good') });
    expect(texts(fleet)).toEqual([expected]);
    expect(fleet.clusters.has('good')).toBe(true);
  });

  it('names both files of a name that is there twice, and keeps what it was', async () => {
    const previous = await read({ 'fleet/a.yaml': cluster('eu-1') });
    const fleet = await read(
      { 'fleet/a.yaml': cluster('eu-1', '{region: us}'), 'fleet/b.yaml': cluster('eu-1') },
      previous,
    );
    expect(texts(fleet)).toEqual([
      'fleet/a.yaml:3: metadata.name: Cluster eu-1 is also described in fleet/b.yaml:1: keep one of them',
      'fleet/b.yaml:3: metadata.name: Cluster eu-1 is also described in fleet/a.yaml:1: keep one of them',
    ]);
    expect(fleet.clusters.get('eu-1')).toBe(previous.clusters.get('eu-1'));
  });

  it('says of a circle of dependencies how it goes round', async () => {
    const fleet = await read({
      'fleet/a.yaml': application('a', '  dependsOn: [b]\n'),
      'fleet/b.yaml': application('b', '  dependsOn: [c]\n'),
      'fleet/c.yaml': application('c', '  dependsOn: [a]\n'),
      'fleet/d.yaml': application('d', '  dependsOn: []\n'),
    });
    expect(texts(fleet)).toEqual([
      'fleet/a.yaml:7: spec.dependsOn: depends on itself by a -> b -> c -> a: remove one of these dependencies',
      'fleet/b.yaml:7: spec.dependsOn: depends on itself by b -> c -> a -> b: remove one of these dependencies',
      'fleet/c.yaml:7: spec.dependsOn: depends on itself by c -> a -> b -> c: remove one of these dependencies',
    ]);
    expect([...fleet.applications.keys()]).toEqual(['d']);
  });

  it('keeps what a broken file described, and takes the good changes of the same revision', async () => {
    const previous = await read({ 'fleet/a.yaml': cluster('eu-1'), 'fleet/b.yaml': cluster('eu-2') });
    const fleet = await read(
      { 'fleet/a.yaml': 'kind: [', 'fleet/b.yaml': cluster('eu-2', '{region: us}') },
      previous,
      'c2',
    );
    expect(fleet.clusters.get('eu-1')).toBe(previous.clusters.get('eu-1'));
    expect(fleet.clusters.get('eu-2')?.region).toBe('us');
  });

  it('removes nothing while any file is unreadable, though another is really gone', async () => {
    const previous = await read({
      'fleet/a.yaml': cluster('eu-1'),
      'fleet/b.yaml': cluster('eu-2'),
      'fleet/c.yaml': application('web'),
    });
    const fleet = await read({ 'fleet/a.yaml': 'kind: [' }, previous, 'c2');
    expect([...fleet.clusters.keys()].sort()).toEqual(['eu-1', 'eu-2']);
    expect([...fleet.applications.keys()]).toEqual(['web']);
    const mended = await read({ 'fleet/a.yaml': cluster('eu-1') }, fleet, 'c3');
    expect([...mended.clusters.keys(), ...mended.applications.keys()]).toEqual(['eu-1']);
  });

  it('removes nothing when a file is renamed and broken in one commit', async () => {
    const previous = await read({ 'fleet/eu.yaml': `${cluster('eu-1')}---\n${application('web')}` });
    const fleet = await read(
      { 'fleet/europe.yaml': `${cluster('eu-1', '{regin: eu}')}---\n${application('web', '  nope: 1\n')}` },
      previous,
      'c2',
    );
    expect(fleet.clusters).toEqual(previous.clusters);
    expect(fleet.applications).toEqual(previous.applications);
    expect(fleet.problems).toHaveLength(2);
  });

  it('removes nothing when the whole folder is gone', async () => {
    const previous = await read({ 'fleet/eu.yaml': cluster('eu-1') });
    const fleet = await read({ 'fleets/eu.yaml': cluster('eu-1') }, previous, 'c2');
    expect(fleet.clusters).toEqual(previous.clusters);
    expect(texts(fleet)).toEqual([
      'fleet: the fleet folder is not there: nothing is changed; bring it back, or name another in root.folder',
    ]);
  });

  it('ignores comments, documents of nothing and a byte order mark, and keeps count of the lines', async () => {
    const fleet = await read({
      'fleet/a.yaml': `\uFEFF# top\n---\n# nothing\n---\r\n${cluster('eu-1').replaceAll('\n', '\r\n')}...\n---\n${cluster('eu-2', '{regon: x}')}`,
    });
    expect([...fleet.clusters.keys()]).toEqual(['eu-1']);
    expect(fleet.clusters.get('eu-1')?.origin.line).toBe(5);
    expect(texts(fleet)).toEqual(['fleet/a.yaml:14: spec.regon: unknown field; did you mean region?']);
  });

  it('stops when it is told to', async () => {
    const reading = readFleet({
      tree: treeOf({ 'fleet/a.yaml': cluster('a') }),
      previous: emptyFleet,
      signal: AbortSignal.abort(),
    });
    await expect(reading).rejects.toThrow();
  });

  it('sees a resource behind a comment that ends in a lone carriage return', async () => {
    const fleet = await read({ 'fleet/a.yaml': `# a\r${cluster('eu-1').replaceAll('\n', '\r')}` });
    expect([...fleet.clusters.keys()]).toEqual(['eu-1']);
  });

  it('bounds the problems it tells', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [`fleet/${index}.yaml`, 'kind: [']),
    );
    const { problems } = await read(files);
    expect(problems).toHaveLength(501);
    expect(problems.at(-1)?.message).toBe('and 100 more problems: mend the first ones');
  });

  it('takes any bytes in any file without removing or changing what others describe', async () => {
    const good = {
      'fleet/a.yaml': cluster('eu-1'),
      'fleet/b.yaml': application('web'),
      'fleet/c.yaml': cluster('us-1', '{region: us}'),
    };
    const previous = await read(good);
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'-:[]{}&*!|>#"\'\n\t \u0000?%@ab') }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(good)),
        fc.string({ minLength: 1 }),
        text,
        async (file, junk, more) => {
          const stream = `${junk}: ${more}\n---\n${more}`;
          // A file of comments alone describes nothing: that is a removal, as it should be.
          fc.pre(stream.split('\n').some((line) => /^[^\s#]/.test(line) && line !== '---'));
          const fleet = await read({ ...good, [file]: stream }, previous, 'c2');
          for (const name of previous.clusters.keys()) expect(fleet.clusters.has(name)).toBe(true);
          expect(fleet.applications.has('web')).toBe(true);
          expect(fleet.problems.length).toBeGreaterThan(0);
          expect(fleet.problems.every((problem) => problem.file === file && problem.line > 0)).toBe(true);
        },
      ),
    );
  });
});

describe('projects', () => {
  const project = (name: string, more = '') =>
    `${api}\nkind: Project\nmetadata: {name: ${name}}\nspec:\n  sources: [{path: apps}]\n  clusters: {names: [eu-1]}\n  namespaces: [team-a]\n${more}`;
  const base = { 'fleet/eu.yaml': cluster('eu-1') };

  it('are read with defaults', async () => {
    const fleet = await read({
      ...base,
      'fleet/p.yaml': project('team-a', '  serviceAccount: {name: deployer}\n'),
      'fleet/web.yaml': application('web', '  project: team-a\n'),
    });
    expect(texts(fleet)).toEqual([]);
    expect(fleet.applications.get('web')?.project).toBe('team-a');
    expect(fleet.projects.get('team-a')).toEqual({
      name: 'team-a',
      sources: [{ url: '', repository: '', path: 'apps' }],
      clusters: { clusters: ['eu-1'], selector: undefined },
      namespaces: ['team-a'],
      kinds: { allow: undefined, deny: [], cluster: [] },
      serviceAccount: { name: 'deployer', namespace: '', enforce: false },
      origin: { file: 'fleet/p.yaml', line: 1, commit: 'c1' },
    });
  });

  it.each([
    ['no sources', project('a').replace('  sources: [{path: apps}]\n', ''), 'fleet/p.yaml:4: spec.sources: '],
    [
      'two places in one',
      project('a').replace('{path: apps}', '{url: "https://a", repository: b}'),
      'url or repository, not both',
    ],
    ['an empty source', project('a').replace('{path: apps}', '{}'), 'expected url, repository or path'],
    [
      'no URL',
      project('a').replace('{path: apps}', '{url: git.example}'),
      'fleet/p.yaml:5: spec.sources[0].url: expected the start of a URL',
    ],
    ['a path that leaves', project('a').replace('path: apps', 'path: ../x'), 'may not leave the repository'],
    ['no name', project('a').replace('[team-a]', '["Team A"]'), 'fleet/p.yaml:7: spec.namespaces[0]: '],
    ['an unknown kind field', project('a', '  kinds: {alow: []}\n'), 'did you mean allow?'],
  ])('with %s are refused with line and field', async (_what, text, message) => {
    const fleet = await read({ ...base, 'fleet/p.yaml': text });
    expect(texts(fleet).join('\n')).toContain(message);
  });

  it('have to be there where they are named, but for the default one', async () => {
    const fleet = await read({
      ...base,
      'fleet/web.yaml': application('web', '  project: nowhere\n'),
      'fleet/api.yaml': application('api', '  project: default\n'),
      'fleet/x.yaml': application('x'),
    });
    expect(texts(fleet)).toEqual([
      'fleet/web.yaml:7: spec.project: there is no Project nowhere: add it, or leave the field out for the project default',
    ]);
    expect([...fleet.applications.keys()].sort()).toEqual(['api', 'x']);
  });

  it('that cannot be read let nothing new happen, also where the default one is meant', async () => {
    const broken = project('default').replace('namespaces', 'namespces');
    const files = { ...base, 'fleet/p.yaml': broken, 'fleet/web.yaml': application('web') };
    const first = await read(files);
    expect(texts(first).join('\n')).toContain(
      'Project default cannot be read, so what it allows is not known',
    );
    expect(first.applications.size).toBe(0);
    const torn = await read({ ...files, 'fleet/p.yaml': `${project('default')}  - [\n` });
    expect(torn.applications.size).toBe(0);
    const twice = await read({ ...files, 'fleet/p.yaml': `${project('default')}---\n${project('default')}` });
    expect(twice.applications.size).toBe(0);
    for (const text of [
      `# Latin-1: \xe9\n${project('default')}`,
      `${project('default')}# ${'x'.repeat(fleetFileBytesMax)}\n`,
    ]) {
      const unread = await read({ ...files, 'fleet/p.yaml': Buffer.from(text, 'latin1') });
      expect(unread.applications.size).toBe(0);
    }
    const flow =
      '{"apiVersion": "fairway.dev/v1alpha1", "kind": "Project", "metadata": {"name": "default"}, ]\n';
    expect((await read({ ...files, 'fleet/p.yaml': flow })).applications.size).toBe(0);
    // A file that holds none, or one of another name, is no reason.
    for (const text of ['kind: Cluster\nname: default\n', project('team-a')]) {
      const other = await read({ ...files, 'fleet/p.yaml': Buffer.from(`# \xe9\n${text}`, 'latin1') });
      expect(other.applications.size).toBe(1);
    }
    const good = await read({ ...files, 'fleet/p.yaml': project('default') });
    expect(good.applications.size).toBe(1);
    // What counted before counts on.
    const later = await read(files, good);
    expect(later.applications.size).toBe(1);
    expect(later.projects.get('default')?.namespaces).toEqual(['team-a']);
  });
});

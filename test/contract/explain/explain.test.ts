/** `fairway explain`, through the API of a whole hub over a real Git server, and without a hub over a repository on disk; authors held to `git blame`. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { createFleetRepository, type FleetRepository } from '../../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer } from '../../../hub/cli/demo/git-server.ts';
import type { ExplainedPlace, Explanation } from '../../../hub/explain/explanation.ts';
import type { RunningHub } from '../../../hub/main.ts';
import { runFairway } from '../run-fairway.ts';
import { askHub, startWholeHub } from '../whole-hub.ts';
import { password, writeFleet, writeLibrary } from './fleet.ts';

let folder: string;
let repository: FleetRepository;
let server: GitServer;
let hub: RunningHub;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairway-explain-'));
  repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(folder, 'served', 'fleet.git'),
  });
  server = await createGitServer({ root: join(folder, 'served') });
  const library = await createFleetRepository({
    workTree: join(folder, 'library'),
    bare: join(folder, 'served', 'library.git'),
  });
  await writeLibrary(library);
  await writeFleet(repository, server.url('library.git'));
  hub = await startWholeHub(folder, server.url('fleet.git'));
  await vi.waitFor(async () => expect((await ask('/api/v1/assignments')).items).toHaveLength(4), {
    timeout: 20_000,
    interval: 100,
  });
}, 60_000);

afterAll(async () => {
  await hub.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = (path: string) => askHub(hub, path);

const fairway = (args: readonly string[], cwd = repository.workTree) =>
  runFairway(['explain', ...args], {
    ...{ home: folder, cwd, fetch: globalThis.fetch },
    env: { FAIRWAY_SERVER: hub.addresses.api, FAIRWAY_TOKEN: hub.firstToken ?? '' },
  });

async function explain(...args: readonly string[]): Promise<Explanation> {
  const { code, out, err } = await fairway([...args, '-o', 'json']);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Explanation;
}

/** Every place that an explanation tells of. */
function placesIn({ lines, fields }: Explanation): readonly ExplainedPlace[] {
  return [
    ...lines.flatMap(({ origin }) => (origin ? [origin.at] : [])),
    ...fields.flatMap(({ steps }) =>
      steps.flatMap(({ at, configuredAt }) => (configuredAt ? [at, configuredAt] : [at])),
    ),
  ];
}

/** Chains as short text: `replicas.yaml:7 patches[0] Margaret: 1 -> 5`. */
function told({ fields }: Explanation): readonly string[] {
  return fields.flatMap(({ path, steps }) =>
    steps.map(({ at, action, before, after, change }) => {
      const file = at.file.slice(at.file.lastIndexOf('/') + 1);
      const values = change === 'changed' ? `${before} -> ${after}` : `${change} ${after ?? before}`;
      return `${path.slice(path.lastIndexOf('.') + 1)}: ${file}:${at.line} ${action} ${at.commit?.author}: ${values}`;
    }),
  );
}

const container = 'spec.template.spec.containers[name=web]';

describe('fairway explain through a hub', () => {
  it('annotates the whole object with what is rendered, each line by who wrote it', async () => {
    const explanation = await explain('web', 'eu-1', 'Deployment/web');
    const yaml = explanation.lines.map(({ text }) => `${text}\n`).join('');
    const { items } = await ask('/api/v1/assignments/eu-1/web/manifests');
    const manifests = (items as { manifest: { kind: string; spec: unknown } }[]).map(
      ({ manifest }) => manifest,
    );
    const rendered = manifests.find(({ kind }) => kind === 'Deployment');
    const masked = JSON.parse(
      JSON.stringify(rendered).replaceAll(Buffer.from(password).toString('base64'), '*** (28 characters)'),
    ) as unknown;
    expect(parse(yaml)).toEqual(masked);
    const authors = new Map(
      explanation.lines.map(({ text, origin }) => [text.trim(), origin?.at.commit?.author]),
    );
    expect(authors.get('kind: Deployment')).toBe('Ada');
    expect(authors.get('replicas: 5')).toBe('Margaret');
    expect(authors.get('image: web:1.1.0')).toBe('Linus');
    expect(authors.get('name: eu-web')).toBe('Grace');
    expect(explanation.object).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'eu-web',
      originName: 'web',
    });
    expect(explanation.revision).toEqual({ name: '', commit: await repository.head(), repository: '' });
  });

  it('names the commit that git blame names, for every line', async () => {
    const explanations = [
      await explain('web', 'eu-1', 'Deployment/web'),
      await explain('web', 'eu-1', 'Deployment/web', 'spec'),
      await explain('web', 'us-1', 'ConfigMap/settings'),
    ];
    let compared = 0;
    for (const { file, line, source, commit } of explanations.flatMap(placesIn)) {
      if (file === '' || line === 0) continue;
      const range = `${line},${line}`;
      const out = await repository.git('blame', '--porcelain', '-L', range, 'main', '--', file);
      const [, sha, there] = /^([0-9a-f]{40}) (\d+)/.exec(out) ?? [];
      const path = /^filename (.+)$/m.exec(out)?.[1];
      expect([commit?.sha, commit?.line, commit?.file], `${source} ${file}:${line}`).toEqual([
        sha,
        Number(there),
        path,
      ]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(50);
  });

  it('tells the way of a field from the base up', async () => {
    expect(told(await explain('web', 'eu-1', 'deploy/eu-web', 'spec.replicas'))).toEqual([
      'replicas: web.yaml:7 resources[0] Edsger: read 1',
      'replicas: replicas.yaml:7 patches[0] Margaret: 1 -> 5',
    ]);
    expect(told(await explain('web', 'eu-1', 'deploy/web', `${container}.image`))).toEqual([
      'image: web.yaml:20 resources[0] Ada: read "web:1.0.0"',
      'image: kustomization.yaml:8 images[0] Linus: "web:1.0.0" -> "web:1.1.0"',
    ]);
    const image = await explain('web', 'eu-1', 'deploy/web', `${container}.image`);
    expect(image.fields[0]?.steps[0]?.at.commit?.file).toBe('apps/web/base/deployment.yaml');
  });

  it('tells of a variable where the Cluster says it', async () => {
    const explanation = await explain('web', 'us-1', 'deploy/web', `${container}.env[name=TIER].value`);
    const last = explanation.fields[0]?.steps.at(-1);
    // The line of the variable itself, not that of its Cluster.
    expect([last?.after, last?.at.file, last?.at.line, last?.at.commit?.author]).toEqual([
      '"gold"',
      'fleet/clusters.yaml',
      15,
      'Ada',
    ]);
  });

  it('tells of a field that a patch has removed, and of one that nothing sets', async () => {
    const removed = await explain('web', 'eu-1', 'deploy/web', 'spec.paused');
    expect(removed.state).toBe('removed');
    expect(told(removed)).toEqual([
      'paused: web.yaml:6 resources[0] Ada: read false',
      'paused: replicas.yaml:6 patches[0] Margaret: removed false',
    ]);
    const unset = await explain('web', 'eu-1', 'deploy/web', 'spec.revisionHistoryLimit');
    expect([unset.state, unset.fields]).toEqual(['unset', []]);
    const { out } = await fairway(['web', 'eu-1', 'deploy/web', 'spec.revisionHistoryLimit']);
    expect(out).toContain('Nothing in Git sets spec.revisionHistoryLimit');
  });

  it('tells of an application of another repository, and of a base in one, at their own commits', async () => {
    const own = await explain('library', 'us-1', 'cm/rules', 'data.mode');
    expect(told(own)).toEqual(['mode: rules.yaml:6 resources[0] Radia: read "lax"']);
    expect(own.revision.repository).toBe('library');
    const based = await explain('shared', 'us-1', 'cm/rules');
    const authors = based.lines.flatMap(({ text, origin }) =>
      origin ? [`${text.trim()} ${origin.at.commit?.author} ${origin.at.source}`] : [],
    );
    expect(authors).toContain('mode: strict Frances remote');
    expect(authors).toContain('team: shop Ada repository');
  });

  it('never tells a value of a Secret, nor where it was copied to', async () => {
    const encoded = Buffer.from(password).toString('base64');
    for (const args of [['secret/login'], ['secret/login', 'data'], ['deploy/web'], ['deploy/web', 'spec']])
      for (const format of ['text', 'json', 'yaml']) {
        const { code, out } = await fairway(['web', 'eu-1', ...args, '-o', format]);
        expect(code).toBe(0);
        expect(out).toContain('***');
        expect(out).not.toContain(password);
        expect(out).not.toContain(encoded.slice(0, 12));
      }
  });

  it('explains a branch that the hub has not seen before', async () => {
    await repository.git('checkout', '--quiet', '-b', 'more', 'main');
    const sha = await repository.commit(
      {
        'apps/web/overlays/eu/replicas.yaml':
          'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 9\n',
      },
      { message: 'Nine', author: 'Barbara <b@example.com>' },
    );
    await repository.push('more');
    await repository.git('checkout', '--quiet', 'main');
    const explanation = await explain('web', 'eu-1', 'deploy/web', 'spec.replicas', '--rev', 'more');
    expect(told(explanation).at(-1)).toBe('replicas: replicas.yaml:6 patches[0] Barbara: 1 -> 9');
    expect(explanation.revision).toEqual({ name: 'more', commit: sha, repository: '' });
    expect(told(await explain('web', 'eu-1', 'deploy/web', 'spec.replicas')).at(-1)).toContain('1 -> 5');
  });

  it.each([
    [['wep', 'eu-1', 'deploy/web'], 3, /There is no application "wep"\. Did you mean web\?/],
    [['web', 'eu-9', 'deploy/web'], 3, /There is no cluster "eu-9"/],
    [['web', 'eu-1', 'deploy/wob'], 3, /no deploy wob .*there is Deployment shop\/eu-web/],
    [['web', 'eu-1', 'deploy/web', 'spec.replica'], 3, /Did you mean spec\.replicas/],
    [['web', 'eu-1', 'deploy/web', 'spec..replicas'], 2, /cannot be read/],
    [['web', 'eu-1', 'deploy/web', '--rev', 'nowhere'], 3, /nowhere/],
    [['web', 'eu-1', 'web'], 2, /"web" is not KIND\/NAME/],
    [['web', 'eu-1'], 2, /Give APPLICATION CLUSTER KIND\/NAME/],
    [['deploy/web'], 2, /--path/],
  ])('refuses %j with %i and says why', async (args, exitCode, message) => {
    const { code, out, err } = await fairway(args);
    expect([code, out]).toEqual([exitCode, '']);
    expect(err).toMatch(message);
  });
});

describe('fairway explain without a hub', () => {
  it('takes what lies in the work tree, and knows which lines are not committed', async () => {
    const copy = join(folder, 'copy');
    await cp(repository.workTree, copy, { recursive: true });
    await writeFile(
      join(copy, 'apps/web/overlays/eu/replicas.yaml'),
      '# More.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {new: "yes"}\nspec:\n  paused: null\n  replicas: 5\n',
    );
    const args = ['web', 'eu-1', 'deploy/web', '--path', copy];
    const { out } = await fairway([...args, 'spec.replicas', '-o', 'json']);
    expect(told(JSON.parse(out) as Explanation).at(-1)).toBe(
      'replicas: replicas.yaml:9 patches[0] Margaret: 1 -> 5',
    );
    const { out: text } = await fairway(args);
    expect(text).toMatch(
      /^-{7} +not committed +apps\/web\/overlays\/eu\/replicas\.yaml:6 +patches\[0\] +│ {5}new: "yes"$/m,
    );
    const { out: head } = await fairway([...args, '--rev', 'HEAD']);
    expect(head).not.toContain('not committed');
  });

  it('says the same of a commit as the hub', async () => {
    const args = ['web', 'eu-1', 'deploy/web'];
    const { out } = await fairway([...args, '--path', '.', '--rev', 'main', '-o', 'json']);
    const here = JSON.parse(out) as Explanation;
    const there = await explain(...args, '--rev', 'main');
    expect(here).toEqual(there);
  });

  it('takes a folder alone, also one without any history', async () => {
    const { out } = await fairway(['--path', 'apps/web/base', 'deploy/web', 'spec.replicas', '-o', 'json']);
    expect(told(JSON.parse(out) as Explanation)).toEqual([
      'replicas: web.yaml:7 resources[0] Edsger: read 1',
    ]);
    const bare = join(folder, 'plain');
    await cp(join(repository.workTree, 'apps/web/base'), bare, { recursive: true });
    const { code, out: text } = await fairway(['--path', bare, 'deploy/web', 'spec.replicas']);
    expect(code).toBe(0);
    expect(text).toBe(
      'spec.replicas of Deployment shop/web\nat worktree, by .\n\n   1 1\n     web.yaml:7  resources[0]\n',
    );
  });
});

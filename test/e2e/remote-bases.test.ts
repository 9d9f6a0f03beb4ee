/** Bases in another repository end to end: a hub process, Git over HTTP behind a credential, branches that move, restarts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetRepository, type FleetRepository } from '../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer } from '../../hub/cli/demo/git-server.ts';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const credentials = { username: 'fairway-bot', password: 'right-horse-battery' };

let bed: HubBed;
let guarded: GitServer;
let library: FleetRepository;

const settings = () => ({
  root: { url: bed.git.url('fleet.git'), pollInterval: '1s' },
  credentials: [
    {
      urlPrefix: `http://127.0.0.1:${guarded.port}/`,
      username: credentials.username,
      password: { file: join(bed.folder, 'password') },
    },
  ],
});
const base = (value: string) => ({
  'web/kustomization.yaml': 'resources: [map.yaml]\nnamePrefix: base-\n',
  'web/map.yaml': configMap('web', value),
});
const overlay = (ref: string, value = 'overlay 1') =>
  `resources:\n- ${guarded.url('library.git')}//web?ref=${ref}\n- own.yaml\ncommonAnnotations: { value: "${value}" }\n`;
const holds = (text: string) =>
  bed.wait(`the application to have ${text}`, async () =>
    (await bed.manifests('one', 'web')).includes(text) ? true : undefined,
  );
interface Revision {
  readonly id: string;
  readonly commit: string;
  readonly sources: Record<string, string>;
}
const newest = async () => (await bed.api().get<{ items: Revision[] }>('/api/v1/revisions')).items[0];
const problems = async () =>
  JSON.stringify((await bed.api().get<{ problems: unknown }>('/api/v1/applications/web')).problems);

beforeAll(async () => {
  bed = await createHubBed();
  mkdirSync(join(bed.folder, 'guarded'));
  library = await createFleetRepository({
    workTree: join(bed.folder, 'library'),
    bare: join(bed.folder, 'guarded', 'library.git'),
  });
  await library.commit(base('base 1'), { message: 'base 1' });
  await library.push();
  guarded = await createGitServer({ root: join(bed.folder, 'guarded'), credentials });
  writeFileSync(join(bed.folder, 'password'), credentials.password);
  await bed.start(settings());
}, 60_000);

afterAll(async () => {
  await bed?.close();
  await guarded?.close();
});

describe('a base in another repository', () => {
  it('is refused until a Repository is declared, with file and line', async () => {
    await bed.merge(
      {
        'fleet/clusters.yaml': clusterFile('one'),
        'fleet/web.yaml': applicationFile('web', 'path: apps/web'),
        'apps/web/kustomization.yaml': overlay('main'),
        'apps/web/own.yaml': configMap('own', 'own 1'),
      },
      'an overlay',
    );
    const told = await bed.wait('the problem', async () => {
      const text = await problems().catch(() => '');
      return text.includes('no Repository') ? text : undefined;
    });
    expect(told).toContain('"file":"apps/web/kustomization.yaml","line":2');
    expect(guarded.requests().infoRefs).toBe(0);
  });

  it('is fetched and built when one is, and the revision names its commit', async () => {
    await bed.merge(
      {
        'fleet/library.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: { name: library }\nspec: { url: ${guarded.url('library.git')} }\n`,
      },
      'a repository',
    );
    await holds('base 1');
    expect(await bed.manifests('one', 'web')).toContain('base-web');
    expect((await newest())?.sources).toEqual({ 'library@main': await library.head() });
  });

  it('makes a new revision of the same fleet commit when its branch moves', async () => {
    const before = await newest();
    await library.commit(base('base 2'), { message: 'base 2' });
    await library.push();
    await holds('base 2');
    const after = await newest();
    expect(after?.id).not.toBe(before?.id);
    expect(after?.sources).toEqual({ 'library@main': await library.head() });
  });

  it('stays what it was over a restart while its server is away', async () => {
    const before = await newest();
    await bed.stop();
    guarded.setFailing('unavailable');
    await bed.start(settings());
    await bed.merge({ 'apps/web/own.yaml': configMap('own', 'own 2') }, 'own 2');
    await holds('own 2');
    expect(await bed.manifests('one', 'web')).toContain('base 2');
    expect((await newest())?.sources).toEqual(before?.sources);
    guarded.setFailing();
  });

  it('stays at a tag whatever its branch does', async () => {
    await library.git('tag', 'v1');
    await library.git('push', '--quiet', 'origin', 'v1');
    await bed.merge({ 'apps/web/kustomization.yaml': overlay('v1', 'overlay 2') }, 'a tag');
    await holds('overlay 2');
    const pinned = await newest();
    await library.commit(base('base 3'), { message: 'base 3' });
    await library.push();
    await bed.merge({ 'apps/web/own.yaml': configMap('own', 'own 3') }, 'own 3');
    await holds('own 3');
    expect(await bed.manifests('one', 'web')).toContain('base 2');
    expect(Object.keys((await newest())?.sources ?? {})).toEqual(['library@v1']);
    expect((await newest())?.sources).toEqual(pinned?.sources);
    // Nobody asks for the branch any more.
    await bed.wait('the branch to be forgotten', async () =>
      (await bed.source('library@main')) === undefined ? true : undefined,
    );
  });

  it('tells no credential', async () => {
    const told = JSON.stringify([await bed.api().events(''), await bed.api().get('/api/v1/sources')]);
    expect(`${told}\n${bed.log()}`).not.toContain(credentials.password);
  });
});

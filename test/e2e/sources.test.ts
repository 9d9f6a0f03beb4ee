/** Sources end to end, Git over HTTP: what the hub makes of repositories that move, are rewritten, lost, shut or empty, and of webhooks. */
import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetRepository, type FleetRepository } from '../../hub/cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer } from '../../hub/cli/demo/git-server.ts';
import { applicationFile, clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';

const credentials = { username: 'fairway-bot', password: 'right-horse-battery' };
const wrongPassword = 'wrong-horse-battery';
const webhookSecret = 'webhook-secret-of-the-test';

let bed: HubBed;
let guarded: GitServer;
let library: FleetRepository;

const passwordFile = () => join(bed.folder, 'password');
const settings = (pollInterval: string) => ({
  root: { url: bed.git.url('fleet.git'), pollInterval },
  credentials: [
    {
      urlPrefix: `http://127.0.0.1:${guarded.port}/`,
      username: credentials.username,
      password: { file: passwordFile() },
    },
  ],
  webhooks: (['generic', 'github'] as const).map((provider) => ({
    provider,
    secret: { file: join(bed.folder, 'webhook') },
  })),
});
const conditionOf = async (key: string, type = 'Ready') =>
  (await bed.source(key))?.conditions.find((condition) => condition.type === type);
const reasonIs = (key: string, reason: string) =>
  bed.wait(`source ${key} to say ${reason}`, async () => {
    const condition = await conditionOf(key);
    return condition?.reason === reason ? condition : undefined;
  });
const holds = (application: string, text: string) =>
  bed.wait(`${application} to have ${text}`, async () =>
    (await bed.manifests('one', application)).includes(text) ? true : undefined,
  );
const eventOf = (type: string, text: string) =>
  bed.wait(`the event ${type} with ${text}`, async () =>
    (await bed.api().events(`types=${type}`)).find(({ message, data }) =>
      JSON.stringify([message, data]).includes(text),
    ),
  );

beforeAll(async () => {
  bed = await createHubBed();
  mkdirSync(join(bed.folder, 'guarded'));
  library = await createFleetRepository({
    workTree: join(bed.folder, 'library'),
    bare: join(bed.folder, 'guarded', 'library.git'),
  });
  await library.commit({ 'shop/map.yaml': configMap('library', 'main 1') }, { message: 'main 1' });
  await library.push();
  await library.git('checkout', '--quiet', '-b', 'stable');
  await library.commit({ 'shop/map.yaml': configMap('library', 'stable 1') }, { message: 'stable 1' });
  await library.push('stable');
  guarded = await createGitServer({ root: join(bed.folder, 'guarded'), credentials });
  writeFileSync(passwordFile(), credentials.password);
  writeFileSync(join(bed.folder, 'webhook'), webhookSecret);
  await bed.start(settings('1s'));
}, 60_000);

afterAll(async () => {
  await bed?.close();
  await guarded?.close();
});

describe('a hub that follows repositories', () => {
  it('waits for the first push to an empty repository, and says so', async () => {
    const condition = await reasonIs('@main', 'EmptyRepository');
    expect(condition.status).toBe('False');
    expect((await bed.source('@main'))?.head).toBeNull();
    const first = await bed.merge(
      {
        'fleet/clusters.yaml': clusterFile('one'),
        'fleet/own.yaml': applicationFile('own', 'path: apps/own'),
        'apps/own/map.yaml': configMap('own', 'own 1'),
      },
      'start',
    );
    await holds('own', 'own 1');
    expect((await bed.source('@main'))?.head).toBe(first);
    expect((await conditionOf('@main'))?.status).toBe('True');
    await eventOf('source.recovered', 'EmptyRepository');
  });

  it('follows a second repository behind a credential, and a ref of its own in each', async () => {
    await bed.repository.git('branch', 'side');
    await bed.repository.git('checkout', '--quiet', 'side');
    await bed.repository.commit({ 'apps/side/map.yaml': configMap('side', 'side 1') }, { message: 'side 1' });
    await bed.repository.push('side');
    await bed.repository.git('checkout', '--quiet', 'main');
    await bed.merge(
      {
        'fleet/library.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: { name: library }\nspec: { url: ${guarded.url('library.git')} }\n`,
        'fleet/theirs.yaml': applicationFile('theirs', 'repository: library, ref: stable, path: shop'),
        'fleet/side.yaml': applicationFile('side', 'ref: side, path: apps/side'),
      },
      'two more applications',
    );
    await holds('theirs', 'stable 1');
    await holds('side', 'side 1');
    const head = await library.head();
    const revision = await bed.wait('a revision with all heads', async () => {
      const { items } = await bed
        .api()
        .get<{ items: { state: string; sources: Record<string, string> }[] }>('/api/v1/revisions');
      return items.find(({ sources }) => Object.keys(sources).length === 2);
    });
    expect(revision.sources['library@stable']).toBe(head);
    // That the new sources were not here yet was no failure of the revision that brought them.
    expect(await bed.api().events('types=revision.failed')).toEqual([]);
    await library.commit({ 'shop/map.yaml': configMap('library', 'stable 2') }, { message: 'stable 2' });
    await library.push('stable');
    await holds('theirs', 'stable 2');
  });

  it('keeps the last good commit behind a credential that is wrong, and tells no secret', async () => {
    const head = (await bed.source('library@stable'))?.head;
    writeFileSync(passwordFile(), wrongPassword);
    const condition = await reasonIs('library@stable', 'AuthenticationFailed');
    expect(condition.status).toBe('False');
    expect((await bed.source('library@stable'))?.head).toBe(head);
    await eventOf('source.failed', 'AuthenticationFailed');
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'own 2') }, 'own 2');
    await holds('own', 'own 2');
    expect(await bed.manifests('one', 'theirs')).toContain('stable 2');
    writeFileSync(passwordFile(), credentials.password);
    await reasonIs('library@stable', 'Fetched');
    await eventOf('source.recovered', 'AuthenticationFailed');
    const told = JSON.stringify([await bed.api().events(''), await bed.api().get('/api/v1/sources')]);
    for (const secret of [credentials.password, wrongPassword, webhookSecret])
      expect(`${told}\n${bed.log()}`).not.toContain(secret);
  });

  it('follows a rewritten branch, and back again, and says both', async () => {
    const before = await bed.repository.head();
    await bed.repository.git('checkout', '--quiet', '-B', 'main', 'HEAD~1');
    const rewritten = await bed.repository.commit(
      { 'apps/own/map.yaml': configMap('own', 'own rewritten') },
      { message: 'another past' },
    );
    await bed.repository.push('main', { force: true });
    await holds('own', 'own rewritten');
    expect((await reasonIs('@main', 'HistoryRewritten')).status).toBe('True');
    await eventOf('source.rewritten', rewritten);
    await bed.repository.git('reset', '--quiet', '--hard', before);
    await bed.repository.push('main', { force: true });
    await holds('own', 'own 2');
    await eventOf('source.rewritten', `"head":"${before}"`);
    const states = await bed.wait('the revision of before to be in force', async () => {
      const { items } = await bed
        .api()
        .get<{ items: { commit: string; state: string }[] }>('/api/v1/revisions');
      return items.some(({ commit, state }) => commit === before && state === 'Resolved') ? items : undefined;
    });
    expect(states.filter(({ state }) => state === 'Pending')).toEqual([]);
  });

  it('keeps what a deleted branch had', async () => {
    const head = (await bed.source('@side'))?.head;
    await bed.repository.git('push', '--quiet', bed.repository.bare, ':side');
    expect((await reasonIs('@side', 'RefNotFound')).status).toBe('False');
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'own 3') }, 'own 3');
    await holds('own', 'own 3');
    expect((await bed.source('@side'))?.head).toBe(head);
    expect(await bed.manifests('one', 'side')).toContain('side 1');
  });

  it('serves what it knows while the remote is away, over a kill and a new start', async () => {
    bed.git.setFailing('refuse');
    const condition = await reasonIs('@main', 'Unreachable');
    await bed.stop('SIGKILL');
    await bed.start(settings('1s'));
    expect(await bed.manifests('one', 'own')).toContain('own 3');
    expect(await bed.manifests('one', 'theirs')).toContain('stable 2');
    const still = await reasonIs('@main', 'Unreachable');
    expect(still.lastTransitionTime).toBe(condition.lastTransitionTime);
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'own 4') }, 'own 4');
    bed.git.setFailing();
    await holds('own', 'own 4');
    await eventOf('source.recovered', 'Unreachable');
  }, 40_000);

  it('calls no host that the configuration does not allow, whatever a commit says', async () => {
    const asked = guarded.requests();
    const url = guarded.url('library.git').replace('127.0.0.1', 'localhost');
    await bed.merge(
      {
        'fleet/inside.yaml': `apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: { name: inside }\nspec: { url: ${url} }\n`,
        'fleet/theirs2.yaml': applicationFile('theirs2', 'repository: inside, path: shop'),
      },
      'look inside',
    );
    await reasonIs('inside@main', 'EgressRefused');
    // The poll of library goes on, with one request each; nothing else came.
    expect(guarded.requests().infoRefs).toBe(asked.infoRefs);
    await bed.merge({ 'fleet/inside.yaml': null, 'fleet/theirs2.yaml': null }, 'do not look inside');
  });

  it('forgets a repository that nobody uses any more', async () => {
    await bed.merge({ 'fleet/side.yaml': null }, 'no more side');
    await bed.wait('the source to go', async () => ((await bed.source('@side')) ? undefined : true));
    await bed.wait('its objects to go', async () =>
      (await bed.manifests('one', 'side')) === '' ? true : undefined,
    );
  });
});

describe('webhooks', () => {
  const send = async (headers: Record<string, string>, body: string) => {
    const response = await fetch(`${bed.addresses().api}/api/v1/webhooks/git`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, body: (await response.json()) as { sources?: number } };
  };
  const hmac = (text: string) => createHmac('sha256', webhookSecret).update(text).digest('hex');
  const generic = (delivery: string, body: string) => {
    const time = String(Math.floor(Date.now() / 1000));
    return {
      'x-fairway-timestamp': time,
      'x-fairway-delivery': delivery,
      'x-fairway-signature-256': `sha256=${hmac(`${time}.${delivery}.${body}`)}`,
    };
  };

  it('make the hub fetch at once, when their signature holds and they were not seen before', async () => {
    await bed.stop();
    await bed.start(settings('1h'));
    await bed.wait('the first poll', async () =>
      (await bed.source('@main'))?.head === (await bed.repository.head()) ? true : undefined,
    );
    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'by webhook 1') }, 'by webhook 1');
    const body = JSON.stringify({ url: `${bed.git.url('fleet.git')}/`, ref: 'refs/heads/main' });
    const headers = generic('delivery-1', body);
    expect(await send(headers, body.replace('main', 'next'))).toMatchObject({ status: 401 });
    expect(await send({}, body)).toMatchObject({ status: 401 });
    expect(await send(headers, body)).toEqual({ status: 202, body: { sources: 1 } });
    await holds('own', 'by webhook 1');
    const asked = bed.git.requests().uploadPack;
    expect(await send(headers, body)).toEqual({ status: 202, body: { sources: 0 } });

    await bed.merge({ 'apps/own/map.yaml': configMap('own', 'by webhook 2') }, 'by webhook 2');
    const push = JSON.stringify({
      ref: 'refs/heads/main',
      repository: { clone_url: bed.git.url('fleet.git') },
    });
    const github = {
      'x-github-event': 'push',
      'x-github-delivery': 'b7e1f5b0',
      'x-hub-signature-256': `sha256=${hmac(push)}`,
    };
    expect(await send(github, push)).toEqual({ status: 202, body: { sources: 1 } });
    await holds('own', 'by webhook 2');
    expect(bed.git.requests().uploadPack).toBeGreaterThan(asked);
    expect(await send(github, push)).toEqual({ status: 202, body: { sources: 0 } });
    const told = await bed.api().events('types=audit.webhook');
    expect(told.map(({ actor }) => actor)).toEqual(['webhook', 'webhook']);
  }, 40_000);
});

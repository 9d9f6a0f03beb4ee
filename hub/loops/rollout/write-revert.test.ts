/** The revert of a failed release, from the state of its rollout to a real Git server. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFakeClock, type FakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom, systemRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { runGit } from '../../cli/demo/git-program.ts';
import { defaultStrategy, type RolloutStrategy } from '../../model/strategy.ts';
import { applyAction } from '../../rollout/apply-action.ts';
import { clusterStates } from '../../rollout/cluster-states.ts';
import { revertAttemptsMax } from '../../rollout/plan-revert.ts';
import { packState, type RolloutState } from '../../rollout/rollout-state.ts';
import { type Bed, createBed } from '../../source/git-bed.test-support.ts';
import type { GitWriter } from '../../source/git-source.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { openRollouts } from '../loop-bed.test-support.ts';
import { readState } from './rollout-inputs.ts';
import type { RolloutDriver, RolloutLoopOptions } from './rollout-loop.ts';
import { passRowOf } from './rollout-states.ts';
import { attemptRevert } from './write-revert.ts';

const login = { username: 'hub', password: 'let-me-in' };
const identity = { name: 'Fairway', email: 'hub@example.com' };
const releaseId = '0b1c2d3e-0000-4000-8000-000000000000';

let bed: Bed;
let store: Store;
let clock: FakeClock;
let rollouts: RolloutDriver;
let onPush: () => Promise<void>;

const git = (...args: readonly string[]) =>
  runGit(['--git-dir', bed.repository.bare, ...args]).then((text) => text.trim());
const commit = async (image: string, other = 'o') => {
  const sha = await bed.repository.commit(
    { 'web.yaml': `image: ${image}\n`, 'other.yaml': other },
    { message: `take ${image}` },
  );
  await bed.repository.push();
  return sha;
};
const open = (over: Partial<RolloutLoopOptions> = {}) => {
  const revert: RolloutLoopOptions['revert'] = {
    ...{ url: bed.url, ref: 'main', identity },
    write: async (request) => {
      await onPush();
      return bed.source.revert(request);
    },
  };
  rollouts = openRollouts({ store, clock }, { revert, ...over });
};
const settle = async () => {
  for (let round = 0; round < 4; round += 1) {
    rollouts.wakeAll();
    await rollouts.loop.idle();
    await clock.advance(2);
  }
  await rollouts.loop.idle();
};
const events = async () => {
  const { items } = await store.events.list(
    { types: ['rollout.revert-written', 'rollout.revert-failed'] },
    { limit: 20 },
  );
  return items.map(({ type, message }) => `${type}: ${message}`);
};
const stateNow = async () => readState((await store.releases.rollout('web'))?.state) as RolloutState;

/** What the hub knows after a release of the second commit has failed in eu-1 and was rolled back. */
async function fail(
  shas: readonly string[],
  strategy: Partial<RolloutStrategy> = {},
  phase: RolloutState['phase'] = 'RolledBack',
): Promise<void> {
  for (const sha of shas) {
    const revision = { commit: await bed.source.commit(bed.url, sha), ref: 'main', sources: {}, seenAtMs: 1 };
    await store.sources.saveRevision({ id: sha, ...revision }, []);
  }
  const failure = { reason: 'Unhealthy', message: 'Deployment default/web: bad image', atMs: 1 } as const;
  const state: RolloutState = {
    ...{ version: 2, application: 'web', releaseId, revisionId: shas.at(-1) ?? '', phase },
    strategy: { ...defaultStrategy, onFailure: 'rollback', revert: 'branch', ...strategy },
    ...{ startedAtMs: 1, endedAtMs: 2, held: [] },
    stopped: {
      by: 'failure',
      actor: 'fairway',
      reason: 'wave canary: eu-1: Deployment default/web:\nbad image',
      atMs: 1,
    },
    waves: [{ name: 'canary', spec: 0, clusters: ['eu-1'], startedAtMs: 1 }],
    clusters: clusterStates({ 'eu-1': { assignedAtMs: 1, failure, rolledBackAtMs: 2 } }),
  };
  const release = {
    id: releaseId,
    application: 'web',
    revisionId: state.revisionId,
    createdAtMs: 1,
    targets: {},
  };
  await store.releases.savePlan({
    ...{
      revisionId: state.revisionId,
      resolutions: [],
      releases: [release],
      decisions: [],
      confirmations: [],
    },
    ...{
      fleet: {
        resources: [
          { kind: 'Application', name: 'web', value: { name: 'web', source: { repository: '', ref: '' } } },
        ],
        problems: [],
      },
    },
    ...{ rollouts: { web: packState(state) }, history: [], events: [], nowMs: 1 },
  });
}

beforeEach(async () => {
  onPush = async () => {};
  clock = createFakeClock(1_767_225_600_000);
  bed = await createBed({
    source: { credentials: { forUrl: async () => login } },
    server: { credentials: login },
  });
  store = await openStore({
    ...{ path: ':memory:', dataKey: systemRandom.bytes(32), clock, random: systemRandom, log: silentLogger },
  });
});
afterEach(async () => {
  await rollouts.stop();
  await store.close();
  await bed.close();
});

const branch = 'refs/heads/fairway/revert/web-0b1c2d3e';

describe('the revert of a failed release', () => {
  let shas: readonly string[];
  beforeEach(async () => {
    shas = [await commit('1'), await commit('2')];
    await bed.fetch();
  });

  it('is written to a branch, by the identity of the configuration, saying which rollout, cluster and reason', async () => {
    await fail(shas);
    open();
    await settle();
    const sha = await git('rev-parse', branch);
    expect(await git('log', '-1', '--format=%an <%ae>%n%B', branch)).toBe(
      [
        'Fairway <hub@example.com>',
        'Revert "take 2"',
        '',
        `This reverts commit ${shas[1]}.`,
        'The rollout of web failed and was rolled back: wave canary: eu-1: Deployment default/web: bad image',
        '',
        `Fairway-Rollout: ${releaseId}`,
        'Fairway-Application: web',
        `Fairway-Revision: ${shas[1]}`,
        'Fairway-Cluster: eu-1 (Unhealthy)',
        'Fairway-Reason: wave canary: eu-1: Deployment default/web: bad image',
      ].join('\n'),
    );
    expect(await git('show', `${branch}:web.yaml`)).toBe('image: 1');
    expect(await git('rev-parse', 'main')).toBe(shas[1]);
    expect(await events()).toEqual([
      `rollout.revert-written: web: its revert was written: commit ${sha.slice(0, 8)} on ${branch}`,
    ]);
    expect((await rollouts.report('web'))?.message).toContain(`its revert is commit ${sha.slice(0, 8)}`);
    await settle();
    expect(await events()).toHaveLength(1);
  });

  it('is written also where some cluster had no healthy Target to go back to, and tried again by a retry that fails', async () => {
    await fail(shas, {}, 'Paused');
    let refuses = true;
    const write: GitWriter['revert'] = async (request) => {
      if (refuses) throw new FairwayError('failed_precondition', 'not now');
      return bed.source.revert(request);
    };
    open({ revert: { url: bed.url, ref: 'main', identity, write } });
    await settle();
    expect(await stateNow()).toMatchObject({ phase: 'Paused', revert: { state: 'failed' } });
    refuses = false;
    const said = { actor: 'ann', reason: 'once more', atMs: clock.now() };
    const before = await stateNow();
    const again = applyAction(before, { type: 'retry', cluster: '' }, said);
    expect(again.phase).toBe('Progressing');
    const { stopped } = before;
    const row = { application: 'web', before, decisions: [], events: [], nowMs: clock.now() };
    const state: RolloutState = { ...again, phase: 'RolledBack', stopped };
    const version = (await store.releases.rolloutVersion('web')) ?? 0;
    await store.releases.saveRollout(passRowOf({ ...row, state }, version));
    await settle();
    expect(await stateNow()).toMatchObject({ revert: { state: 'written' } });
    expect(await git('show', `${branch}:web.yaml`)).toBe('image: 1');
  });

  it('is written once, though the hub is killed after the push and before it could keep that', async () => {
    await fail(shas);
    const dying: Store = {
      ...store,
      releases: { ...store.releases, saveRollout: () => Promise.reject(new Error('killed')) },
    };
    open({ store: dying });
    await settle();
    await rollouts.stop();
    const first = await git('rev-parse', branch);
    expect(await events()).toEqual([]);
    await clock.advance(60_000);
    open();
    await settle();
    expect(await git('rev-parse', branch)).toBe(first);
    expect(await stateNow()).toMatchObject({ revert: { state: 'written', commit: first } });
    expect(await events()).toHaveLength(1);
  });

  it('comes after another writer who was faster, on the branch that is followed', async () => {
    await fail(shas, { revert: 'commit' });
    let pushes = 0;
    const credentials = {
      forUrl: async () => {
        pushes += 1;
        // The third is for the push of the first attempt.
        if (pushes === 3) await commit('2', 'competing');
        return login;
      },
    };
    const source = bed.restart({ credentials });
    open({ revert: { url: bed.url, ref: 'main', identity, write: source.revert } });
    await settle();
    expect(await stateNow()).toMatchObject({
      revert: {
        state: 'pending',
        attempts: 1,
        message: expect.stringContaining('the server did not move the branch'),
      },
    });
    await clock.advance(300_000);
    await settle();
    expect(await stateNow()).toMatchObject({ revert: { state: 'written', ref: 'refs/heads/main' } });
    expect(await git('show', 'main:web.yaml')).toBe('image: 1');
    expect(await git('show', 'main:other.yaml')).toBe('competing');
    expect(await git('rev-list', '--count', 'main')).toBe('4');
  });

  it('is given up when the server goes on refusing it, with its words', async () => {
    await fail(shas);
    const hook = join(bed.repository.bare, 'hooks', 'pre-receive');
    await mkdir(join(hook, '..'), { recursive: true });
    await writeFile(hook, '#!/bin/sh\nexit 1\n');
    await chmod(hook, 0o755);
    open();
    for (let attempt = 0; attempt < revertAttemptsMax + 1; attempt += 1) {
      await settle();
      await clock.advance(300_000);
    }
    await settle();
    expect(await stateNow()).toMatchObject({ revert: { state: 'failed', attempts: revertAttemptsMax } });
    expect(await events()).toEqual([
      `rollout.revert-failed: web: its revert was not written: the server did not move the branch: ng ${branch} pre-receive hook declined`,
    ]);
    await rm(hook);
    await settle();
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('to a server that says nothing is an attempt that ends before its step would be given up, and counts', async () => {
    await fail(shas);
    open();
    let asked: AbortSignal | undefined;
    const write: GitWriter['revert'] = ({ signal }) => {
      asked = signal;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const ports = { store, clock, random: createSeededRandom(1), url: bed.url, ref: 'main', identity, write };
    const attempt = attemptRevert(await stateNow(), ports, new AbortController().signal);
    await vi.waitFor(() => expect(asked).toBeDefined());
    await clock.advance(119_000);
    expect(asked?.aborted).toBe(true);
    const outcome = await attempt;
    expect(outcome).toMatchObject({ error: 'it took longer than 90 s' });
    expect(outcome).toMatchObject({ retryAtMs: expect.any(Number) });
    expect(clock.pending).toBe(0);
  });

  it('that would overwrite what came later is not written, and says which files', async () => {
    await commit('3');
    await fail(shas);
    open();
    await settle();
    expect(await events()).toEqual([
      'rollout.revert-failed: web: its revert was not written: what came later has changed the same files: web.yaml',
    ]);
  });

  it('is not written by a hub that has no name, nor for an operator who rolled back, nor unasked', async () => {
    await fail(shas, { revert: 'none' });
    open();
    await settle();
    expect((await stateNow()).revert).toBeUndefined();
    await rollouts.stop();
    await fail(shas);
    open({ revert: { url: bed.url, ref: 'main', identity: undefined, write: bed.source.revert } });
    await settle();
    expect(await events()).toEqual([
      "rollout.revert-failed: web: its revert was not written: the hub's configuration names nobody for its commits: set commits.name and commits.email",
    ]);
    expect(await git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('of a change that is not in the fleet repository is none', async () => {
    await fail([shas[0] ?? '']);
    open();
    await settle();
    expect((await events())[0]).toContain('the hub does not remember what came before this revision');
  });
});

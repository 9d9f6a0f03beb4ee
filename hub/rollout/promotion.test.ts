import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { defaultStrategy } from '../model/strategy.ts';
import { planPromotion, releaseInForce } from './plan/plan-promotion.ts';
import {
  candidatesMax,
  chooseProven,
  describeCandidate,
  type PartnerHealth,
  type PromotionQueue,
  type PromotionWatch,
  seenMax,
  targetsKey,
  waitingIn,
  watchPartner,
} from './promotion.ts';
import type { RolloutState } from './rollout-state.ts';

const hour = 3_600_000;
const soakMs = 24 * hour;
const at = (commit: string, tree = `tree-${commit}`) => ({ commit, tree });
const staging = (value: string) => new Map([['stage-1', value]]);
const prod = (value: string) => new Map([['prod-1', value]]);
const keyOf = (value: string) => targetsKey(staging(value)) ?? '';
const healthy = (value: string, healthyAtMs = 0): PartnerHealth => ({
  ...{ targets: keyOf(value), health: 'healthy', healthyAtMs, message: '' },
});
const unhealthy = (value: string): PartnerHealth => ({
  ...healthy(value),
  ...{ health: 'unhealthy', message: 'stage-1: Deployment web/web: bad image' },
});

/** Plans commits one after the other, as the hub does, and begins what is proven. */
function createPair(soak = soakMs) {
  let ids = 0;
  let queue: PromotionQueue | undefined;
  let watch: PromotionWatch | undefined;
  let before: { state: RolloutState; targets: Readonly<Record<string, string>> } | undefined;
  const releases = new Map<string, Readonly<Record<string, string>>>();
  const pair = {
    commit(
      commit: string,
      wants: { staging?: string | undefined; prod: string },
      nowMs: number,
      content = { own: at(commit), partner: at(commit) },
    ) {
      const planned = planPromotion({
        ...{ application: 'web', partner: 'web-staging', soakMs: soak, strategy: defaultStrategy },
        ...{ revisionId: commit, queue, wanted: prod(wants.prod), nowMs },
        before: before?.state,
        continues: before?.targets['prod-1'] === wants.prod,
        partnerWanted: wants.staging === undefined ? undefined : staging(wants.staging),
        content: content.own,
        partnerContent: content.partner,
        assigned: new Map(before?.state.phase === 'Waiting' ? [] : Object.entries(before?.targets ?? {})),
        newId: () => `rel-${++ids}`,
      });
      queue = JSON.parse(JSON.stringify(planned.queue)) as PromotionQueue;
      if (planned.release) releases.set(planned.release.id, planned.release.targets);
      if (planned.state) before = { state: planned.state, targets: planned.release?.targets ?? {} };
      return planned;
    },
    look(partner: PartnerHealth | undefined, nowMs: number) {
      if (queue === undefined) throw new Error('nothing was planned');
      const looked = watchPartner(watch, queue, partner, nowMs);
      // Through the store and back.
      watch = JSON.parse(JSON.stringify(looked.watch)) as PromotionWatch;
      const chosen = chooseProven(queue, watch, partner, releaseInForce(before?.state));
      if (chosen && before) {
        const state = { ...before.state, phase: 'Complete', releaseId: chosen.releaseId } as const;
        before = { state, targets: releases.get(chosen.releaseId) ?? {} };
      }
      return { begins: chosen?.revisionId, nextAtMs: looked.nextAtMs };
    },
    waiting: () => (queue ? waitingIn(queue, releaseInForce(before?.state)) : []),
    why(partner: PartnerHealth | undefined, nowMs: number) {
      const newest = pair.waiting().at(-1);
      return queue && newest ? describeCandidate(queue, watch, newest, partner, nowMs) : '';
    },
    queue: () => queue as PromotionQueue,
    before: () => before,
  };
  return pair;
}

describe('a release that waits for another environment', () => {
  it('begins once the partner was healthy with the same commit for the soak, not before', () => {
    const pair = createPair();
    expect(pair.commit('c1', { staging: 's1', prod: 'p1' }, 0).state?.phase).toBe('Waiting');
    expect(pair.look(healthy('s1', 1_000), 2_000)).toEqual({ begins: undefined, nextAtMs: soakMs + 1_000 });
    expect(pair.why(healthy('s1', 1_000), 2_000)).toContain('soaks until 1970-01-02T00:00:01.000Z');
    expect(pair.look(healthy('s1', 1_000), soakMs + 999).begins).toBeUndefined();
    expect(pair.look(healthy('s1', 1_000), soakMs + 1_000).begins).toBe('c1');
    expect(pair.waiting()).toEqual([]);
  });

  it('begins the soak anew when health was lost in it', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), hour);
    pair.look(unhealthy('s1'), 2 * hour);
    expect(pair.why(unhealthy('s1'), 2 * hour)).toBe(
      'web-staging is not healthy: stage-1: Deployment web/web: bad image',
    );
    expect(pair.look(healthy('s1'), 3 * hour).nextAtMs).toBe(27 * hour);
    expect(pair.look(healthy('s1'), 26 * hour).begins).toBeUndefined();
    expect(pair.look(healthy('s1'), 27 * hour).begins).toBe('c1');
  });

  it('neither ends nor begins a soak anew while a cluster is away', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), 0);
    expect(pair.look({ ...healthy('s1'), health: 'unknown' }, 30 * hour).begins).toBeUndefined();
    expect(pair.look(healthy('s1'), 31 * hour).begins).toBe('c1');
  });

  it('counts no time of which nothing is known: what a cluster says when it is back may be old still', () => {
    const pair = createPair();
    const unknown: PartnerHealth = { ...healthy('s1'), health: 'unknown' };
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), 0);
    expect(pair.look(unknown, hour).nextAtMs).toBeUndefined();
    pair.look(unknown, 30 * hour);
    // Its agent is connected again; its first report says that all broke while it was away.
    expect(pair.look(healthy('s1'), 40 * hour)).toEqual({ begins: undefined, nextAtMs: 63 * hour });
    expect(pair.look(unhealthy('s1'), 40 * hour + 1).begins).toBeUndefined();
    pair.look(healthy('s1'), 41 * hour);
    expect(pair.look(healthy('s1'), 64 * hour).begins).toBeUndefined();
    expect(pair.look(healthy('s1'), 65 * hour).begins).toBe('c1');
  });

  it('does not begin what is proven while the partner fails with it', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), soakMs);
    pair.look(unhealthy('s1'), soakMs + 1);
    pair.commit('c2', { staging: 's1', prod: 'p2' }, soakMs + 2);
    expect(pair.look(unhealthy('s1'), soakMs + 3).begins).toBeUndefined();
    expect(pair.why(unhealthy('s1'), soakMs + 3)).toContain('web-staging is not healthy: stage-1');
    expect(pair.look(healthy('s1'), soakMs + 4).begins).toBe('c2');
  });

  it('takes the newest proven one, though newer ones wait', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), soakMs);
    pair.commit('c2', { staging: 's2', prod: 'p2' }, soakMs);
    pair.commit('c3', { staging: 's3', prod: 'p3' }, soakMs + 1);
    pair.commit('c4', { staging: 's4', prod: 'p4' }, soakMs + 2);
    expect(pair.look(healthy('s3', soakMs + hour), 2 * soakMs + hour).begins).toBe('c3');
    expect(pair.waiting().map(({ revisionId }) => revisionId)).toEqual(['c4']);
    expect(pair.why(healthy('s3', 0), 2 * soakMs + hour)).toBe(
      'web-staging does not run commit c4 in all its clusters',
    );
  });

  it('goes at once with a commit that changes nothing of a proven partner', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), soakMs);
    pair.commit('c2', { staging: 's1', prod: 'p2' }, soakMs + 1);
    expect(pair.look(healthy('s1'), soakMs + 1).begins).toBe('c2');
  });

  it('is proven by any commit that wants the same of it', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    expect(pair.commit('c2', { staging: 's2', prod: 'p1' }, 1).release).toBeUndefined();
    expect(pair.look(healthy('s2'), soakMs + 1).begins).toBe('c1');
  });

  it('lets go of all that waits when a commit takes it back', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), soakMs);
    pair.commit('c2', { staging: 's2', prod: 'p2' }, soakMs + 1);
    pair.commit('c3', { staging: 's1', prod: 'p1' }, soakMs + 2);
    expect(pair.waiting()).toEqual([]);
    expect(pair.look(healthy('s2', soakMs), 3 * soakMs).begins).toBeUndefined();
  });

  it('knows what a partner wants again, after a commit was taken back there, as proven before', () => {
    const pair = createPair();
    pair.commit('c1', { staging: 's1', prod: 'p1' }, 0);
    pair.look(healthy('s1'), soakMs);
    pair.look(unhealthy('s2'), soakMs + 2);
    pair.commit('c3', { staging: 's1', prod: 'p3' }, soakMs + 3);
    expect(pair.look(healthy('s1', soakMs + 4), soakMs + 5).begins).toBe('c3');
  });

  it('does not take a partner that could not be rendered whole, or runs nowhere, as proof', () => {
    const pair = createPair(0);
    pair.commit('c1', { staging: undefined, prod: 'p1' }, 0);
    expect(pair.look(healthy('s0'), 1).begins).toBeUndefined();
    expect(pair.why(healthy('s0'), 1)).toContain('commit c1 was never in web-staging');
    expect(pair.look(undefined, 2).begins).toBeUndefined();
  });
});

describe('environments by branches', () => {
  const branches = (own: ReturnType<typeof at>, partner: ReturnType<typeof at>) => ({ own, partner });

  it('takes the same commit, and a merge with the same content', () => {
    const pair = createPair(0);
    pair.commit('r1', { staging: 's1', prod: 'p0' }, 0, branches(at('old'), at('m1')));
    expect(pair.look(healthy('s1'), 1).begins).toBeUndefined();
    pair.commit('r2', { staging: 's1', prod: 'p1' }, 2, branches(at('m1'), at('m1')));
    expect(pair.look(healthy('s1'), 3).begins).toBe('r2');
    pair.commit('r3', { staging: 's2', prod: 'p1' }, 4, branches(at('m1'), at('m2')));
    pair.look(healthy('s2'), 5);
    pair.commit('r4', { staging: 's2', prod: 'p2' }, 6, branches(at('merge', 'tree-m2'), at('m2')));
    expect(pair.look(healthy('s2'), 7).begins).toBe('r4');
  });

  it('does not take an ancestor of a proven commit that never ran there', () => {
    const pair = createPair(0);
    pair.commit('r1', { staging: 's1', prod: 'p0' }, 0, branches(at('m1'), at('m1')));
    pair.look(healthy('s1'), 0);
    // m2 was broken and skipped: the branch went on to m3.
    pair.commit('r2', { staging: 's3', prod: 'p0' }, 1, branches(at('m1'), at('m3')));
    pair.look(healthy('s3'), 2);
    pair.commit('r3', { staging: 's3', prod: 'p2' }, 3, branches(at('m2'), at('m3')));
    expect(pair.look(healthy('s3'), 4).begins).toBeUndefined();
    expect(pair.why(healthy('s3'), 4)).toContain('commit m2 was never in web-staging');
  });
});

describe('the queue', () => {
  it('is bounded, and loses neither the oldest nor the newest release, nor what they need', () => {
    const pair = createPair();
    for (let index = 0; index < 2 * seenMax; index += 1)
      pair.commit(`c${index}`, { staging: `s${index}`, prod: `p${index}` }, index);
    const revisions = pair.queue().candidates.map(({ revisionId }) => revisionId);
    expect(revisions).toHaveLength(candidatesMax);
    expect([revisions[0], revisions.at(-1)]).toEqual(['c0', `c${2 * seenMax - 1}`]);
    expect(pair.queue().seen.length).toBeLessThanOrEqual(seenMax);
    expect(pair.look(healthy('s0'), soakMs + 1).begins).toBe('c0');
  });
});

describe('a simulated pair of environments', () => {
  /** More runs: `FAIRWAY_ROLLOUT_RUNS=2000`. */
  const runs = Number(process.env['FAIRWAY_ROLLOUT_RUNS'] ?? 300);

  /** Commits, health and restarts by chance; a plain log of what staging ran and how is the judge. */
  function simulate(seed: number): { readonly violations: readonly string[]; readonly begun: number } {
    const random = createSeededRandom(seed);
    const pair = createPair();
    const violations: string[] = [];
    const log: { fromMs: number; value: string; well: boolean }[] = [];
    const wanted = new Map<string, string>();
    let nowMs = 0;
    let running = '';
    let healthyAtMs = 0;
    let commits = 0;
    let begun = 0;
    for (let step = 0; step < 200; step += 1) {
      nowMs += Math.floor(random.next() * 6 * hour);
      if (commits === 0 || random.next() < 0.15) {
        commits += 1;
        const stays = running !== '' && random.next() < 0.3;
        const value = stays ? running : `s${commits}`;
        wanted.set(`c${commits}`, value);
        pair.commit(`c${commits}`, { staging: value, prod: `p${commits}` }, nowMs);
        if (!stays) healthyAtMs = nowMs;
        running = value;
      }
      // A hub that is killed looks at nothing for a while, and begins where it was; what happens meanwhile it hears of as it is afterwards.
      const looks = random.next() > 0.1;
      const well = looks ? random.next() < 0.95 : (log.at(-1)?.well ?? true);
      log.push({ fromMs: nowMs, value: running, well });
      const looked = looks
        ? pair.look(well ? healthy(running, healthyAtMs) : unhealthy(running), nowMs)
        : undefined;
      if (looked?.begins === undefined) continue;
      begun += 1;
      const value = wanted.get(looked.begins) ?? '';
      if (!wasHealthyFor(log, value, nowMs))
        violations.push(`seed ${seed}: ${looked.begins} begins unproven`);
    }
    // With no more commits and nothing but health the newest comes to begin.
    pair.look(healthy(running, healthyAtMs), nowMs);
    pair.look(healthy(running, healthyAtMs), nowMs + soakMs);
    if (pair.waiting().length > 0) violations.push(`seed ${seed}: ${pair.waiting().length} wait for ever`);
    return { violations, begun };
  }

  /** Some stretch of the soak's length with nothing but health was there. */
  function wasHealthyFor(
    log: readonly { fromMs: number; value: string; well: boolean }[],
    value: string,
    nowMs: number,
  ): boolean {
    let since: number | undefined;
    for (const [index, one] of log.entries()) {
      if (one.value === value && one.well) since ??= one.fromMs;
      else since = undefined;
      const until = log[index + 1]?.fromMs ?? nowMs;
      if (since !== undefined && until - since >= soakMs) return true;
    }
    return false;
  }

  it(`begins nothing that was not healthy for the soak, in ${runs} runs`, () => {
    const results = Array.from({ length: runs }, (_, index) => simulate(index + 1));
    expect(results.flatMap(({ violations }) => violations).slice(0, 5)).toEqual([]);
    expect(results.filter(({ begun }) => begun > 3).length).toBeGreaterThan(runs / 2);
  });
});

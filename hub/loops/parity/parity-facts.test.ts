import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import type { FactSection, GapReason, UnownedField } from '../../../shared/manifest/cluster-facts.ts';
import type { Question } from '../../model/query.ts';
import { createFactsLoop, saltOf } from './parity-facts.ts';

const digestKey = new Uint8Array(32).fill(3);
type FactsQuestion = Extract<Question, { readonly type: 'facts' }>;

function bed() {
  const clock = createFakeClock();
  const asked: (readonly [cluster: string, question: FactsQuestion])[] = [];
  const changes: string[] = [];
  const cluster: Record<
    string,
    { quota: number; away?: boolean; denied?: boolean; failed?: boolean; full?: boolean }
  > = {
    one: { quota: 1 },
    two: { quota: 1 },
  };
  const facts = createFactsLoop({
    ...{ clock, digestKey, random: createSeededRandom(1), log: silentLogger },
    async ask(name, question) {
      if (question.type !== 'facts') throw new Error('what is this?');
      asked.push([name, question]);
      const { quota = 0, away, denied, failed, full } = cluster[name] ?? {};
      if (away) throw new FairwayError('unavailable', 'away');
      const digest = String(quota);
      const values = question.known['quotas'] === digest ? undefined : { 'shop/q': { quota } };
      const nothing = { section: 'quotas' as const, digest: '', values: undefined, failure: 'x' };
      const gap = (reason: GapReason, message: string) => ({ gaps: [{ kind: '', reason, message }] });
      if (denied)
        return { type: 'facts', sections: [{ ...nothing, ...gap('denied', 'may not list quotas') }] };
      if (failed) return { type: 'facts', sections: [{ ...nothing, ...gap('failed', 'cut off') }] };
      const quotas = { section: 'quotas' as const, digest, values, failure: '' };
      if (!full) return { type: 'facts', sections: [quotas] };
      const limits = { section: 'limits' as const, failure: '' };
      const told = values
        ? { ...limits, digest: '', values: undefined, ...gap('failed', 'no room') }
        : { ...limits, digest: '1', values: { 'shop/l': {} } };
      return { type: 'facts', sections: [quotas, told] };
    },
    onChanged: (name, group, sections: ReadonlySet<FactSection>) =>
      changes.push(`${name} ${group} ${[...sections].join(' ')}`),
  });
  const follow = (
    groups: Readonly<Record<string, readonly string[]>>,
    unowned: readonly UnownedField[] = [],
  ) => facts.follow(new Map(Object.entries(groups).map(([name, clusters]) => [name, { clusters, unowned }])));
  const settle = async (ms = 200) => {
    await clock.advance(ms);
    await facts.loop.idle();
  };
  const quotaOf = (name: string, group: string) =>
    facts.factsOf(name, group)?.values.get('quotas')?.['shop/q'];
  return { asked, clock, changes, cluster, facts, follow, settle, quotaOf };
}

describe('createFactsLoop', () => {
  it('asks each member of a group by digests, and again when its agent says that something has changed', async () => {
    const { asked, changes, cluster, facts, follow, settle, quotaOf } = bed();
    follow({ eu: ['one', 'two'] });
    await settle();
    expect(asked.map(([name, { watch, known }]) => [name, watch, known])).toEqual([
      ['one', true, {}],
      ['two', true, {}],
    ]);
    expect(changes).toEqual(['one eu quotas', 'two eu quotas']);
    cluster['one'] = { quota: 2 };
    facts.changed('one');
    await settle();
    expect(asked.slice(2).map(([name, { known }]) => [name, known])).toEqual([['one', { quotas: '1' }]]);
    expect(quotaOf('one', 'eu')).toEqual({ quota: 2 });
    facts.changed('one');
    await settle();
    expect(changes).toEqual(['one eu quotas', 'two eu quotas', 'one eu quotas']);
    expect(quotaOf('one', 'eu')).toEqual({ quota: 2 });
    await facts.loop.stop();
  });

  it('asks an agent that does not stop telling of changes no more than five times a second', async () => {
    const { asked, facts, follow, clock } = bed();
    follow({ eu: ['one'] });
    for (let at = 0; at < 1_000; at += 1) {
      facts.changed('one');
      await clock.advance(1);
    }
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.length).toBeLessThan(8);
    await facts.loop.stop();
  });

  it('asks anew every five minutes, sooner for an agent that was away, and nothing of clusters without a group', async () => {
    const { asked, cluster, facts, follow, settle } = bed();
    cluster['two'] = { quota: 1, away: true };
    follow({ eu: ['one', 'two'] });
    await settle();
    await settle(5_500);
    expect(asked.map(([name]) => name)).toEqual(['one', 'two', 'two']);
    follow({});
    facts.changed('one');
    facts.wake('two');
    await settle(600_000);
    expect(asked).toHaveLength(3);
    expect(facts.factsOf('one', 'eu')).toBeUndefined();
    await facts.loop.stop();
  });

  it('keeps a salt for each group, that says nothing of another', async () => {
    const { asked, facts, follow, settle } = bed();
    follow({ eu: ['one'], us: ['one'] });
    await settle();
    const salts = asked.map(([, { salt }]) => Buffer.from(salt).toString('hex'));
    expect(new Set(salts).size).toBe(2);
    expect(salts).toEqual(['eu', 'us'].map((group) => Buffer.from(saltOf(group, digestKey)).toString('hex')));
    expect(salts[0]).toHaveLength(64);
    expect(facts.factsOf('one', 'us')?.saltedFor).toBe('us');
    expect(facts.factsOf('one', '')?.saltedFor).toBe('eu');
    await facts.loop.stop();
  });

  it('asks again when the group lists other fields, and tells what may not be collected any more', async () => {
    const { asked, changes, cluster, facts, follow, quotaOf, settle } = bed();
    follow({ eu: ['one'] });
    await settle();
    const field = { kind: 'Deployment', path: '/spec/replicas' };
    cluster['one'] = { quota: 1, denied: true };
    follow({ eu: ['one'] }, [field]);
    await settle();
    expect(asked.map(([, { unowned }]) => unowned)).toEqual([[], [field]]);
    expect(changes).toHaveLength(2);
    expect(facts.factsOf('one', 'eu')?.gaps.get('quotas')).toMatchObject([
      { reason: 'denied', message: 'may not list quotas' },
    ]);
    expect(quotaOf('one', 'eu')).toBeUndefined();
    await facts.loop.stop();
  });

  it('keeps what it knew of what fails for a moment, and asks again half a minute later', async () => {
    const { asked, cluster, facts, follow, settle, quotaOf } = bed();
    follow({ eu: ['one'] });
    await settle();
    cluster['one'] = { quota: 1, failed: true };
    facts.changed('one');
    await settle();
    expect(quotaOf('one', 'eu')).toEqual({ quota: 1 });
    const [first] = facts.factsOf('one', 'eu')?.gaps.get('quotas') ?? [];
    await settle(31_000);
    expect(asked).toHaveLength(3);
    // Since when it fails, not when it was last seen to.
    expect(facts.factsOf('one', 'eu')?.gaps.get('quotas')).toEqual([first]);
    cluster['one'] = { quota: 2 };
    await settle(31_000);
    expect([quotaOf('one', 'eu'), facts.factsOf('one', 'eu')?.gaps.size]).toEqual([{ quota: 2 }, 0]);
    await settle(31_000);
    expect(asked).toHaveLength(4);
    await facts.loop.stop();
  });

  it('asks no more often than for the rest for what fails all the time', async () => {
    const { asked, cluster, follow, settle, facts } = bed();
    cluster['one'] = { quota: 1, failed: true };
    follow({ eu: ['one'] });
    for (let at = 0; at < 120; at += 1) await settle(10_000);
    const known = asked.length;
    expect(known).toBeGreaterThan(10);
    for (let at = 0; at < 120; at += 1) await settle(10_000);
    expect(asked.length - known).toBeLessThan(8);
    await facts.loop.stop();
  });

  it('asks at once for what found no room beside what was new', async () => {
    const { asked, cluster, facts, follow, settle } = bed();
    cluster['one'] = { quota: 1, full: true };
    follow({ eu: ['one'] });
    await settle();
    await settle(500);
    expect(asked.length).toBe(2);
    expect(facts.factsOf('one', 'eu')?.values.get('limits')).toEqual({ 'shop/l': {} });
    await facts.loop.stop();
  });
});

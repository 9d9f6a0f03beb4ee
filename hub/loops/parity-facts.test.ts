import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import type { FactSection, UnownedField } from '../../shared/manifest/cluster-facts.ts';
import type { Question } from '../model/query.ts';
import { createFactsLoop, saltOf } from './parity-facts.ts';

const digestKey = new Uint8Array(32).fill(3);
type FactsQuestion = Extract<Question, { readonly type: 'facts' }>;

function bed() {
  const clock = createFakeClock();
  const asked: (readonly [cluster: string, question: FactsQuestion])[] = [];
  const changes: string[] = [];
  const cluster: Record<string, { quota: number; away?: boolean; denied?: boolean }> = {
    one: { quota: 1 },
    two: { quota: 1 },
  };
  const facts = createFactsLoop({
    ...{ clock, digestKey, random: createSeededRandom(1), log: silentLogger },
    async ask(name, question) {
      if (question.type !== 'facts') throw new Error('what is this?');
      asked.push([name, question]);
      const { quota = 0, away, denied } = cluster[name] ?? {};
      if (away) throw new FairwayError('unavailable', 'away');
      const digest = String(quota);
      const values = question.known['quotas'] === digest ? undefined : { 'shop/q': { quota } };
      const section = denied
        ? { section: 'quotas' as const, digest: '', values: undefined, failure: 'permission_denied: no' }
        : { section: 'quotas' as const, digest, values, failure: '' };
      return { type: 'facts', sections: [section] };
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
    const { asked, changes, cluster, facts, follow, settle } = bed();
    follow({ eu: ['one'] });
    await settle();
    const field = { kind: 'Deployment', path: '/spec/replicas' };
    cluster['one'] = { quota: 1, denied: true };
    follow({ eu: ['one'] }, [field]);
    await settle();
    expect(asked.map(([, { unowned }]) => unowned)).toEqual([[], [field]]);
    expect(changes).toHaveLength(2);
    expect(facts.factsOf('one', 'eu')?.failures.get('quotas')).toContain('permission_denied');
    await facts.loop.stop();
  });
});

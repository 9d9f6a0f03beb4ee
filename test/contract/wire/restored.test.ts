import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Agent, configMap, enrolAgent, type Hub, startAgent, startHub, until } from './harness.ts';

const hubs: Hub[] = [];
const agents: Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.connection.stop();
  for (const hub of hubs.splice(0)) await hub.stop();
});

const contentOf = (agent: Agent, application: string): unknown => {
  const digest = agent.desired.applications().get(application)?.target.set.entries[0]?.objectDigest;
  const object = digest === undefined ? undefined : agent.desired.object(digest);
  return object === undefined ? undefined : JSON.parse(object).data.value;
};

describe('a hub restored from a backup', () => {
  it('moves to a new epoch, takes nothing back or away, and catches up with new decisions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairway-'));
    const before = await startHub({ path: join(folder, 'hub.db') });
    await before.assign('eu-1', { web: [configMap('a', 'old')], gone: [configMap('b', '1')] });
    const agent = await startAgent(await enrolAgent(before, 'eu-1'));
    agents.push(agent);
    await until(
      'the old state',
      () => contentOf(agent, 'web') === 'old' && agent.desired.applications().size === 2,
    );
    await before.store.backup(join(folder, 'backup.db'));
    await before.assign('eu-1', { web: [configMap('a', 'new')], later: [configMap('c', '1')] });
    await until(
      'the new state',
      () => contentOf(agent, 'web') === 'new' && agent.desired.applications().size === 3,
    );
    await before.stop();

    const after = await startHub({ path: join(folder, 'backup.db'), agentPort: before.agentPort });
    hubs.push(after);
    await until('deletions held', () => agent.desired.deletionsHeld());
    const epoch = await after.store.meta.epoch();
    expect(epoch.counter).toBe(2);
    expect(await after.eventTypes()).toContain('hub.restored');
    const [confirmation] = await after.store.releases.confirmations();
    expect(confirmation).toMatchObject({ kind: 'restored-hub', confirmedAtMs: undefined });
    // Its assignment says "old"; it must not send that, nor touch what it does not know.
    await until('compared', () => agent.desired.summary().epoch.counter === 2);
    expect(contentOf(agent, 'web')).toBe('new');
    expect(agent.desired.applications().size).toBe(3);

    await after.assign('eu-1', { web: [configMap('a', 'newest')] });
    await until('caught up', () => contentOf(agent, 'web') === 'newest');
    expect(agent.desired.deletionsHeld()).toBe(true);
    expect(agent.desired.applications().size).toBe(3);

    const event = {
      type: 'audit.confirm',
      actor: 'ann',
      timeMs: 1,
      cluster: '',
      application: '',
      revisionId: '',
      object: '',
      message: '',
      data: {},
    } as const;
    await after.store.releases.confirm(confirmation!.id, 'ann', event);
    after.server.wake(undefined);
    await until('released', () => !agent.desired.deletionsHeld());
  });
});

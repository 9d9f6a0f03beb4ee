/** What the API server refuses, and an API server that is away: asked seldom, told plainly, taken up again at once when there is reason to. */
import { afterAll, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-refusals');
const at = bed as Bed;

const configMap = (name: string, data: Record<string, unknown>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const service = (name: string, port: number): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port }] },
});

afterAll(() => bed?.stop());

const applies = (agent: Agent) => agent.client.requestCounts()['apply'] ?? 0;
const failures = (agent: Agent) => agent.events.filter(({ type }) => type === 'sync.failed');

describe.skipIf(!bed)('refusals of a real API server', () => {
  it('are not asked for again whenever something else happens, but within minutes, with one event', async () => {
    const clock = createFakeClock(Date.now());
    const agent = await at.agent({ clock });
    // A port out of range is a 422 with causes; a value of another type is a 500 whose Status bears no reason.
    const bad = [service('refused', 99_999), configMap('mistyped', { a: 1 })];
    agent.desire('refused', [configMap('neighbour', { x: '1' }), ...bad]);
    const report = await agent.synced('refused', 'Failed');
    expect(report.changes).toEqual({ created: 1, failed: 2 });
    const spent = await agent.requestsDuring(async () => {
      for (let round = 1; round <= 4; round += 1) {
        await at.kubectl('patch', 'configmap', 'neighbour', '-p', '{"data":{"x":"2"}}');
        await waitFor(
          'the neighbour to be healed',
          () => agent.events.filter(({ type }) => type === 'drift.healed').length === round,
        );
      }
    });
    expect(spent['apply']).toBe(4);
    const before = applies(agent);
    for (let minute = 0; minute < 30; minute += 1) {
      await clock.advance(60_000);
      await agent.loops.idle();
    }
    const tries = applies(agent) - before;
    expect(tries).toBeGreaterThan(4);
    // Two objects, from seconds to ten minutes apart: some ten tries each in half an hour.
    expect(tries).toBeLessThan(60);
    expect(failures(agent)).toHaveLength(1);
    expect(failures(agent)[0]?.message).toContain('ConfigMap default/mistyped: ');
    expect(agent.objects.get('refused /Service/default/refused')?.message).toContain('99999');
    // No time passes for the agent: a new target is reason enough.
    agent.desire('refused', [
      configMap('neighbour', { x: '1' }),
      service('refused', 80),
      configMap('mistyped', { a: '1' }),
    ]);
    await agent.synced('refused');
    expect(agent.events.filter(({ type }) => type === 'sync.succeeded')).toHaveLength(1);
    await agent.stop();
  });

  it('are taken up at once when somebody asks for a sync', async () => {
    const agent = await at.agent({ clock: createFakeClock(Date.now()) });
    agent.desire('asked', [
      { ...configMap('early', { a: '1' }), metadata: { name: 'early', namespace: 'later' } },
    ]);
    const report = await agent.synced('asked', 'Failed');
    expect(report.message).toContain('namespaces "later" not found');
    await at.kubectl('create', 'namespace', 'later');
    agent.loops.syncNow('asked');
    await agent.synced('asked');
    await agent.stop();
  });

  it('for want of a namespace end when another application makes it', async () => {
    const agent = await at.agent({ clock: createFakeClock(Date.now()) });
    const inside = { ...configMap('inside', { a: '1' }), metadata: { name: 'inside', namespace: 'house' } };
    agent.desire('guest', [inside]);
    await agent.synced('guest', 'Failed');
    agent.desire('host', [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'house' } }], {
      quiet: true,
    });
    agent.desired.tell(['host']);
    await agent.synced('host');
    await agent.synced('guest');
    await agent.stop();
  });
});

describe.skipIf(!bed)('an API server that is away', () => {
  it('is told of, fails nothing, and is worked with as before once it is back', async () => {
    const agent = await at.agent({ breakable: true });
    agent.desire('away', [configMap('away', { x: '1' })]);
    await agent.synced('away');
    await agent.way.cut();
    const away = await agent.synced('away', 'Pending');
    expect(away.message).toBe('the API server cannot be reached (ECONNREFUSED)');
    expect(away.healthStatus).toBe('Unknown');
    agent.desire('away', [configMap('away', { x: '2' })]);
    expect((await agent.synced('away', 'Pending')).message).toContain('cannot be reached');
    await at.kubectl('patch', 'configmap', 'away', '-p', '{"data":{"y":"3"}}');
    await agent.way.mend();
    await agent.synced('away');
    expect((await at.get('v1', 'ConfigMap', 'default', 'away'))?.['data']).toMatchObject({ x: '2' });
    expect(agent.applications.get('away')?.message).toBe('');
    expect(failures(agent)).toHaveLength(0);
    expect(agent.acks.map(({ stage }) => stage)).not.toContain('failed');
    await agent.stop();
  }, 90_000);
});

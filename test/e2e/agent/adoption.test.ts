/** Objects that were there before, and fields that somebody else applies: taken, compared or left, as the application says. */
import { afterAll, describe, expect, it } from 'vitest';
import { partOfLabel } from '../../../agent/model/inventory.ts';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-adoption');
const at = bed as Bed;

const configMap = (name: string, data: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const live = (name: string) => at.get('v1', 'ConfigMap', 'default', name);
const make = (name: string, value: string) =>
  at.kubectl('create', 'configmap', name, `--from-literal=a=${value}`);

describe.skipIf(!bed)('adoption on a real API server', () => {
  afterAll(() => at.stop());

  it('always: takes what is there', async () => {
    await make('taken', 'old');
    const agent = await at.agent();
    agent.desire('always', [configMap('taken', { a: 'new' })]);
    expect((await agent.synced('always')).changes).toEqual({ configured: 1 });
    expect((await live('taken'))?.['data']).toEqual({ a: 'new' });
    await agent.stop();
  });

  it('never: refuses what was there, makes what was not, and is at home with its own after a restart', async () => {
    await make('theirs', 'old');
    const agent = await at.agent();
    const sync = { sync: { adoption: 'never' as const } };
    agent.desire('never', [configMap('theirs', { a: 'new' }), configMap('ours', { a: '1' })], sync);
    const report = await agent.synced('never', 'Failed');
    expect(report.message).toBe('ConfigMap default/theirs: it exists already, and adoption is never');
    expect((await live('theirs'))?.['data']).toEqual({ a: 'old' });
    expect((await live('theirs'))?.metadata.labels).toBeUndefined();
    expect((await live('ours'))?.['data']).toEqual({ a: '1' });
    agent.desire('never', [configMap('ours', { a: '2' })], sync);
    await agent.synced('never');
    await agent.stop();
    const second = await at.agent({ desired: agent.desired });
    second.desire('never', [configMap('ours', { a: '3' })], sync);
    await second.synced('never');
    expect((await live('ours'))?.['data']).toEqual({ a: '3' });
    expect((await live('theirs'))?.['data']).toEqual({ a: 'old' });
    await second.stop();
  });

  it('ifNoDiff: takes what is as desired, refuses what differs', async () => {
    await make('same', '1');
    await make('differs', '1');
    const agent = await at.agent();
    const manifests = [configMap('same', { a: '1' }), configMap('differs', { a: '2' })];
    agent.desire('if-no-diff', manifests, { sync: { adoption: 'ifNoDiff' } });
    const report = await agent.synced('if-no-diff', 'Failed');
    expect(report.message).toContain('ConfigMap default/differs: it exists already and differs');
    expect((await live('same'))?.metadata.labels?.[partOfLabel]).toBeDefined();
    expect((await live('differs'))?.['data']).toEqual({ a: '1' });
    expect((await live('differs'))?.metadata.labels).toBeUndefined();
    await agent.stop();
  });

  it('conflicts: report tells whose field it is and leaves it; take takes it', async () => {
    const ref = { resource: await at.resource('v1', 'ConfigMap'), namespace: 'default', name: 'shared' };
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'shared' },
      data: { a: 'operator' },
    };
    await at.admin.apply(ref, body, { fieldManager: 'operator' });
    const agent = await at.agent();
    const manifests = [configMap('shared', { a: 'git' }), configMap('beside', { a: '1' })];
    agent.desire('conflict', manifests, { sync: { conflicts: 'report' } });
    const report = await agent.synced('conflict', 'Failed');
    expect(report.message).toContain('"operator"');
    expect(report.message).toContain('.data.a');
    expect((await live('shared'))?.['data']).toEqual({ a: 'operator' });
    expect(await live('beside')).toBeDefined();
    agent.desire('conflict', manifests, { sync: { conflicts: 'take' } });
    await agent.synced('conflict');
    expect((await live('shared'))?.['data']).toEqual({ a: 'git' });
    await agent.stop();
  });

  it('tells an object that was deleted and made anew as recreated, by whom, and puts it right', async () => {
    const agent = await at.agent();
    agent.desire('anew', [configMap('anew', { a: '1' })]);
    await agent.synced('anew');
    const before = await live('anew');
    // While it is paused, or it would be faster than kubectl.
    agent.desired.state.pauses = [{ application: 'anew', untilMs: undefined, reason: 'looking' }];
    agent.desired.tell([]);
    await waitFor('the pause', () => agent.applications.get('anew')?.message.startsWith('paused') ?? false);
    await at.kubectl('delete', 'configmap', 'anew');
    await make('anew', 'evil');
    agent.desired.state.pauses = [];
    agent.desired.tell([]);
    await waitFor('it to be put right', () => agent.events.some(({ type }) => type === 'drift.healed'));
    const found = agent.events.find(({ type }) => type === 'drift.found');
    expect(found?.drift).toMatchObject({ kind: 'recreated', managers: [{ name: 'kubectl-create' }] });
    expect(found?.message).toMatch(
      /^ConfigMap default\/anew: deleted and made anew with \/data\/a "1" -> "evil", .* by kubectl-create \(Update\) at /,
    );
    expect((await live('anew'))?.['data']).toEqual({ a: '1' });
    expect((await live('anew'))?.metadata['uid']).not.toBe(before?.metadata['uid']);
    await agent.stop();
  });
});

/** An agent that may do little: what it cannot watch it says, looks at now and then, and never prunes. */
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Agent, type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-rights');
const at = bed as Bed;

const configMap = (namespace: string, name: string, data: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const secret = (namespace: string, name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  data: { word: 'b25l' },
});

/** A service account `agent` of the namespace `own`, with its rights there; `rules` in each of the others. */
async function account(own: string, rules: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const manage = ['--verb=get,list,watch,create,patch,update,delete', '--resource=configmaps'];
  await at.kubectl('create', 'namespace', own);
  await at.kubectl('-n', own, 'create', 'serviceaccount', 'agent');
  const grant = async (namespace: string, name: string, ...what: readonly string[]) => {
    await at.kubectl('-n', namespace, 'create', 'role', name, ...what);
    const subject = [`--role=${name}`, `--serviceaccount=${own}:agent`];
    await at.kubectl('-n', namespace, 'create', 'rolebinding', name, ...subject);
  };
  await grant(own, 'own', ...manage);
  for (const [namespace, secretVerbs] of Object.entries(rules)) {
    await at.kubectl('create', 'namespace', namespace);
    await grant(namespace, 'maps', ...manage);
    await grant(namespace, 'secrets', `--verb=${secretVerbs.join(',')}`, '--resource=secrets');
  }
  return (await at.kubectl('-n', own, 'create', 'token', 'agent')).trim();
}

const healed = (agent: Agent, times: number) =>
  waitFor(
    'drift to be healed',
    () => agent.events.filter(({ type }) => type === 'drift.healed').length >= times,
  );

describe.skipIf(!bed)('an agent with rights in some namespaces', () => {
  afterAll(() => at.stop());

  it('watches, heals and prunes namespace by namespace', async () => {
    const all = ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'];
    const token = await account('narrow', { red: all, blue: all });
    const agent = await at.agent({ token, namespace: 'narrow' });
    const manifests = [
      configMap('red', 'a', { x: '1' }),
      configMap('blue', 'a', { x: '1' }),
      secret('blue', 's'),
    ];
    agent.desire('narrow', manifests);
    expect((await agent.synced('narrow')).message).toBe('');
    // ConfigMaps and Secrets, in two namespaces each.
    expect(agent.loops.state().watches).toBe(4);
    // The wide watches ask now and then whether they may by now: their lists are no cost of the sync.
    const { list: _tries, ...spent } = await agent.requestsDuring(() => agent.loops.syncNow());
    expect(spent).toEqual({});
    await at.kubectl('-n', 'blue', 'patch', 'configmap', 'a', '-p', '{"data":{"x":"2"}}');
    await healed(agent, 1);
    await at.kubectl('-n', 'blue', 'delete', 'secret', 's');
    await healed(agent, 2);
    expect(await at.get('v1', 'Secret', 'blue', 's')).toBeDefined();
    agent.desire('narrow', [configMap('red', 'a', { x: '1' })]);
    await agent.synced('narrow');
    await waitFor('blue to be empty of ours', async () => {
      const left = [await at.get('v1', 'Secret', 'blue', 's'), await at.get('v1', 'ConfigMap', 'blue', 'a')];
      return left.every((object) => object === undefined);
    });
    expect(await at.get('v1', 'ConfigMap', 'red', 'a')).toBeDefined();
    await agent.stop();
  });

  it('says what it cannot watch, finds its drift by the slow check, and prunes nothing until it can list', async () => {
    const token = await account('blind', { dark: ['get', 'create', 'patch', 'update', 'delete'] });
    const agent = await at.agent({ token, namespace: 'blind' });
    agent.desire('blind', [configMap('dark', 'a', { x: '1' }), secret('dark', 's')]);
    const report = await agent.synced('blind');
    expect(report.message).toMatch(/^Secret cannot be watched, .*secrets is forbidden/);
    await at.kubectl('-n', 'dark', 'patch', 'secret', 's', '-p', '{"data":{"word":"dHdv"}}');
    agent.loops.checkNow();
    await healed(agent, 1);
    expect((await at.get('v1', 'Secret', 'dark', 's'))?.['data']).toEqual({ word: 'b25l' });
    expect(agent.loops.metrics.driftMissedByWatch).toBe(1);
    agent.desire('blind', [configMap('dark', 'a', { x: '1' })]);
    await agent.synced('blind');
    await agent.loops.idle();
    expect(await at.get('v1', 'Secret', 'dark', 's')).toBeDefined();
    expect(agent.applications.get('blind')?.message).toMatch(/nothing is deleted/);
    await agent.stop();
    // Once it may list, what had left the set goes.
    const watch = ['--verb=list,watch', '--resource=secrets'];
    await at.kubectl('-n', 'dark', 'create', 'role', 'watch', ...watch);
    await at.kubectl(
      '-n',
      'dark',
      'create',
      'rolebinding',
      'watch',
      '--role=watch',
      '--serviceaccount=blind:agent',
    );
    const second = await at.agent({ token, namespace: 'blind', desired: agent.desired });
    await second.synced('blind');
    await waitFor('the Secret to go', async () => (await at.get('v1', 'Secret', 'dark', 's')) === undefined);
    await second.stop();
  });
});

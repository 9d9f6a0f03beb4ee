/** An application that is written in the name of a service account may do what that account may, and no more. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../cluster/control-plane.ts';
import { type Bed, type Manifest, startBed } from './agent-bed.ts';

const bed = await startBed('agent-tenant');
const at = bed as Bed;

const configMap = (namespace: string, name: string, value = '1'): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { value },
});
const role = (namespace: string, name: string, verbs: readonly string[]): Manifest => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name, namespace },
  rules: [{ apiGroups: [''], resources: ['secrets'], verbs }],
});
const sync = { sync: { namespace: 'red', serviceAccount: 'deployer' } };
const user = 'system:serviceaccount:red:deployer';

const tenantKind = (plural: string, kind: string, scope: string): Manifest => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
    scope,
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
});

describe.skipIf(!bed)('an application of a Project, on a real API server', () => {
  it('brings nothing of the whole cluster but what is listed, whatever namespace a custom object claims to lie in', async () => {
    const admin = await at.agent();
    admin.desire('kinds', [
      tenantKind('wholes', 'Whole', 'Cluster'),
      tenantKind('parts', 'Part', 'Namespaced'),
    ]);
    await admin.synced('kinds');
    const custom = (kind: string, name: string, namespace?: string): Manifest => ({
      apiVersion: 'example.com/v1',
      kind,
      metadata: { name, ...(namespace && { namespace }) },
      spec: { a: 1 },
    });
    const clusterObjects = [{ group: 'example.com', kind: 'Whole', names: ['green-*'] }];
    const set = [custom('Whole', 'green-1'), custom('Whole', 'taken', 'green'), custom('Part', 'mine')];
    await at.kubectl('create', 'namespace', 'green');
    admin.desire('tenant', set, { sync: { namespace: 'green', clusterObjects } });
    const report = await admin.synced('tenant', 'Failed');
    expect(report.message).toBe(
      "Whole taken: Whole taken belongs to the whole cluster, and kinds.cluster of the application's Project does not allow it: leave it out, or have it added",
    );
    expect(await at.get('example.com/v1', 'Whole', '', 'taken')).toBeUndefined();
    expect(await at.get('example.com/v1', 'Whole', '', 'green-1')).toBeDefined();
    expect(await at.get('example.com/v1', 'Part', 'green', 'mine')).toBeDefined();
    // Narrower now: what is there may stay as it is and go, but not change.
    const none = { sync: { namespace: 'green', clusterObjects: [] } };
    admin.desire('tenant', [{ ...custom('Whole', 'green-1'), spec: { a: 2 } }, custom('Part', 'mine')], none);
    expect((await admin.synced('tenant', 'Failed')).message).toContain(
      'Whole green-1 belongs to the whole cluster',
    );
    admin.desire('tenant', [custom('Part', 'mine')], none);
    await admin.synced('tenant');
    await waitFor(
      'green-1 to go',
      async () => (await at.get('example.com/v1', 'Whole', '', 'green-1')) === undefined,
    );
    await admin.stop();
  });
});

describe.skipIf(!bed)('an application with a service account, on a real API server', () => {
  let token = '';

  beforeAll(async () => {
    for (const namespace of ['red', 'blue', 'agent']) await at.kubectl('create', 'namespace', namespace);
    await at.kubectl('-n', 'red', 'create', 'serviceaccount', 'deployer');
    await at.kubectl(
      '-n',
      'red',
      'create',
      'role',
      'deployer',
      '--verb=get,list,create,patch,delete',
      '--resource=configmaps,roles.rbac.authorization.k8s.io',
    );
    await at.kubectl(
      '-n',
      'red',
      'create',
      'rolebinding',
      'deployer',
      '--role=deployer',
      '--serviceaccount=red:deployer',
    );
    // The agent may read, keep its inventory, and speak for service accounts: it may write nothing itself.
    await at.kubectl('-n', 'agent', 'create', 'serviceaccount', 'agent');
    await at.kubectl('create', 'clusterrole', 'agent', '--verb=get,list,watch', '--resource=*.*');
    await at.kubectl('create', 'clusterrole', 'speak', '--verb=impersonate', '--resource=serviceaccounts');
    for (const name of ['agent', 'speak'])
      await at.kubectl(
        'create',
        'clusterrolebinding',
        name,
        `--clusterrole=${name}`,
        '--serviceaccount=agent:agent',
      );
    await at.kubectl('-n', 'agent', 'create', 'role', 'own', '--verb=*', '--resource=configmaps,secrets');
    await at.kubectl(
      '-n',
      'agent',
      'create',
      'rolebinding',
      'own',
      '--role=own',
      '--serviceaccount=agent:agent',
    );
    token = (await at.kubectl('-n', 'agent', 'create', 'token', 'agent')).trim();
  });
  afterAll(() => at.stop());

  it('applies, heals and prunes within its rights', async () => {
    const agent = await at.agent({ token, namespace: 'agent' });
    agent.desire('within', [configMap('red', 'a'), configMap('red', 'b')], sync);
    expect((await agent.synced('within')).changes).toEqual({ created: 2 });
    await at.kubectl('-n', 'red', 'patch', 'configmap', 'a', '-p', '{"data":{"value":"2","more":"x"}}');
    await waitFor('drift to be healed', async () => {
      const data = (await at.get('v1', 'ConfigMap', 'red', 'a'))?.['data'];
      return JSON.stringify(data) === '{"value":"1"}';
    });
    agent.desire('within', [configMap('red', 'a')], sync);
    await agent.synced('within');
    await waitFor('b to go', async () => (await at.get('v1', 'ConfigMap', 'red', 'b')) === undefined);
    await agent.stop();
  });

  it("is refused outside of its namespace, in the server's words, and the rest goes on", async () => {
    const agent = await at.agent({ token, namespace: 'agent' });
    agent.desire('outside', [configMap('red', 'c'), configMap('blue', 'c')], sync);
    const report = await agent.synced('outside', 'Failed');
    expect(report.message).toBe(
      `ConfigMap blue/c: configmaps "c" is forbidden: User "${user}" cannot patch resource "configmaps" in API group "" in the namespace "blue"`,
    );
    expect(await at.get('v1', 'ConfigMap', 'blue', 'c')).toBeUndefined();
    expect(await at.get('v1', 'ConfigMap', 'red', 'c')).toBeDefined();
    await agent.stop();
  });

  it('cannot give itself more through RBAC', async () => {
    const agent = await at.agent({ token, namespace: 'agent' });
    agent.desire('escalation', [role('red', 'more', ['get'])], sync);
    const report = await agent.synced('escalation', 'Failed');
    expect(report.message).toContain(`user "${user}"`);
    expect(report.message).toContain('is attempting to grant RBAC permissions not currently held');
    expect(await at.get('rbac.authorization.k8s.io/v1', 'Role', 'red', 'more')).toBeUndefined();
    await agent.stop();
  });

  it('has the rights of an account of another namespace where its Project names one', async () => {
    const agent = await at.agent({ token, namespace: 'agent' });
    const options = { sync: { namespace: 'blue', serviceAccount: 'red:deployer' } };
    agent.desire('lent', [configMap('red', 'g'), configMap('blue', 'g')], options);
    const report = await agent.synced('lent', 'Failed');
    expect(report.message).toContain(`ConfigMap blue/g: configmaps "g" is forbidden: User "${user}"`);
    expect(await at.get('v1', 'ConfigMap', 'red', 'g')).toBeDefined();
    await agent.stop();
  });

  it('cannot delete what its rights do not cover, nor borrow those of the agent by leaving the account out of one namespace', async () => {
    const agent = await at.agent({ token, namespace: 'agent' });
    agent.desire('mine', [configMap('red', 'd')], sync);
    await agent.synced('mine');
    await at.kubectl('-n', 'red', 'delete', 'rolebinding', 'deployer');
    agent.desire('mine', [configMap('red', 'e')], sync);
    const report = await agent.synced('mine', 'Failed');
    expect(report.message).toContain(`User "${user}" cannot patch resource "configmaps"`);
    expect(await at.get('v1', 'ConfigMap', 'red', 'd')).toBeDefined();
    // Without the right to impersonate nobody is spoken for.
    await at.kubectl('delete', 'clusterrolebinding', 'speak');
    agent.desire('mine', [configMap('red', 'f')], sync);
    expect((await agent.synced('mine', 'Failed')).message).toContain(
      'cannot impersonate resource "serviceaccounts"',
    );
    await agent.stop();
  });
});

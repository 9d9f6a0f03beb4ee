/** Facts of a cluster with less than all rights, at a real API server: what lacks is told, and nothing else lacks. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { planAgentRights } from '../../../hub/api/install/agent-rights.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { createFactsBed, meta, salt, secret, signal } from './facts-bed.ts';

const plane = await startControlPlane({ name: 'fact-rights' });
const { kubectl, apply, collect, collectorOf, installBackups } = await createFactsBed(plane as ControlPlane);

describe.skipIf(!plane)('facts of a cluster, by rights', { timeout: 60_000 }, () => {
  beforeAll(() => {
    kubectl(['create', 'namespace', 'shop']);
    installBackups();
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'default']);
    apply(
      {
        ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: 'example.com/disk' },
        metadata: { name: 'fast' },
      },
      {
        ...{ apiVersion: 'v1', kind: 'Service', metadata: meta('by-hand') },
        spec: { ports: [{ port: 80 }], selector: { app: 'x' } },
      },
      secret('key', 'hush-hush-value'),
      {
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: meta('p') },
        spec: { containers: [{ name: 'a', image: 'a' }] },
      },
    );
  }, 60_000);
  afterAll(() => plane?.stop());

  it('says what it may not read, and collects the rest', async () => {
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'narrow']);
    kubectl(['create', 'clusterrole', 'classes', '--verb=list', '--resource=storageclasses']);
    kubectl([
      'create',
      'clusterrolebinding',
      'narrow',
      '--clusterrole=classes',
      '--serviceaccount=shop:narrow',
    ]);
    const facts = await collect(kubectl(['-n', 'shop', 'create', 'token', 'narrow']).trim());
    expect(facts.get('storageClasses')?.values).toHaveProperty('fast');
    expect(facts.get('secrets')).toMatchObject({ digest: '', values: undefined });
    expect(facts.get('secrets')?.gaps).toEqual([
      { kind: '', reason: 'denied', message: 'the agent may not list secrets in namespace shop' },
    ]);
    // Of what is made by hand, the one kind alone that it may list.
    kubectl(['create', 'clusterrole', 'services', '--verb=list', '--resource=services']);
    kubectl([
      'create',
      'clusterrolebinding',
      'some',
      '--clusterrole=services',
      '--serviceaccount=shop:narrow',
    ]);
    const unmanaged = (await collect(kubectl(['-n', 'shop', 'create', 'token', 'narrow']).trim())).get(
      'unmanaged',
    );
    expect(unmanaged).toMatchObject({ failure: '', values: { 'Service shop/by-hand': true } });
    const kinds = unmanaged?.gaps?.map(({ kind, reason }) => `${reason} ${kind}`);
    expect(kinds).toContain('denied Deployment');
    expect(kinds).not.toContain('denied Service');
  });

  it('may collect every section with the rights that the installer gives by kind', async () => {
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'installed']);
    const subject = { namespace: 'shop', name: 'installed' };
    apply(...planAgentRights({ mode: 'kinds' }, subject).map(({ manifest }) => manifest));
    const facts = await collect(kubectl(['-n', 'shop', 'create', 'token', 'installed']).trim());
    expect([...facts.values()].filter(({ failure }) => failure !== '')).toEqual([]);
  });

  it('answers with rights to list alone, and says what it may not list as a whole', async () => {
    kubectl(['-n', 'shop', 'create', 'serviceaccount', 'lists']);
    const classes =
      'nodes,namespaces,storageclasses,ingressclasses,priorityclasses,runtimeclasses,customresourcedefinitions';
    kubectl(['create', 'clusterrole', 'lists', '--verb=list', `--resource=${classes}`]);
    kubectl(['create', 'clusterrolebinding', 'lists', '--clusterrole=lists', '--serviceaccount=shop:lists']);
    kubectl([
      '-n',
      'shop',
      'create',
      'role',
      'lists',
      '--verb=get,list',
      '--resource=pods,secrets,configmaps',
    ]);
    kubectl(['-n', 'shop', 'create', 'rolebinding', 'lists', '--role=lists', '--serviceaccount=shop:lists']);
    const { kube, facts } = collectorOf(kubectl(['-n', 'shop', 'create', 'token', 'lists']).trim());
    const ask = async () => {
      const sections = await facts.collect({ salt, known: {}, watch: true }, signal);
      return new Map(sections.map((one) => [one.section, one]));
    };
    // Each watch is refused after its list: from then on they are lists.
    const told = await vi.waitFor(
      async () => {
        const sections = await ask();
        expect(facts.watches).toBe(0);
        return sections;
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(told.get('storageClasses')).toMatchObject({ failure: '', gaps: [] });
    expect(told.get('storageClasses')?.values).toHaveProperty('fast');
    expect(told.get('secrets')?.values).toHaveProperty('shop/key');
    expect(told.get('capacity')).toMatchObject({
      values: { requested: { pods: 1 } },
      gaps: [{ kind: 'Pod', reason: 'denied', message: 'the agent may not list pods in all namespaces' }],
    });
    expect(told.get('capacity')?.values).not.toHaveProperty('taken');
    expect(told.get('backups')?.gaps?.map(({ kind }) => kind)).toEqual([
      ...['Schedule', 'Backup', 'VolumeSnapshot', 'ReplicationSource'],
    ]);
    // Once more costs nothing: what was listed counts for a while.
    const before = kube.requestCounts();
    await ask();
    expect(kube.requestCounts()['get']).toBe(before['get']);
    facts.stop();
    kube.close();
  });
});

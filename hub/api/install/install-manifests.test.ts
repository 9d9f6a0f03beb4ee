import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createInstallManifests } from './install-manifests.ts';
import type { InstallOptions } from './install-options.ts';

const base: InstallOptions = {
  cluster: 'eu-1',
  token: 'enrolment-secret',
  enrolmentAddress: 'hub.example:8444',
};

function documents(options: Partial<InstallOptions> = {}) {
  return parseAllDocuments(createInstallManifests({ ...base, ...options })).map(
    (document) => document.toJS() as { kind: string; metadata: { namespace?: string }; rules?: unknown[] },
  );
}

describe('createInstallManifests', () => {
  it('gives the manifests that were reviewed', () => {
    const text = createInstallManifests({ ...base, image: 'example/agent:1' });
    const golden = new URL('./golden/agent.yaml', import.meta.url);
    if (process.env['UPDATE_GOLDENS']) writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });

  it('grants nothing cluster-wide when namespaces are named', () => {
    const all = documents({ rights: { mode: 'namespaces', namespaces: ['shop', 'team'] } });
    expect(all.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    const roles = all.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace);
    expect(roles).toEqual(['fairway-agent', 'shop', 'team']);
  });

  it('writes plain YAML that people can review: no anchors, no aliases', () => {
    const text = createInstallManifests({ ...base, rights: { mode: 'namespaces', namespaces: ['shop'] } });
    expect(text).not.toMatch(/(^|\s)[&*][a-z0-9]+/m);
  });

  it('binds cluster-admin only when asked', () => {
    expect(createInstallManifests(base)).not.toContain('cluster-admin');
    expect(createInstallManifests({ ...base, rights: { mode: 'cluster-admin' } })).toContain('cluster-admin');
  });

  it('lets the agent speak for service accounts only when asked, and where it manages', () => {
    const impersonating = (options: Partial<InstallOptions>) =>
      documents(options).filter(({ rules }) => JSON.stringify(rules ?? []).includes('impersonate'));
    expect(impersonating({})).toEqual([]);
    const rules = [{ apiGroups: [''], resources: ['serviceaccounts'], verbs: ['impersonate'] }];
    expect(impersonating({ impersonate: true })).toMatchObject([{ kind: 'ClusterRole', rules }]);
    const narrow = impersonating({
      impersonate: true,
      rights: { mode: 'namespaces', namespaces: ['shop', 'team'] },
    });
    expect(narrow).toMatchObject([
      { kind: 'Role', metadata: { namespace: 'shop' }, rules },
      { kind: 'Role', metadata: { namespace: 'team' }, rules },
    ]);
  });

  it('runs several replicas, of which one works', () => {
    const text = createInstallManifests({ ...base, replicas: 2 });
    expect(text).toContain('replicas: 2');
    expect(text).toContain('- --leader-elect');
  });

  it('lets the agent escalate only where it manages roles', () => {
    const rights = { mode: 'kinds', kinds: ['configmaps', 'apps/deployments'] } as const;
    expect(createInstallManifests({ ...base, rights })).not.toContain('- escalate');
    expect(createInstallManifests(base)).toContain('- escalate');
  });

  it('refuses a kind that it cannot read', () => {
    const rights = { mode: 'kinds', kinds: ['Deployment'] } as const;
    expect(() => createInstallManifests({ ...base, rights })).toThrow(/expected RESOURCE or GROUP\/RESOURCE/);
  });

  it('does not invent an address', () => {
    expect(() => createInstallManifests({ ...base, enrolmentAddress: undefined })).toThrow(/advertise/);
  });
});

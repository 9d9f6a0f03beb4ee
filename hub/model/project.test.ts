import { describe, expect, it } from 'vitest';
import { createManifestSet, createTarget, defaultSyncOptions } from '../../shared/manifest/target.ts';
import { type Project, syncOf } from './project.ts';

const project = (serviceAccount: Project['serviceAccount'], cluster: Project['kinds']['cluster'] = []) =>
  new Map<string, Project>([
    [
      'default',
      {
        name: 'default',
        sources: [],
        clusters: { clusters: [], selector: undefined },
        namespaces: [],
        kinds: { allow: undefined, deny: [], cluster },
        serviceAccount,
        origin: { file: 'f', line: 1, commit: 'c' },
      },
    ],
  ]);
const own = (serviceAccount?: string) => ({
  sync: { ...defaultSyncOptions, ...(serviceAccount && { serviceAccount }) },
});

describe('syncOf', () => {
  it('leaves options as they are where no Project counts, so that Targets keep their digests', () => {
    const application = own('deployer');
    expect(syncOf(application, new Map())).toBe(application.sync);
    expect(syncOf({ ...application, project: 'x' }, new Map())).toBe(application.sync);
  });

  it('gives the account of the Project to applications that name none', () => {
    const theirs = { name: 'tenant', namespace: 'red', enforce: false };
    expect(syncOf(own(), project(theirs)).serviceAccount).toBe('red:tenant');
    expect(syncOf(own(), project({ ...theirs, namespace: '' })).serviceAccount).toBe('tenant');
    expect(syncOf(own('mine'), project(theirs)).serviceAccount).toBe('mine');
    expect(syncOf(own('mine'), project({ ...theirs, enforce: true })).serviceAccount).toBe('red:tenant');
    expect(syncOf(own(), project(undefined))).not.toHaveProperty('serviceAccount');
  });

  it('says which objects of the whole cluster may be brought, also that none may', () => {
    expect(syncOf(own(), project(undefined)).clusterObjects).toEqual([]);
    const rules = [{ group: '', kind: 'Namespace', names: ['a'] }];
    expect(syncOf(own(), project(undefined, rules)).clusterObjects).toEqual(rules);
  });

  it('is part of the Target', () => {
    const digest = (sync: ReturnType<typeof syncOf>) =>
      createTarget({
        set: createManifestSet([]),
        sync,
        health: [],
        dependsOn: [],
        deletionPolicy: 'prune',
        removed: false,
      }).digest;
    expect(digest(syncOf(own(), new Map()))).not.toBe(digest(syncOf(own(), project(undefined))));
  });
});

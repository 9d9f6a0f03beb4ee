import { describe, expect, it } from 'vitest';
import { createManifestSet, defaultSyncOptions } from '../../shared/manifest/target.ts';
import type { Application, ApplicationSource } from '../model/fleet.ts';
import type { Project } from '../model/project.ts';
import {
  allowsRepository,
  checkApplication,
  checkObjects,
  clusterProblem,
  jobViolation,
} from './check-project.ts';

const origin = (file: string) => ({ file, line: 3, commit: 'c' });
const project = (over: Partial<Project> = {}): Project => ({
  name: 'team-a',
  sources: [{ url: '', repository: '', path: 'teams/a' }],
  clusters: { clusters: ['eu-1'], selector: undefined },
  namespaces: ['team-a', 'team-a-*'],
  kinds: { allow: undefined, deny: [], cluster: [] },
  serviceAccount: undefined,
  origin: origin('fleet/projects.yaml'),
  ...over,
});
const application = (
  source: Partial<ApplicationSource> = {},
  sync: Partial<Application['sync']> = {},
): Application => ({
  name: 'web',
  project: 'team-a',
  source: { repository: '', ref: '', path: 'teams/a/web', overlays: [], ...source },
  placement: { clusters: ['eu-1'], selector: undefined },
  sync: { ...defaultSyncOptions, namespace: 'team-a', ...sync },
  dependsOn: [],
  health: [],
  deletionPolicy: 'prune',
  origin: origin('fleet/web.yaml'),
});
const repositories = new Map([
  ['lib', { url: 'https://git.example/team-a/lib' }],
  ['other', { url: 'https://git.example/team-ab/lib' }],
]);
const chart = (repository: string): ApplicationSource['helm'] => ({
  chart: 'web',
  pin: { repository, version: '1.0.0', digest: 'sha256:x' },
  releaseName: 'web',
  namespace: 'team-a',
  valueFiles: [],
  values: {},
  includeCrds: true,
});

describe('checkApplication', () => {
  const source = (rule: Partial<Project['sources'][number]>, taken: Partial<ApplicationSource>) =>
    checkApplication(
      application(taken),
      project({ sources: [{ url: '', repository: '', path: '', ...rule }] }),
      repositories,
    ).map(({ field }) => field);

  it('takes from the folder of the fleet repository that the Project names, and no other', () => {
    expect(checkApplication(application(), project(), repositories)).toEqual([]);
    expect(checkApplication(application({ path: 'teams/ab' }), project(), repositories)).toEqual([
      {
        code: 'permission_denied',
        file: 'fleet/web.yaml',
        line: 3,
        field: 'spec.source.path',
        message:
          'folder teams/ab is not among spec.sources (folder teams/a of the fleet repository) of Project team-a at fleet/projects.yaml:3: take it from there, or have it added',
      },
    ]);
  });

  it.each([
    [{ repository: 'lib' }, { repository: 'lib', path: 'x' }, []],
    [{ repository: 'lib' }, { repository: 'other' }, ['spec.source.repository']],
    [{ repository: 'lib' }, { repository: '' }, ['spec.source.repository']],
    [{ repository: 'lib', path: 'deploy' }, { repository: 'lib', path: 'src' }, ['spec.source.path']],
    [{ url: 'https://git.example/team-a' }, { repository: 'lib' }, []],
    [{ url: 'https://git.example/team-a' }, { repository: 'other' }, ['spec.source.repository']],
    [{ url: 'https://git.example/team-a' }, { repository: '' }, ['spec.source.repository']],
    [{ url: '*' }, { repository: '' }, []],
    [{ url: '*' }, { helm: chart('oci://registry.example/a') }, []],
    [{}, { helm: chart('https://charts.example/a') }, ['spec.source.helm.repository']],
    [
      { url: 'oci://registry.example/a' },
      { helm: chart('oci://registry.example/a/b') },
      ['spec.source.repository'],
    ],
  ])('rule %j, source %j: %j', (rule, taken, fields) => {
    expect(source(rule, taken)).toEqual(fields);
  });

  it('asks for a chart repository as for any other', () => {
    const rules = [
      { url: '', repository: '', path: '' },
      { url: 'oci://registry.example/a', repository: '', path: '' },
    ];
    const check = (url: string) =>
      checkApplication(application({ helm: chart(url) }), project({ sources: rules }), repositories).length;
    expect(check('oci://registry.example/a/charts')).toBe(0);
    expect(check('oci://registry.example/ab')).toBe(1);
    expect(check('https://registry.example/a/charts')).toBe(1);
  });

  it('lets nothing in from anywhere where the Project names no source', () => {
    expect(checkApplication(application(), project({ sources: [] }), repositories)).toMatchObject([
      { message: expect.stringContaining('is not among spec.sources (none) of Project team-a') },
    ]);
  });

  it('refuses another service account only where the Project enforces its own', () => {
    const check = (own: string, enforce: boolean, namespace = '') =>
      checkApplication(
        application({}, { serviceAccount: own }),
        project({ serviceAccount: { name: 'deployer', namespace, enforce } }),
        repositories,
      ).map(({ field, message }) => `${field}: ${message}`);
    expect(check('admin', false)).toEqual([]);
    expect(check('deployer', true)).toEqual([]);
    expect(check('deployer', true, 'tools')).toHaveLength(1);
    expect(check('admin', true)).toEqual([
      'spec.sync.serviceAccount: admin is another than spec.serviceAccount (deployer) of Project team-a at fleet/projects.yaml:3, which counts for all of its applications: leave the field out',
    ]);
  });

  it('refuses a service account of a namespace that is not its own', () => {
    const check = (namespace: string) =>
      checkApplication(application({}, { serviceAccount: 'x', namespace }), project(), repositories);
    expect(check('team-a-1')).toEqual([]);
    expect(check('kube-system')).toMatchObject([{ field: 'spec.sync.namespace' }]);
  });

  it.each([true, false])(
    'looks for the account of the Project in no namespace of others where it names none (enforce %s)',
    (enforce) => {
      const check = (namespace: string, own = '') =>
        checkApplication(
          application({}, { namespace }),
          project({ serviceAccount: { name: 'deployer', namespace: own, enforce } }),
          repositories,
        ).map(({ field }) => field);
      expect(check('team-a')).toEqual([]);
      // The account of that name there is another tenant's.
      expect(check('team-b')).toEqual(['spec.sync.namespace']);
      expect(check('team-b', 'team-a')).toEqual([]);
    },
  );
});

describe('allowsRepository', () => {
  it('looks at the repository, whatever the folder', () => {
    const rules = project({ sources: [{ url: '', repository: 'lib', path: 'deploy' }] });
    expect(allowsRepository(rules, 'lib', 'https://git.example/team-a/lib')).toBe(true);
    expect(allowsRepository(rules, '', undefined)).toBe(false);
  });
});

describe('clusterProblem', () => {
  it('names the rule, its place and what to do', () => {
    expect(clusterProblem(application(), project(), 'us-1')).toMatchObject({
      field: 'spec.placement',
      message:
        'Cluster us-1 is not among spec.clusters (eu-1) of Project team-a at fleet/projects.yaml:3: take it out of the placement, or have it added',
    });
  });
});

describe('checkObjects', () => {
  /** `group/Kind namespace/name` */
  const setOf = (...objects: readonly string[]) =>
    createManifestSet(
      objects.map((text) => {
        const [kinds = '', names = ''] = text.split(' ');
        const [group = '', kind = ''] = kinds.split('/');
        const [namespace = '', name = ''] = names.split('/');
        return {
          objectDigest: text,
          key: { group, kind, namespace, name },
          apiVersion: 'v1',
          originId: `origin ${text}`,
          wave: 0,
        };
      }),
    );
  const check = (kinds: Partial<Project['kinds']>, ...objects: readonly string[]) =>
    checkObjects(
      application(),
      project({ kinds: { allow: undefined, deny: [], cluster: [], ...kinds } }),
      setOf(...objects),
    ).map(({ message }) => message.replace(/ of Project.*/, ''));

  it('lets pass what lies in its namespaces, or in none that is named', () => {
    expect(check({}, '/ConfigMap team-a/x', 'apps/Deployment team-a-web/x', '/Secret /x')).toEqual([]);
  });

  it('names object, field, rule and place of what does not', () => {
    expect(checkObjects(application(), project(), setOf('/Secret kube-system/x'))).toEqual([
      {
        code: 'permission_denied',
        file: 'fleet/web.yaml',
        line: 3,
        field: '',
        message:
          'Secret kube-system/x: metadata.namespace: namespace kube-system is not among spec.namespaces (team-a, team-a-*) of Project team-a at fleet/projects.yaml:3: move it to one of these, or have it added',
        object: {
          key: { group: '', kind: 'Secret', namespace: 'kube-system', name: 'x' },
          originId: 'origin /Secret kube-system/x',
          path: ['metadata', 'namespace'],
        },
      },
    ]);
  });

  it('counts an object without a namespace as one of the application’s', () => {
    const elsewhere = { ...application(), sync: { ...defaultSyncOptions, namespace: 'other' } };
    expect(checkObjects(elsewhere, project(), setOf('/Secret /x'))).toHaveLength(1);
  });

  it('refuses what belongs to the whole cluster unless it is listed, whatever namespace is written in it', () => {
    expect(
      check({}, 'rbac.authorization.k8s.io/ClusterRole /x', 'rbac.authorization.k8s.io/ClusterRole team-a/y'),
    ).toEqual([
      'ClusterRole x: kind: an object of the whole cluster is not among spec.kinds.cluster (none)',
      'ClusterRole team-a/y: kind: an object of the whole cluster is not among spec.kinds.cluster (none)',
    ]);
    const roles = { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', names: ['team-a:*'] };
    expect(check({ cluster: [roles] }, 'rbac.authorization.k8s.io/ClusterRole /team-a:view')).toEqual([]);
    expect(check({ cluster: [roles] }, 'rbac.authorization.k8s.io/ClusterRole /admin')).toEqual([
      'ClusterRole admin: kind: an object of the whole cluster is not among spec.kinds.cluster (ClusterRole.rbac.authorization.k8s.io (team-a:*))',
    ]);
  });

  it('holds a Namespace to the names that the Project has', () => {
    const all = { cluster: [{ group: '*', kind: '*', names: [] }] };
    expect(check(all, '/Namespace /team-a-1', 'example.com/Anything /x')).toEqual([]);
    expect(check(all, '/Namespace /kube-system')).toEqual([
      'Namespace kube-system: metadata.name: namespace kube-system is not among spec.namespaces (team-a, team-a-*)',
    ]);
  });

  it('takes a custom kind for namespaced: that it is, the agent sees to', () => {
    expect(check({}, 'example.com/Database /x')).toEqual([]);
    expect(check({}, 'example.com/Database kube-system/x')).toHaveLength(1);
    // Where it may lie in no namespace its own namespace still counts.
    const any = { cluster: [{ group: 'example.com', kind: '*', names: [] }] };
    expect(check(any, 'example.com/Database kube-system/x')).toHaveLength(1);
  });

  it('lets a custom kind that may lie in no namespace into no namespace of others either', () => {
    const any = project({
      kinds: { allow: undefined, deny: [], cluster: [{ group: 'example.com', kind: '*', names: [] }] },
    });
    const at = (namespace: string) => ({ ...application(), sync: { ...defaultSyncOptions, namespace } });
    const set = setOf('example.com/Database /x');
    expect(checkObjects(at('team-a'), any, set)).toEqual([]);
    expect(checkObjects(at('team-b'), any, set)).toMatchObject([
      {
        message: expect.stringMatching(
          /^Database x: metadata.namespace: namespace team-b is not among .*; whether Database.example.com has namespaces only the cluster knows: set spec.sync.namespace to one of these$/,
        ),
      },
    ]);
  });

  it('refuses denied kinds first, then those that are not allowed', () => {
    const kinds = {
      allow: [
        { group: 'apps', kind: '*' },
        { group: '', kind: 'ConfigMap' },
      ],
      deny: [{ group: 'apps', kind: 'DaemonSet' }],
    };
    expect(check(kinds, 'apps/Deployment team-a/x', '/ConfigMap team-a/x')).toEqual([]);
    expect(check(kinds, 'apps/DaemonSet team-a/x', '/Secret team-a/x')).toEqual([
      'DaemonSet team-a/x: kind: DaemonSet.apps is among spec.kinds.deny (DaemonSet.apps)',
      'Secret team-a/x: kind: Secret is not among spec.kinds.allow (*.apps, ConfigMap)',
    ]);
    const cluster = [{ group: '*', kind: '*', names: [] }];
    expect(check({ deny: [{ group: '', kind: 'Namespace' }], cluster }, '/Namespace /team-a')).toHaveLength(
      1,
    );
  });

  it('bounds what it tells', () => {
    const many = Array.from({ length: 30 }, (_, index) => `/Secret other/${index}`);
    const problems = checkObjects(application(), project(), setOf(...many));
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe('and 10 more objects that Project team-a does not allow');
  });
});

describe('jobViolation', () => {
  it('holds a Job of an analysis against namespaces and kinds, as an object of the application', () => {
    expect(jobViolation(project({ namespaces: ['shop'] }), 'shop')).toBeUndefined();
    expect(jobViolation(project({ namespaces: ['shop'] }), 'kube-system')).toContain('namespace kube-system');
    const deny = [{ group: 'batch', kind: '*' }];
    const kinds = { allow: undefined, deny, cluster: [] };
    expect(jobViolation(project({ namespaces: ['shop'], kinds }), 'shop')).toContain('Job.batch is among');
  });
});

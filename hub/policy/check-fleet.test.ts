import { describe, expect, it } from 'vitest';
import { createManifestSet, defaultSyncOptions, type ManifestSet } from '../../shared/manifest/target.ts';
import type { Application } from '../model/fleet.ts';
import { checkFleet, type Outcome } from './check-fleet.ts';

function setOf(...names: readonly string[]): ManifestSet {
  return createManifestSet(
    names.map((name) => {
      const [namespace = '', text = ''] = name.split('/');
      return {
        objectDigest: name,
        key: { group: '', kind: 'ConfigMap', namespace, name: text },
        apiVersion: 'v1',
        originId: name,
        wave: 0,
      };
    }),
  );
}

function applicationOf(name: string): Application {
  return {
    name,
    source: { repository: '', ref: '', path: name, overlays: [] },
    placement: { clusters: [], selector: undefined },
    sync: defaultSyncOptions,
    dependsOn: [],
    health: [],
    deletionPolicy: 'prune',
    origin: { file: `fleet/${name}.yaml`, line: 4, commit: 'c' },
  };
}

const applications = new Map(['api', 'web'].map((name) => [name, applicationOf(name)]));
const outcomes = (byApplication: Record<string, Record<string, Outcome>>) =>
  new Map(Object.entries(byApplication).map(([name, clusters]) => [name, new Map(Object.entries(clusters))]));
const check = (rendered: ReturnType<typeof outcomes>, inForce: Readonly<Record<string, ManifestSet>> = {}) =>
  checkFleet({
    rendered,
    sets: new Map(),
    applications,
    tenancy: { projects: new Map(), repositories: new Map(), allowsCluster: () => true },
    inForce: (cluster, application) => inForce[`${cluster}/${application}`],
  });

describe('checkFleet', () => {
  it('hands on what is in order unchanged', () => {
    const rendered = outcomes({
      web: { 'eu-1': { set: setOf('shop/a') } },
      api: { 'eu-1': { set: setOf('shop/b') } },
    });
    expect(check(rendered)).toBe(rendered);
  });

  it('turns a conflict into a problem of that cluster only, at the Application', () => {
    const rendered = outcomes({
      web: { 'eu-1': { set: setOf('shop/a') }, 'us-1': { set: setOf('shop/a') } },
      api: { 'eu-1': { set: setOf('shop/a') }, 'us-1': { set: setOf('shop/b') } },
    });
    const checked = check(rendered);
    expect(checked.get('web')?.get('eu-1')).toMatchObject({
      problems: [{ code: 'conflict', file: 'fleet/web.yaml', line: 4 }],
    });
    expect(checked.get('web')?.get('us-1')).toEqual({ set: setOf('shop/a') });
    expect(checked.get('api')).toEqual(rendered.get('api'));
  });

  it('counts what an application keeps when its newest text cannot be rendered', () => {
    const broken: Outcome = {
      problems: [{ code: 'invalid_manifest', file: 'x', line: 1, field: '', message: 'no' }],
    };
    const rendered = outcomes({ web: { 'eu-1': broken }, api: { 'eu-1': { set: setOf('shop/a') } } });
    const checked = check(rendered, { 'eu-1/web': setOf('shop/a') });
    expect(checked.get('api')?.get('eu-1')).toMatchObject({
      problems: [
        {
          message:
            'ConfigMap shop/a belongs to Application web in this cluster: take it out of one of the two',
        },
      ],
    });
    expect(checked.get('web')?.get('eu-1')).toBe(broken);
  });

  it('refuses a set by itself', () => {
    const checked = check(outcomes({ web: { 'eu-1': { set: setOf('fairway-agent/a') } } }));
    expect(checked.get('web')?.get('eu-1')).toMatchObject({ problems: [{ code: 'conflict' }] });
  });
});

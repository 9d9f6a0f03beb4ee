/** Every class of difference, from a fleet repository's files to what is said of it. Rewritten with UPDATE_GOLDEN=1. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ObjectObservation } from '../../../hub/model/observation.ts';
import type { ParitySide } from '../../../hub/model/parity.ts';
import type { Drift } from '../../../shared/manifest/health.ts';
import { renderScene } from './render-scene.ts';
import { playScene, type Scene, sceneMs } from './scene.ts';

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const cluster = (name: string, region: string, role: string) =>
  `${head}kind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${region}, role: ${role} }\n`;
const group = (expectations = '', variables = '') => `${head}kind: ParityGroup
metadata: { name: eu }
spec:
  primary: eu-1
  standbys: { clusters: [eu-2] }
  owner: team-dr
${variables}${expectations === '' ? '' : `  expectations:\n${expectations}`}`;
const expectation = (name: string, rest: string) =>
  `    - { name: ${name}, owner: team-web, reason: the standby is smaller, ${rest} }\n`;

const base = {
  'fleet/clusters.yaml': `${cluster('eu-1', 'north', 'primary')}---\n${cluster('eu-2', 'south', 'standby')}`,
  'fleet/web.yaml': `${head}kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web, overlays: ["overlays/{{cluster.region}}"] }
  placement: { clusters: [eu-1, eu-2] }
`,
  'fleet/eu.yaml': group(),
  'apps/web/base/kustomization.yaml': 'resources: [web.yaml, settings.yaml]\n',
  'apps/web/base/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "web:1" }] }
`,
  'apps/web/base/settings.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: shop }\ndata: { mode: calm }\n',
  'apps/web/overlays/north/kustomization.yaml': 'resources: [../../base]\n',
  'apps/web/overlays/south/kustomization.yaml': 'resources: [../../base]\n',
};
const south = (more: string) => ({
  'apps/web/overlays/south/kustomization.yaml': `resources: [../../base]\n${more}`,
});
const north = (more: string) => ({
  'apps/web/overlays/north/kustomization.yaml': `resources: [../../base]\n${more}`,
});
const fewer = south('replicas: [{ name: web, count: 1 }]\n');
const without = `patches:
  - patch: |-
      $patch: delete
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: settings, namespace: shop }
`;
const host = (region: string) => `patches:
  - target: { kind: ConfigMap }
    patch: '[{ "op": "add", "path": "/data/host", "value": "db.${region}.example.com" }]'
`;

/** What an agent says of one kind of object on one side. */
const said =
  (where: ParitySide, kind: string, change: Partial<ObjectObservation>): NonNullable<Scene['report']> =>
  (row, side) =>
    side === where && row.key.kind === kind ? { ...row, ...change } : row;

const byHand = (path: string, desired: string, live: string): Drift => ({
  fields: [{ path, desired: JSON.stringify(desired), live: JSON.stringify(live) }],
  managers: [{ name: 'night-shift', operation: 'Update', timeMs: sceneMs - 30_000 }],
  ...{ kind: 'changed', foundAtMs: sceneMs - 29_000 },
});
const drift = byHand('/data/mode', 'calm', 'wild');

const scenes: Readonly<Record<string, readonly [title: string, scene: Scene]>> = {
  equal: ['both clusters have what Git wants, which is the same', { files: base }],
  declared: [
    'the standby has fewer replicas, and an expectation says so by a rule that holds',
    {
      files: {
        ...base,
        ...fewer,
        'fleet/eu.yaml': group(
          expectation(
            'smaller',
            'rule: { paths: [/spec/replicas], holds: "standby.spec.replicas <= primary.spec.replicas" }',
          ),
        ),
      },
    },
  ],
  'declared-rule-broken': [
    'the standby has more replicas than the rule of its expectation bears',
    {
      files: {
        ...base,
        ...south('replicas: [{ name: web, count: 9 }]\n'),
        'fleet/eu.yaml': group(
          expectation(
            'smaller',
            'rule: { paths: [/spec/replicas], holds: "standby.spec.replicas <= primary.spec.replicas" }',
          ),
        ),
      },
    },
  ],
  'declared-only': [
    'an object is in the primary alone, as an expectation says',
    {
      files: {
        ...base,
        ...south(without),
        'fleet/eu.yaml': group(expectation('settings', 'match: { names: [settings] }, only: primary')),
      },
    },
  ],
  'declared-scaled-to-zero': [
    'the standby is scaled to zero, as an expectation says',
    {
      files: {
        ...base,
        ...south('replicas: [{ name: web, count: 0 }]\n'),
        'fleet/eu.yaml': group(expectation('cold', 'scaledToZero: true')),
      },
    },
  ],
  overlay: [
    'Git wants fewer replicas in the standby, and nobody declared it',
    { files: { ...base, ...fewer } },
  ],
  'overlay-renamed': [
    'a generated ConfigMap, whose name has a hash, says another thing in the standby; the Deployment that names it is the same',
    {
      files: {
        ...base,
        'apps/web/base/kustomization.yaml': `resources: [web.yaml]
namespace: shop
namePrefix: v1-
configMapGenerator: [{ name: switches, literals: [wishlist=off, mode=calm] }]
`,
        'apps/web/base/web.yaml': base['apps/web/base/web.yaml'].replace(
          'image: "web:1"',
          'image: "web:1", envFrom: [{ configMapRef: { name: switches } }]',
        ),
        ...south(
          'configMapGenerator: [{ name: switches, namespace: shop, behavior: merge, literals: [wishlist=on] }]\n',
        ),
      },
    },
  ],
  lagging: [
    'Git wants another mode, and the standby has not got it yet',
    {
      files: {
        ...base,
        'apps/web/base/settings.yaml': base['apps/web/base/settings.yaml'].replace('calm', 'brisk'),
      },
      behind: { side: 'standby', files: base },
    },
  ],
  drift: [
    'somebody changed the standby by hand',
    { files: base, report: said('standby', 'ConfigMap', { drift, syncStatus: 'Drifted' }) },
  ],
  'drift-primary': [
    'somebody changed the primary by hand',
    { files: base, report: said('primary', 'ConfigMap', { drift, syncStatus: 'Drifted' }) },
  ],
  'drift-deleted': [
    'somebody deleted an object of the standby by hand',
    {
      files: base,
      report: said('standby', 'ConfigMap', {
        ...{ drift: { ...drift, fields: [], kind: 'deleted' }, syncStatus: 'Drifted' },
      }),
    },
  ],
  missing: ['Git wants an object in the primary alone', { files: { ...base, ...south(without) } }],
  extra: ['Git wants an object in the standby alone', { files: { ...base, ...north(without) } }],
  unhealthy: [
    'a Deployment of the standby is not well',
    {
      files: base,
      report: said('standby', 'Deployment', { healthStatus: 'Failed', message: '0 of 4 pods are ready' }),
    },
  ],
  'lagging-late': [
    'the standby has been behind for longer than the group allows',
    {
      files: {
        ...base,
        'apps/web/base/settings.yaml': base['apps/web/base/settings.yaml'].replace('calm', 'brisk'),
      },
      behind: { side: 'standby', files: base },
      afterMs: 16 * 60_000,
    },
  ],
  secret: [
    'the standby has another value of a Secret, which nobody is shown',
    {
      files: {
        ...base,
        ...south(
          'patches:\n  - target: { kind: Secret }\n    patch: \'[{ "op": "replace", "path": "/stringData/token", "value": "hush-south" }]\'\n',
        ),
        'apps/web/base/kustomization.yaml': 'resources: [web.yaml, settings.yaml, key.yaml]\n',
        'apps/web/base/key.yaml':
          'apiVersion: v1\nkind: Secret\nmetadata: { name: key, namespace: shop }\nstringData: { token: hush-north }\n',
      },
    },
  ],
  environment: [
    'the standby runs another release of Kubernetes and lacks a class of disks, one of which is declared',
    {
      files: {
        ...base,
        'fleet/eu.yaml': group(
          expectation(
            'disks',
            'match: { kinds: [Environment] }, fields: { paths: [/environment/storageClasses/fast] }',
          ),
        ),
      },
      facts: {
        primary: { version: { kubernetes: 'v1.36.1' }, storageClasses: { fast: {}, archive: {} } },
        standby: { version: { kubernetes: 'v1.35.9' }, storageClasses: {} },
      },
    },
  ],
  'expectation-stale': [
    'an expectation covers nothing any more',
    {
      files: {
        ...base,
        'fleet/eu.yaml': group(expectation('smaller', 'fields: { paths: [/spec/replicas] }')),
      },
    },
  ],
  'expectation-expiring': [
    'an expectation is over in six days',
    {
      files: {
        ...base,
        ...fewer,
        'fleet/eu.yaml': group(
          expectation('smaller', 'expires: "2026-11-27T00:00:00Z", fields: { paths: [/spec/replicas] }'),
        ),
      },
    },
  ],
  'expectation-expired': [
    'an expectation is over, and its difference is back',
    {
      files: {
        ...base,
        ...fewer,
        'fleet/eu.yaml': group(
          expectation('smaller', 'expires: "2026-11-01T00:00:00Z", fields: { paths: [/spec/replicas] }'),
        ),
      },
    },
  ],
  'variables-normalised': [
    'each cluster names its own region, which the group declares as a variable',
    {
      files: {
        ...base,
        ...south(host('south')),
        ...north(host('north')),
        'fleet/eu.yaml': group('', '  variables: { region: "{{cluster.region}}" }\n'),
      },
    },
  ],
  'variables-undeclared': [
    'each cluster names its own region, and nobody said that it is a word for the same thing',
    { files: { ...base, ...south(host('south')), ...north(host('north')) } },
  ],
};

const folder = join(import.meta.dirname, 'golden');

describe('what parity says', () => {
  it.each(Object.entries(scenes))('of %s', async (name, [title, scene]) => {
    const text = renderScene(title, await playScene(scene));
    const file = join(folder, `${name}.txt`);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(existsSync(file), 'run with UPDATE_GOLDEN=1 to write it').toBe(true);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('shows no value of a Secret', () => {
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain('hush');
  });

  it('has a text for each scene, and no other', () => {
    expect(readdirSync(folder).sort()).toEqual(
      Object.keys(scenes)
        .map((name) => `${name}.txt`)
        .sort(),
    );
  });
});

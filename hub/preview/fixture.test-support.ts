/** Fleets as a comparison takes them, made from manifests. */
import { canonicalJson, type Digest, digestText } from '../../shared/manifest/canonical.ts';
import { type KubeObject, keyOf, keyText } from '../../shared/manifest/object.ts';
import { createManifestSet, defaultSyncOptions, type ManifestSet } from '../../shared/manifest/target.ts';
import type { Problem } from '../model/problem.ts';
import {
  type CompareLimits,
  compareFleets,
  type PlacementSettings,
  type PlacementState,
} from './compare-fleets.ts';
import type { FieldSchema } from './list-keys.ts';
import type { DiffReport } from './report.ts';

export const settings: PlacementSettings = {
  sync: defaultSyncOptions,
  health: [],
  dependsOn: [],
  deletionPolicy: 'prune',
};

/** Contents by digest, of every set that setOf made. */
const contents = new Map<Digest, string>();

export function contentOfFixture(digest: Digest): string | undefined {
  return contents.get(digest);
}

/** @param origins by name: the name before suffixes. */
export function setOf(
  objects: readonly KubeObject[],
  origins: Readonly<Record<string, string>> = {},
): ManifestSet {
  return createManifestSet(
    objects.map((object) => {
      const content = canonicalJson(object);
      const objectDigest = digestText(content);
      contents.set(objectDigest, content);
      const key = keyOf(object);
      const origin = { ...key, name: origins[key.name] ?? key.name };
      return { objectDigest, key, apiVersion: object.apiVersion, originId: keyText(origin), wave: 0 };
    }),
  );
}

export function placed(set: ManifestSet, changed: Partial<PlacementSettings> = {}): PlacementState {
  return { set, settings: { ...settings, ...changed } };
}

export function broken(...problems: readonly Problem[]): PlacementState {
  return { problems };
}

export type Side = Readonly<Record<string, Readonly<Record<string, PlacementState>>>>;

const byName: FieldSchema = {
  mergeKeys: ['name'],
  field: () => undefined,
  items: () => undefined,
};

export function compare(from: Side, to: Side, limits: Partial<CompareLimits> = {}): Promise<DiffReport> {
  const placementsOf = (side: Side) =>
    new Map(Object.entries(side).map(([name, clusters]) => [name, new Map(Object.entries(clusters))]));
  return compareFleets({
    from: { side: { name: 'running', commit: null }, placements: placementsOf(from), problems: [] },
    to: {
      side: { name: 'feature', commit: '3f2c1a0b9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a' },
      placements: placementsOf(to),
      problems: [],
    },
    schemaOf: () => byName,
    contents: async (digests) => new Map(digests.map((digest) => [digest, contents.get(digest) ?? ''])),
    turn: async () => undefined,
    limits,
  });
}

export function deployment(
  name: string,
  image: string,
  more: Readonly<Record<string, number | string>> = {},
): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop' },
    spec: { template: { spec: { containers: [{ name: 'web', image }] } }, ...more },
  };
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
}

export function secret(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, data };
}

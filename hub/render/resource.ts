import { isSecret, type JsonObject, type KubeObject, keyOf, keyText } from '../../shared/manifest/object.ts';
import type { Origin } from './kustomize/origins.ts';
import { type Place, problemError } from './render-error.ts';
import { isStem, type Stem, stemOf } from './stem.ts';
import type { Lineage } from './trace/lineage.ts';

/** What kustomize remembers of an object while it changes names (its `internal.config.kubernetes.io/*` annotations, here outside the object). */
export interface NameHistory {
  /** Earlier identities, oldest first. */
  readonly previous: readonly PreviousId[];
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  /** A generator's object, whose name gets a hash of its content at the end. */
  readonly needsHash: boolean;
  /** Labels and annotations that kustomize wrote to several places as one node: who changes one of them later changes all. */
  readonly shared: readonly SharedEntry[];
  /** Names of the vars that read this object. */
  readonly vars: readonly string[];
}

export interface SharedEntry {
  readonly key: string;
  /** Paths of the maps that hold it. */
  readonly paths: readonly string[];
}

/** Group and version are not remembered by kustomize: those of now count. */
export interface PreviousId {
  readonly name: string;
  /** `default` where none was named. */
  readonly namespace: string;
  readonly kind: string;
}

/** One object on its way through the renderer. Immutable; a change makes a new one that shares what did not change. */
export interface Resource {
  readonly object: KubeObject;
  /** What it was made from, in the nearest file or base below. */
  readonly stem?: Stem;
  /** keyText of the identity as first read or generated. */
  readonly originId: string;
  /** Where it was read, or the generator that made it. */
  readonly place: Place;
  readonly history: NameHistory;
  /** That its kind has no namespace is said by the document under `openapi` alone. */
  readonly ofCluster?: true | undefined;
  /** Only where the topmost kustomization asks for it in `buildMetadata`. */
  readonly trace?: { readonly origin: Origin; readonly transformations: readonly Origin[] };
  /** Only in builds that are traced. */
  readonly lineage?: Lineage;
}

const noHistory: NameHistory = {
  previous: [],
  prefixes: [],
  suffixes: [],
  needsHash: false,
  shared: [],
  vars: [],
};

export function createResource(object: KubeObject, place: Place): Resource {
  return { object, stem: stemOf(object), originId: keyText(keyOf(object)), place, history: noHistory };
}

/** Resources as the layers above get them: each object is a stem. The same list for the same list. */
export function withStems(resources: readonly Resource[]): readonly Resource[] {
  const known = lists.get(resources);
  if (known !== undefined) return known;
  const made = resources.map((one) => (isStem(one) ? one : { ...one, stem: stemOf(one.object) }));
  lists.set(resources, made);
  return made;
}

const lists = new WeakMap<readonly Resource[], readonly Resource[]>();

/** As `isSecret`, of a whole object. */
export function isSecretObject(object: KubeObject): boolean {
  return isSecret(keyOf(object));
}

/** Checks that a value is a Kubernetes object with a name; a part of one, which a patch is, may leave its apiVersion out. @throws a Problem at its place. */
export function checkObject(value: unknown, place: Place, isPart = false): KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw problemError('invalid_manifest', place, 'expected a Kubernetes object (a mapping)');
  const object = value as JsonObject;
  for (const field of ['apiVersion', 'kind'] as const) {
    const text = object[field];
    if (isPart && field === 'apiVersion' && (text === undefined || text === null || text === '')) continue;
    if (typeof text !== 'string' || text === '')
      throw problemError('invalid_manifest', { ...place, field }, 'expected a text that is not empty');
    refuseEncrypted(text, { ...place, field });
  }
  const metadata = object['metadata'];
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw problemError('invalid_manifest', { ...place, field: 'metadata' }, 'expected a mapping with a name');
  checkMetadata(metadata as JsonObject, place);
  return object as unknown as KubeObject;
}

/** Without saying what to leave, SOPS encrypts every value of a file. */
function refuseEncrypted(text: string, place: Place & { readonly field: string }): void {
  if (!text.startsWith('ENC[AES256_GCM,')) return;
  throw problemError(
    'invalid_manifest',
    place,
    "SOPS has encrypted what says which object this is: encrypt values only, with --encrypted-regex '^(data|stringData)$'",
  );
}

function checkMetadata(metadata: JsonObject, place: Place): void {
  const name = metadata['name'];
  if (typeof name === 'number' || typeof name === 'boolean')
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'metadata.name' },
      'expected a text: put it in quotes',
    );
  if (typeof name !== 'string' || name === '')
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'metadata.name' },
      'expected a name (generateName is not enough: an object kept from Git needs one name)',
    );
  const namespace = metadata['namespace'];
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string')
    throw problemError(
      'invalid_manifest',
      { ...place, field: 'metadata.namespace' },
      'expected a text: put it in quotes',
    );
  refuseEncrypted(name, { ...place, field: 'metadata.name' });
  if (typeof namespace === 'string') refuseEncrypted(namespace, { ...place, field: 'metadata.namespace' });
  for (const part of [name, namespace])
    if (typeof part === 'string' && part.includes('/'))
      throw problemError(
        'invalid_manifest',
        { ...place, field: 'metadata' },
        'a name or namespace never has a "/" in it',
      );
  for (const field of ['labels', 'annotations'] as const) {
    const map = metadata[field];
    if (map === undefined || map === null) continue;
    if (typeof map !== 'object' || Array.isArray(map))
      throw problemError('invalid_manifest', { ...place, field: `metadata.${field}` }, 'expected a mapping');
  }
}

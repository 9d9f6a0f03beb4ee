/**
 * Checks of rendered objects beyond what a roll-out asks for: what `fairway validate` says of a fleet before it is merged. Each distinct set is checked once
 * a Kubernetes release, and each distinct combination of sets in a cluster once. Pure.
 */
import { canonicalJson, type Digest } from '../../shared/manifest/canonical.ts';
import { type KubeObject, type ObjectKey, parseKeyText } from '../../shared/manifest/object.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';
import { checkLifecycle } from './checks/check-lifecycle.ts';
import { checkReferences, referenceId } from './checks/check-references.ts';
import { checkSchema } from './checks/check-schema.ts';
import { checkSecret } from './checks/check-secret.ts';
import type { Complaint, Severity } from './checks/complaint.ts';
import { customSchemas } from './checks/custom-schema.ts';
import type { ObjectSchema } from './checks/object-schema.ts';

/** An application's set in a cluster. */
export interface CheckedPlacement {
  readonly application: string;
  readonly cluster: string;
  readonly set: ManifestSet;
  /** Given to objects that name no namespace. */
  readonly defaultNamespace: string;
}

export interface CheckObjectsRequest {
  readonly placements: readonly CheckedPlacement[];
  readonly contentOf: (set: Digest, object: Digest) => string | undefined;
  /** Minor release of Kubernetes in a cluster. */
  readonly minorOf: (cluster: string) => number;
  /** Of Secrets in plain text. */
  readonly plainSecrets: Severity | 'off';
  /** CustomResourceDefinitions that are in the repository though no application brings them. */
  readonly definitions: readonly KubeObject[];
}

/** One complaint about one object of an application, and the clusters in which it holds. */
export interface ObjectFinding extends Complaint {
  readonly application: string;
  readonly key: ObjectKey;
  readonly originId: string;
  readonly clusters: readonly string[];
}

interface Found {
  readonly key: ObjectKey;
  readonly originId: string;
  readonly object: KubeObject;
}

export function checkObjects(request: CheckObjectsRequest): readonly ObjectFinding[] {
  const objectsOf = rememberObjects(request);
  const schemas = collectSchemas(request, objectsOf);
  const findings = new Map<string, ObjectFinding & { readonly clusters: string[] }>();
  const add = (placement: CheckedPlacement, { key, originId }: Found, complaint: Complaint) => {
    const { application, cluster } = placement;
    const { rule, path, message } = complaint;
    const id = canonicalJson([application, originId, key.kind, rule, path, message]);
    const known = findings.get(id);
    if (!known) findings.set(id, { ...complaint, application, key, originId, clusters: [cluster] });
    // Twice in one cluster: two objects of one origin. Their complaints come one after the other.
    else if (known.clusters.at(-1) !== cluster) known.clusters.push(cluster);
  };
  const alone = new Map<string, readonly (readonly [Found, Complaint])[]>();
  for (const placement of request.placements) {
    const minor = request.minorOf(placement.cluster);
    const id = `${placement.set.digest} ${minor}`;
    const complaints =
      alone.get(id) ??
      objectsOf(placement.set).flatMap((found) =>
        checkAlone(found.object, minor, schemas, request.plainSecrets).map(
          (complaint) => [found, complaint] as const,
        ),
      );
    alone.set(id, complaints);
    for (const [found, complaint] of complaints) add(placement, found, complaint);
  }
  for (const [placement, found, complaint] of checkTogether(request.placements, objectsOf))
    add(placement, found, complaint);
  return [...findings.values()];
}

function checkAlone(
  object: KubeObject,
  minor: number,
  schemas: ReadonlyMap<string, ObjectSchema>,
  plainSecrets: Severity | 'off',
): readonly Complaint[] {
  return [
    ...checkLifecycle(object, minor),
    ...checkSchema(object, schemas),
    ...(plainSecrets === 'off' ? [] : checkSecret(object, plainSecrets)),
  ];
}

function rememberObjects({ contentOf }: CheckObjectsRequest) {
  const known = new Map<Digest, readonly Found[]>();
  return (set: ManifestSet): readonly Found[] => {
    const found = known.get(set.digest);
    if (found) return found;
    const objects = set.entries.flatMap(({ objectDigest, key, originId }): readonly Found[] => {
      const content = contentOf(set.digest, objectDigest);
      return content === undefined ? [] : [{ key, originId, object: JSON.parse(content) as KubeObject }];
    });
    known.set(set.digest, objects);
    return objects;
  };
}

/** A definition that any application brings counts for the whole fleet. */
function collectSchemas(
  { placements, definitions }: CheckObjectsRequest,
  objectsOf: (set: ManifestSet) => readonly Found[],
): ReadonlyMap<string, ObjectSchema> {
  const sets = new Map(placements.map(({ set }) => [set.digest, set]));
  const rendered = [...sets.values()].flatMap((set) => objectsOf(set).map(({ object }) => object));
  const schemas = new Map<string, ObjectSchema>();
  for (const object of [...definitions, ...rendered])
    if (object.kind === 'CustomResourceDefinition')
      for (const [id, schema] of customSchemas(object)) schemas.set(id, schema);
  return schemas;
}

/** References, within all that a cluster gets. Clusters that get the same are checked once. */
function* checkTogether(
  placements: readonly CheckedPlacement[],
  objectsOf: (set: ManifestSet) => readonly Found[],
): Generator<readonly [CheckedPlacement, Found, Complaint]> {
  const known = new Map<string, ReadonlyMap<string, readonly (readonly [Found, Complaint])[]>>();
  for (const members of Map.groupBy(placements, ({ cluster }) => cluster).values()) {
    const id = members
      .map(({ application, set, defaultNamespace }) => `${application} ${set.digest} ${defaultNamespace}`)
      .sort()
      .join('\n');
    const complaints = known.get(id) ?? checkCluster(members, objectsOf);
    known.set(id, complaints);
    for (const placement of members)
      for (const [found, complaint] of complaints.get(placement.application) ?? [])
        yield [placement, found, complaint];
  }
}

function checkCluster(
  members: readonly CheckedPlacement[],
  objectsOf: (set: ManifestSet) => readonly Found[],
): ReadonlyMap<string, readonly (readonly [Found, Complaint])[]> {
  const present = new Set(
    members.flatMap(({ set, defaultNamespace }) =>
      objectsOf(set).flatMap(({ object, key }) => bringsOf(object, key, key.namespace || defaultNamespace)),
    ),
  );
  return new Map(
    members.map(({ application, set, defaultNamespace }) => [
      application,
      objectsOf(set).flatMap((found) =>
        checkReferences(found.object, found.key.namespace || defaultNamespace, present).map(
          (complaint) => [found, complaint] as const,
        ),
      ),
    ]),
  );
}

/** Kinds that make a Secret of their own name or a stated one, in the cluster; a StatefulSet makes its claims itself. */
function bringsOf(object: KubeObject, key: ObjectKey, namespace: string): readonly string[] {
  const own = referenceId(key.kind, namespace, key.name);
  if (!secretMakers.has(key.kind)) return [own];
  const spec = object['spec'] as
    | { readonly target?: { readonly name?: string }; readonly secretName?: string }
    | undefined;
  return [own, referenceId('Secret', namespace, spec?.secretName ?? spec?.target?.name ?? key.name)];
}

/** Sealed Secrets, External Secrets, cert-manager, SOPS operators. */
const secretMakers = new Set(['SealedSecret', 'ExternalSecret', 'Certificate', 'SopsSecret']);

/** The name before prefixes and suffixes: what stands in the file. */
export function originName(originId: string): string | undefined {
  return parseKeyText(originId)?.name;
}

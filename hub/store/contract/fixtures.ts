/** Small plans, objects and reports for the store's contract. */
import { canonicalJson, digestText } from '../../../shared/manifest/canonical.ts';
import { type KubeObject, keyOf, keyText } from '../../../shared/manifest/object.ts';
import {
  createManifestSet,
  createRemovalTarget,
  createTarget,
  defaultSyncOptions,
  type Target,
} from '../../../shared/manifest/target.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import type { ApplicationObservation, ObjectObservation, ReportBatch } from '../../model/observation.ts';
import type { AssignmentDecision, Release } from '../../model/release.ts';
import type { RenderedObject } from '../../model/rendered.ts';
import type { Plan } from '../repositories/release-repository.ts';
import type { Store } from '../store.ts';

/** A time before everything the stores under test do by their own clock. */
export const t0 = Date.UTC(2026, 0, 1);
/** A time after everything. */
export const farFutureMs = Date.UTC(2100, 0, 1);

export const anEvent = (part: Partial<NewEvent> = {}): NewEvent =>
  createEvent({ type: 'audit.sync', actor: 'ann', timeMs: t0, message: 'a message', ...part });

export function configMap(name: string, value = name): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { value } };
}

export function rendered(object: KubeObject, secret = false): RenderedObject {
  const content = canonicalJson(object);
  return { digest: digestText(content), content, secret };
}

export interface SavedTarget {
  readonly target: Target;
  readonly objects: readonly RenderedObject[];
}

/** A target of these objects, not saved yet. */
export function targetOf(objects: readonly KubeObject[], secret = false): SavedTarget {
  const all = objects.map((object) => rendered(object, secret));
  const set = createManifestSet(
    objects.map((object, index) => ({
      objectDigest: all[index]?.digest ?? '',
      key: keyOf(object),
      apiVersion: object.apiVersion,
      originId: keyText(keyOf(object)),
      wave: 0,
    })),
  );
  const target = createTarget({
    set,
    sync: defaultSyncOptions,
    health: [],
    dependsOn: [],
    deletionPolicy: 'prune',
    removed: false,
  });
  return { target, objects: all };
}

export async function saveTarget(store: Store, saved: SavedTarget): Promise<Target> {
  await store.content.saveSets([saved.target.set], saved.objects);
  await store.content.saveTargets([saved.target]);
  return saved.target;
}

export async function saveRemoval(store: Store): Promise<Target> {
  return saveTarget(store, { target: createRemovalTarget('prune'), objects: [] });
}

export function planOf(part: Partial<Plan> = {}): Plan {
  return {
    revisionId: 'r1',
    fleet: { resources: [], problems: [] },
    resolutions: [],
    releases: [],
    decisions: [],
    confirmations: [],
    rollouts: {},
    events: [],
    nowMs: t0,
    ...part,
  };
}

export function decide(
  cluster: string,
  application: string,
  target: Target,
  part: Partial<AssignmentDecision> = {},
): AssignmentDecision {
  return {
    cluster,
    application,
    targetDigest: target.digest,
    releaseId: 'rel-1',
    revisionId: 'r1',
    reason: 'release',
    removed: target.removed,
    ...part,
  };
}

export function releaseOf(
  id: string,
  application: string,
  targets: Release['targets'],
  createdAtMs = t0,
): Release {
  return { id, application, revisionId: 'r1', createdAtMs, targets };
}

/** Saves a target of one ConfigMap and assigns it. */
export async function assign(
  store: Store,
  cluster: string,
  application: string,
  value = 'v',
): Promise<Target> {
  const target = await saveTarget(store, targetOf([configMap(application, value)]));
  await store.releases.savePlan(
    planOf({ decisions: [decide(cluster, application, target, { releaseId: `rel-${value}` })] }),
  );
  return target;
}

export function applicationReport(
  cluster: string,
  application: string,
  part: Partial<ApplicationObservation> = {},
): ApplicationObservation {
  return {
    cluster,
    application,
    generation: 1,
    targetDigest: 'd',
    syncStatus: 'Synced',
    healthStatus: 'Current',
    message: '',
    objects: 1,
    objectsSynced: 1,
    appliedAtMs: t0,
    timeMs: t0,
    waitsFor: '',
    changes: { created: 1 },
    ...part,
  };
}

export function objectReport(
  cluster: string,
  application: string,
  name: string,
  part: Partial<ObjectObservation> = {},
): ObjectObservation {
  return {
    cluster,
    application,
    key: { group: '', kind: 'ConfigMap', namespace: 'shop', name },
    objectDigest: 'd',
    liveDigest: 'l',
    syncStatus: 'Synced',
    healthStatus: 'Current',
    reason: '',
    message: '',
    drift: undefined,
    lastAction: 'created',
    generation: 1,
    timeMs: t0,
    ...part,
  };
}

export function batchOf(cluster: string, part: Partial<ReportBatch> = {}): ReportBatch {
  return { cluster, applications: [], objects: [], gone: [], events: [], ...part };
}

/**
 * Why an object does not come to be what it should: the waiting reasons of its pods, the image that cannot be pulled, the last warnings. Read only once it has been on
 * its way for too long, or has failed: at most three requests and bounded answers. Never a log.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import { count, findCondition, items, member, text, verdict } from '../../shared/health/fields.ts';
import { judgePod } from '../../shared/health/pod.ts';
import type { Health } from '../../shared/manifest/health.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, LiveObject, ResourceRef } from '../kube/kube-client.ts';

const podsMax = 50;
const eventsMax = 50;
const warningsTold = 2;
const messageCharactersMax = 500;

/** What reading showed; empty where there is nothing to show, or it may not be read. */
export interface Surroundings {
  readonly object: KubeObject | undefined;
  readonly pods: readonly KubeObject[];
  readonly events: readonly KubeObject[];
}

export interface SurroundingsPorts {
  readonly kube: KubeClient;
  readonly find: (apiVersion: string, kind: string) => ApiResource | undefined;
  readonly signal: AbortSignal;
}

const operators: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** `spec.selector` of a workload as a query takes it; undefined: it selects no pods. */
export function selectorOf(object: KubeObject): string | undefined {
  const selector = member(object, 'spec', 'selector');
  if (!isJsonObject(selector)) return undefined;
  const labels = isJsonObject(selector['matchLabels']) ? selector['matchLabels'] : {};
  const equal = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  const others = items(selector, 'matchExpressions').map((expression) => {
    const values = expression['values'];
    const listed = Array.isArray(values) ? (values as readonly Json[]).join(',') : '';
    return operators[text(expression, 'operator')]?.(text(expression, 'key'), listed) ?? '';
  });
  const terms = [...equal, ...others].filter((term) => term !== '');
  return terms.length === 0 ? undefined : terms.join(',');
}

/** What may not be read, or is not served, explains nothing. @throws when the API server is away, or it is time to end. */
async function tolerate<T>(read: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read;
  } catch (caught) {
    const { code } = toFairwayError(caught);
    if (code === 'permission_denied' || code === 'not_found') return otherwise;
    throw caught;
  }
}

/** What may say why an object does not get ready: itself, its pods, their events. What cannot be read is left out. */
export async function readSurroundings(ref: ResourceRef, ports: SurroundingsPorts): Promise<Surroundings> {
  const { kube, signal } = ports;
  const object = await tolerate<LiveObject | undefined>(kube.get(ref, signal), undefined);
  if (!object) return { object, pods: [], events: [] };
  const list = async (
    kind: string,
    query: { labelSelector?: string; fieldSelector?: string },
    limit: number,
  ) => {
    const resource = ports.find('v1', kind);
    if (!resource) return [];
    const request = { resource, namespace: ref.namespace, limit, ...query };
    return (
      await tolerate(kube.list(request, signal), { items: [], resourceVersion: '', continue: undefined })
    ).items;
  };
  const labelSelector = ref.namespace === '' ? undefined : selectorOf(object);
  const pods = labelSelector === undefined ? [] : await list('Pod', { labelSelector }, podsMax);
  const worst = worstPods(pods)[0]?.pod ?? object;
  const events = await list(
    'Event',
    { fieldSelector: `involvedObject.uid=${String(worst.metadata['uid'])}` },
    eventsMax,
  );
  return { object, pods, events };
}

interface JudgedPod {
  readonly pod: KubeObject;
  readonly health: Health;
}

/** Pods that are not current: the failed first, then the youngest, since older ones may be of the version before. */
function worstPods(pods: readonly KubeObject[]): readonly JudgedPod[] {
  const born = (pod: KubeObject) => String(pod.metadata['creationTimestamp'] ?? '');
  return pods
    .filter((pod) => pod.metadata['deletionTimestamp'] === undefined)
    .map((pod) => ({ pod, health: judgePod(pod) }))
    .filter(({ health }) => health.status !== 'Current')
    .sort((a, b) => {
      const failed = Number(b.health.status === 'Failed') - Number(a.health.status === 'Failed');
      return failed !== 0 ? failed : born(b.pod).localeCompare(born(a.pod));
    });
}

function describePods(pods: readonly KubeObject[]): Health | undefined {
  const worst = worstPods(pods);
  const [first] = worst;
  if (!first) return undefined;
  const { reason, message } = first.health;
  const alike = worst.filter(({ health }) => health.reason === reason).length;
  const share = `${alike} of ${pods.length} ${pods.length === 1 ? 'pod' : 'pods'} ${reason}`;
  const restarts = items(first.pod, 'status', 'containerStatuses').reduce(
    (most, status) => Math.max(most, count(status, 'restartCount')),
    0,
  );
  const tries = restarts > 0 ? ` (${restarts} restarts)` : '';
  return verdict('Failed', reason, `${share}${tries}${message === '' ? '' : `: ${message}`}`);
}

function timeOf(event: JsonObject): string {
  const { metadata } = event as KubeObject;
  return (
    text(event, 'series', 'lastObservedTime') ||
    text(event, 'lastTimestamp') ||
    text(event, 'eventTime') ||
    String(metadata?.['creationTimestamp'] ?? '')
  );
}

function lastEvents(events: readonly KubeObject[], type: 'Warning' | 'Normal'): readonly KubeObject[] {
  return events
    .filter((event) => text(event, 'type') === type)
    .sort((a, b) => timeOf(b).localeCompare(timeOf(a)))
    .filter(
      (event, at, all) => all.findIndex((other) => text(other, 'reason') === text(event, 'reason')) === at,
    );
}

function cut(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  return line.length > messageCharactersMax ? `${line.slice(0, messageCharactersMax - 3)}...` : line;
}

/**
 * The verdict for an object that is on its way for too long, or has failed without saying why. A claim that waits for a pod to use it goes on waiting. Pure.
 * @param health as its rules judge it.
 * @param after how long it has been so, in words; undefined: it has failed by itself.
 */
export function explainStuck(health: Health, around: Surroundings, after: string | undefined): Health {
  const warnings = lastEvents(around.events, 'Warning');
  const normal = lastEvents(around.events, 'Normal')[0];
  // https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
  if (warnings.length === 0 && text(normal, 'reason') === 'WaitForFirstConsumer')
    return verdict('InProgress', 'WaitForFirstConsumer', 'waits for a pod to use it');
  const failure = around.object && findCondition(around.object, 'ReplicaFailure');
  const refused = failure?.status === 'True' ? verdict('Failed', failure.reason, failure.message) : undefined;
  const pods = describePods(around.pods) ?? refused;
  const told = warnings
    .slice(0, warningsTold)
    .filter((event) => text(event, 'message') !== '' && !pods?.message.includes(text(event, 'message')))
    .map((event) => `${text(event, 'reason')}: ${text(event, 'message')}`);
  const reason = pods?.reason || text(warnings[0], 'reason') || health.reason || 'HealthTimeout';
  const parts = [health.message, pods?.message ?? '', ...told].filter((part) => part !== '');
  // Kubernetes ends sentences with a point.
  const words = parts.map((part, at) => (at < parts.length - 1 ? part.replace(/\.$/, '') : part)).join('; ');
  return verdict('Failed', reason, cut(`${after === undefined ? '' : `after ${after}: `}${words}`));
}

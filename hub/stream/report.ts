import type { ReportRequest } from '../../shared/gen/fairway/v1/agent_pb.ts';
import { keyText } from '../../shared/manifest/object.ts';
import { createEvent, type EventType, type NewEvent } from '../model/event.ts';
import type { AgentEvent, ReportBatch } from '../model/observation.ts';
import type { Store } from '../store/store.ts';
import { batchFromWire } from './wire.ts';

/** The only events an agent may write into the fleet's log: never an audit entry. */
const agentEventTypes = {
  'drift.found': true,
  'drift.healed': true,
  'sync.failed': true,
  'sync.succeeded': true,
  'object.pruned': true,
  'hook.failed': true,
  'removal.held': true,
  'fence.closed': true,
  'fence.opened': true,
} as const satisfies Partial<Record<EventType, true>>;

function isAgentEventType(type: string): type is keyof typeof agentEventTypes {
  return Object.hasOwn(agentEventTypes, type);
}

function toEvent(cluster: string, event: AgentEvent, revisionId: string): NewEvent | undefined {
  if (!isAgentEventType(event.type)) return undefined;
  return createEvent({
    type: event.type,
    actor: `agent:${cluster}`,
    timeMs: event.timeMs,
    message: event.message,
    cluster,
    application: event.application,
    revisionId,
    object: event.key ? keyText(event.key) : '',
    data: { ...(event.drift && { drift: event.drift }), ...(event.hook && { hook: event.hook }) },
    // Prefixed, so that one cluster's ids cannot hide another's events.
    id: `${cluster}:${event.id}`,
  });
}

/**
 * No time of an agent is later than the hub's own: what a fast clock dated ahead would pass for newer than all that comes after the clock was set
 * right, and an event from years ahead would never be old enough to go.
 */
function notAfter<T extends { readonly timeMs: number }>(rows: readonly T[], nowMs: number): readonly T[] {
  return rows.map((row) => (row.timeMs > nowMs ? { ...row, timeMs: nowMs } : row));
}

/**
 * Keeps one batch of an agent's Report stream; durable when it resolves.
 * @param nowMs the hub's time.
 * @throws invalid_argument for what cannot be read
 */
export async function saveReport(
  store: Pick<Store, 'observations' | 'releases'>,
  cluster: string,
  wire: ReportRequest,
  nowMs: number,
): Promise<void> {
  const told = batchFromWire(cluster, wire);
  const batch: ReportBatch = {
    ...told,
    applications: notAfter(told.applications, nowMs),
    objects: notAfter(told.objects, nowMs),
    events: notAfter(told.events, nowMs),
  };
  const revisions = new Map<string, string>();
  if (batch.events.length > 0)
    for (const { application, revisionId } of await store.releases.assignments({ cluster }))
      revisions.set(application, revisionId);
  const events = batch.events
    .map((event) => toEvent(cluster, event, revisions.get(event.application) ?? ''))
    .filter((event) => event !== undefined);
  await store.observations.saveBatch(batch, events);
}

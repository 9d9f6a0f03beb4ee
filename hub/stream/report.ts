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
    data: event.drift ? { drift: event.drift } : {},
    // Prefixed, so that one cluster's ids cannot hide another's events.
    id: `${cluster}:${event.id}`,
  });
}

/**
 * Keeps one batch of an agent's Report stream; durable when it resolves.
 * @throws invalid_argument for what cannot be read
 */
export async function saveReport(
  store: Pick<Store, 'observations' | 'releases'>,
  cluster: string,
  wire: ReportRequest,
): Promise<void> {
  const batch: ReportBatch = batchFromWire(cluster, wire);
  const revisions = new Map<string, string>();
  if (batch.events.length > 0)
    for (const { application, revisionId } of await store.releases.assignments({ cluster }))
      revisions.set(application, revisionId);
  const events = batch.events
    .map((event) => toEvent(cluster, event, revisions.get(event.application) ?? ''))
    .filter((event) => event !== undefined);
  await store.observations.saveBatch(batch, events);
}

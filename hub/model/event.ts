/** Events: the fleet's log of who, when, what. Audit entries are events whose type starts with `audit.`. */

/** Closed set; notification routes and the API filter by it or by its first part. */
export const eventTypes = [
  'revision.seen',
  'revision.failed',
  'release.created',
  'assignment.changed',
  'rollout.wave.started',
  'rollout.wave.completed',
  'rollout.approval.needed',
  'rollout.cluster.failed',
  'rollout.paused',
  'rollout.rolling-back',
  'rollout.rolled-back',
  'rollout.completed',
  'rollout.held',
  'rollout.promoted',
  'rollout.revert-written',
  'rollout.revert-failed',
  'sync.succeeded',
  'sync.failed',
  'drift.found',
  'drift.healed',
  'object.pruned',
  'hook.failed',
  'agent.connected',
  'agent.disconnected',
  'agent.enrolled',
  'agent.contended',
  'source.failed',
  'source.recovered',
  'source.rewritten',
  'hub.restored',
  'removal.held',
  'fence.closed',
  'fence.opened',
  'parity.changed',
  'parity.objective',
  'failover.started',
  'failover.committed',
  'failover.ready',
  'failover.expiring',
  'failover.extended',
  'failover.ended',
  'audit.token.created',
  'audit.token.revoked',
  'audit.token.used',
  'audit.token.refused',
  'audit.certificate.issued',
  'audit.certificate.revoked',
  'audit.certificate.refused',
  'audit.cluster.forgotten',
  'audit.pause',
  'audit.resume',
  'audit.sync',
  'audit.confirm',
  'audit.rollout',
  'audit.failover',
  'audit.backup',
  'audit.query',
  'audit.webhook',
  'audit.access.denied',
] as const;

export type EventType = (typeof eventTypes)[number];

export interface NewEvent {
  readonly type: EventType;
  /** Git author, API token name, `agent:eu-1`, `hub`. */
  readonly actor: string;
  readonly timeMs: number;
  /** Empty where it concerns none. */
  readonly cluster: string;
  readonly application: string;
  readonly revisionId: string;
  /** keyText, or empty. */
  readonly object: string;
  readonly message: string;
  /** Plain data; never a secret. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Given: a repeat changes nothing. */
  readonly id?: string | undefined;
}

export interface FleetEvent extends NewEvent {
  readonly id: string;
  /** Grows by one; the position in the log and the id of an SSE message. */
  readonly sequence: number;
}

/** An event with every field but the ones given left empty. */
export function createEvent(
  event: Pick<NewEvent, 'type' | 'actor' | 'timeMs' | 'message'> & Partial<NewEvent>,
): NewEvent {
  return { cluster: '', application: '', revisionId: '', object: '', data: {}, ...event };
}

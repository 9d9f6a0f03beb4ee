/**
 * Who may do what: one row an endpoint. An endpoint without a row cannot be registered, and a test walks the router to hold every
 * one to its row. `public` needs no token; `metrics` is public or `read`, as the hub is configured.
 */
import type { EventType } from '../../model/event.ts';
import type { Scope } from '../../model/registry.ts';

export interface AccessRow {
  readonly scope: Scope | 'public' | 'metrics';
  /** The event that each successful call leaves behind. Every endpoint that changes something or reaches into a cluster has one. */
  readonly audit?: EventType;
}

const read: AccessRow = { scope: 'read' };

export const accessTable: Readonly<Record<string, AccessRow>> = {
  'GET /healthz': { scope: 'public' },
  'GET /readyz': { scope: 'public' },
  'GET /metrics': { scope: 'metrics' },
  'GET /api/v1/openapi.json': { scope: 'public' },
  // Its caller is a Git host: the signature of the payload stands for a token.
  'POST /api/v1/webhooks/git': { scope: 'public', audit: 'audit.webhook' },
  'GET /api/v1/hub': read,
  'GET /api/v1/schemas': read,
  'GET /api/v1/schemas/{kind}': read,
  'GET /api/v1/clusters': read,
  'GET /api/v1/clusters/{cluster}': read,
  'GET /api/v1/applications': read,
  'GET /api/v1/applications/{application}': read,
  'GET /api/v1/placements': read,
  'GET /api/v1/sources': read,
  'GET /api/v1/revisions': read,
  'GET /api/v1/revisions/{revision}': read,
  'GET /api/v1/diff': read,
  'GET /api/v1/applications/{application}/clusters/{cluster}/explain': read,
  'GET /api/v1/assignments': read,
  'GET /api/v1/assignments/{cluster}/{application}/manifests': read,
  'GET /api/v1/objects': read,
  // Of the fleet's own objects; any other takes `operate` (routes/objects.ts).
  'GET /api/v1/objects/live': { scope: 'read', audit: 'audit.query' },
  // Logs may hold anything that a program says, so reading them takes more than looking at the fleet.
  'GET /api/v1/clusters/{cluster}/logs': { scope: 'operate', audit: 'audit.query' },
  // Both reach into a cluster: the one has its API server judge objects that may be anybody's, the other reads the agent's log.
  'GET /api/v1/applications/{application}/clusters/{cluster}/adoption': {
    scope: 'operate',
    audit: 'audit.query',
  },
  'GET /api/v1/clusters/{cluster}/diagnostics': { scope: 'operate', audit: 'audit.query' },
  'GET /api/v1/events': read,
  'GET /api/v1/events/stream': read,
  'GET /api/v1/pauses': read,
  'GET /api/v1/confirmations': read,
  'GET /api/v1/rollouts': read,
  'GET /api/v1/applications/{application}/rollout': read,
  'GET /api/v1/applications/{application}/rollouts': read,
  'GET /api/v1/rollouts/plan': read,
  'GET /api/v1/rollouts/{rollout}': read,
  'GET /api/v1/rollouts/{rollout}/clusters': read,
  'GET /api/v1/rollouts/{rollout}/timeline': read,
  'POST /api/v1/applications/{application}/rollout/actions': { scope: 'operate', audit: 'audit.rollout' },
  'GET /api/v1/parity': read,
  'GET /api/v1/parity/{group}': read,
  'GET /api/v1/parity/{group}/differences': read,
  'GET /api/v1/parity/{group}/expectations': read,
  'GET /api/v1/parity/{group}/timeline': read,
  'GET /api/v1/clusters/{cluster}/compare/{other}': read,
  'GET /api/v1/parity/{group}/failover': read,
  'GET /api/v1/failovers': read,
  'GET /api/v1/failovers/{failover}': read,
  // It moves what serves people, around every gate of the rollouts.
  'POST /api/v1/parity/{group}/failover': { scope: 'emergency', audit: 'audit.failover' },
  'POST /api/v1/parity/{group}/failover/extend': { scope: 'emergency', audit: 'audit.failover' },
  'POST /api/v1/parity/{group}/failover/revoke': { scope: 'emergency', audit: 'audit.failover' },
  // Around every gate: whoever may steer a rollout may not do this.
  'POST /api/v1/applications/{application}/rollout/all-at-once': {
    scope: 'emergency',
    audit: 'audit.rollout',
  },
  'POST /api/v1/sync': { scope: 'operate', audit: 'audit.sync' },
  'POST /api/v1/pause': { scope: 'operate', audit: 'audit.pause' },
  'POST /api/v1/resume': { scope: 'operate', audit: 'audit.resume' },
  'POST /api/v1/confirmations/{confirmation}/confirm': { scope: 'operate', audit: 'audit.confirm' },
  'GET /api/v1/clusters/{cluster}/certificates': { scope: 'admin' },
  'POST /api/v1/clusters/{cluster}/revoke': { scope: 'admin', audit: 'audit.certificate.revoked' },
  'POST /api/v1/clusters/{cluster}/forget': { scope: 'admin', audit: 'audit.cluster.forgotten' },
  'GET /api/v1/enrolment-tokens': { scope: 'admin' },
  'POST /api/v1/enrolment-tokens': { scope: 'admin', audit: 'audit.token.created' },
  'DELETE /api/v1/enrolment-tokens/{token}': { scope: 'admin', audit: 'audit.token.revoked' },
  'GET /api/v1/access-tokens': { scope: 'admin' },
  'POST /api/v1/access-tokens': { scope: 'admin', audit: 'audit.token.created' },
  'DELETE /api/v1/access-tokens/{token}': { scope: 'admin', audit: 'audit.token.revoked' },
  'POST /api/v1/agent-manifests': { scope: 'admin', audit: 'audit.token.created' },
  'POST /api/v1/backup': { scope: 'admin', audit: 'audit.backup' },
};

const ranks: Record<Scope, number> = { read: 1, operate: 2, emergency: 3, admin: 4 };

/** read < operate < emergency < admin; each includes those before it. */
export function includesScope(held: Scope | undefined, needed: Scope): boolean {
  return held !== undefined && ranks[held] >= ranks[needed];
}

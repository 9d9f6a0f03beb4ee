import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { nameSchema, pageQuery, reasonSchema } from '../schemas/common.ts';
import {
  failoverAskedQuery,
  failoverExtendSchema,
  failoverPageSchema,
  failoverPlanSchema,
  failoverSchema,
  failoverStartSchema,
  kindSchema,
  toFailover,
  toFailoverPlan,
} from '../schemas/failover.ts';

const groupParams = z.object({ group: nameSchema.openapi({ example: 'shop-eu' }) });

/** Rendering a whole fleet takes longer than other answers. */
const planTimeoutMs = 120_000;

export const failoverEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/parity/{group}/failover',
    operationId: 'planFailover',
    summary: 'Shows what a failover would change, whether the standby is ready, and what has to be confirmed',
    tag: 'failover',
    params: groupParams,
    query: failoverAskedQuery,
    reply: failoverPlanSchema,
    errors: ['not_found', 'invalid_argument', 'failed_precondition', 'resource_exhausted'],
    timeoutMs: planTimeoutMs,
    async handle({ params, query, signal }, { failovers }) {
      const asked = { group: params.group, kind: query.kind, to: query.to };
      return toFailoverPlan(await failovers.plan(asked, signal));
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/parity/{group}/failover',
    operationId: 'startFailover',
    summary: 'Lets a standby take over, or go back, or plays it through: an emergency',
    description:
      "The switch of roles is committed to the fleet repository, or counts by the hub's own word until it is; then the new primary gets its Targets first.",
    tag: 'failover',
    params: groupParams,
    body: failoverStartSchema,
    reply: failoverSchema,
    status: 202,
    errors: ['not_found', 'invalid_argument', 'failed_precondition', 'conflict'],
    timeoutMs: planTimeoutMs,
    async handle({ params, body, caller, audit, signal }, { failovers, store }) {
      const { overrideSeconds, kind, to, reason, confirm, commit } = body;
      const { group } = params;
      const overrideMs = overrideSeconds === undefined ? undefined : overrideSeconds * 1_000;
      const asked = { group, kind, to, reason, confirm, commit, actor: caller.name, overrideMs };
      const started = await failovers.start(asked, signal);
      const message = `Started a ${kind === 'back' ? 'failover back' : kind} of ${group} from ${started.from} to ${started.to}: ${reason}`;
      const data = { failover: started.id, mode: started.mode, confirmed: started.confirmed };
      await store.events.append([audit({ message, data })]);
      return toFailover(started);
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/parity/{group}/failover/revoke',
    operationId: 'revokeFailover',
    summary: 'Ends a failover that is not in Git yet: roles come back as Git has them',
    tag: 'failover',
    params: groupParams,
    body: z.strictObject({ reason: reasonSchema }).openapi('FailoverRevoke'),
    reply: failoverSchema,
    errors: ['not_found', 'failed_precondition', 'conflict'],
    async handle({ params, body, caller, audit }, { failovers, store }) {
      const { group } = params;
      const revoked = await failovers.revoke(group, { reason: body.reason, actor: caller.name });
      const message = `Revoked the failover of ${group}: ${body.reason}`;
      await store.events.append([audit({ message, data: { failover: revoked.id } })]);
      return toFailover(revoked);
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/parity/{group}/failover/extend',
    operationId: 'extendFailover',
    summary: "Lets the hub's own word on the roles last longer, counted from now",
    tag: 'failover',
    params: groupParams,
    body: failoverExtendSchema,
    reply: failoverSchema,
    errors: ['not_found', 'invalid_argument', 'failed_precondition', 'conflict'],
    async handle({ params, body, caller, audit }, { failovers, store }) {
      const { group } = params;
      const { reason, overrideSeconds } = body;
      const said = { reason, actor: caller.name, overrideMs: overrideSeconds * 1_000 };
      const extended = toFailover(await failovers.extend(group, said));
      const until = extended.overrideUntil;
      const message = `Extended the override of ${group} until ${until}: ${reason}`;
      await store.events.append([audit({ message, data: { failover: extended.id, until } })]);
      return extended;
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/failovers',
    operationId: 'listFailovers',
    summary: 'Lists failovers and drills, the newest first',
    tag: 'failover',
    query: z.object({
      group: nameSchema.optional(),
      kind: kindSchema.optional().openapi({ description: 'Of these alone: drills, say' }),
      open: z
        .enum(['true', 'false'])
        .optional()
        .openapi({ description: 'true: those under way alone, in the order they began, in one page' }),
      ...pageQuery,
    }),
    reply: failoverPageSchema,
    async handle({ query }, { failovers }) {
      const { group, kind, limit, cursor } = query;
      if (query.open === 'true') {
        const open = await failovers.open();
        const chosen = open.filter(
          (one) => (group === undefined || one.group === group) && (kind === undefined || one.kind === kind),
        );
        return { items: chosen.map(toFailover), next: null };
      }
      const page = await failovers.list(group, { limit, cursor }, kind);
      return { items: page.items.map(toFailover), next: page.next ?? null };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/failovers/{failover}',
    operationId: 'getFailover',
    summary: 'Shows a failover: its phase, what it waits for, and its measured time to ready',
    tag: 'failover',
    params: z.object({ failover: z.string().min(1).max(64) }),
    reply: failoverSchema,
    errors: ['not_found'],
    async handle({ params }, { failovers }) {
      const found = await failovers.get(params.failover);
      if (found === undefined)
        throw new FairwayError('not_found', `There is no failover "${params.failover}".`);
      return toFailover(found);
    },
  }),
];

import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { RolloutAction } from '../../rollout/apply-action.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { applicationNameSchema } from '../schemas/common.ts';
import { rolloutActionSchema, rolloutSchema, toRollout } from '../schemas/rollout.ts';

/** @throws invalid_argument for an action without what it is about. */
function toAction({ action, wave, cluster }: z.infer<typeof rolloutActionSchema>): RolloutAction {
  switch (action) {
    case 'approve':
    case 'reject':
    case 'promote':
      return { type: action, wave };
    case 'retry':
      return { type: action, cluster };
    case 'exclude':
      if (cluster === '') throw new FairwayError('invalid_argument', 'exclude needs a cluster.');
      return { type: action, cluster };
    default:
      return { type: action };
  }
}

export const rolloutEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/rollouts',
    operationId: 'listRollouts',
    summary: 'Lists the rollouts of applications',
    tag: 'rollouts',
    reply: z.object({ items: z.array(rolloutSchema) }).openapi('RolloutList'),
    async handle(_request, { rollouts }) {
      return { items: (await rollouts.reports()).map(toRollout) };
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/applications/{application}/rollout',
    operationId: 'getRollout',
    summary: "Shows an application's rollout, wave by wave, and what each cluster waits on",
    tag: 'rollouts',
    params: z.object({ application: applicationNameSchema }),
    reply: rolloutSchema,
    errors: ['not_found'],
    async handle({ params }, { rollouts }) {
      const report = await rollouts.report(params.application);
      if (report === undefined)
        throw new FairwayError(
          'not_found',
          `There is no application "${params.application}", or nothing of it was released yet.`,
        );
      return toRollout(report);
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/applications/{application}/rollout/actions',
    operationId: 'actOnRollout',
    summary:
      'Approves, rejects, promotes, pauses, resumes, aborts, rolls back, retries, or excludes a cluster',
    description:
      'Said twice it changes nothing more. Where it does not apply it is refused with why, and nothing has changed.',
    tag: 'rollouts',
    params: z.object({ application: applicationNameSchema }),
    body: rolloutActionSchema,
    reply: rolloutSchema,
    errors: ['not_found', 'failed_precondition', 'conflict'],
    async handle({ params, body, caller }, { rollouts, clock }) {
      const said = { actor: caller.name, reason: body.reason, atMs: clock.now() };
      return toRollout(await rollouts.act(params.application, toAction(body), said, body.rollout));
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/applications/{application}/rollout/all-at-once',
    operationId: 'rollOutAllAtOnce',
    summary: 'Lifts all gates and bounds of the rollout that is under way: an emergency',
    description:
      'Every cluster gets the release now: no wave, approval, soak, analysis, window, freeze or failure holds it up. For this release alone; the next has its gates again.',
    tag: 'rollouts',
    params: z.object({ application: applicationNameSchema }),
    body: z.strictObject({ reason: z.string().min(1).max(1_000) }).openapi('RolloutEmergency'),
    reply: rolloutSchema,
    errors: ['not_found', 'failed_precondition', 'conflict'],
    async handle({ params, body, caller }, { rollouts, clock }) {
      const said = { actor: caller.name, reason: body.reason, atMs: clock.now() };
      return toRollout(await rollouts.act(params.application, { type: 'all-at-once' }, said));
    },
  }),
];

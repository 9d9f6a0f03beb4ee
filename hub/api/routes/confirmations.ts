import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Confirmation } from '../../model/release.ts';
import { type HeldPrune, heldPrunes } from '../../status/held-prunes.ts';
import type { Store } from '../../store/store.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { reasonSchema } from '../schemas/common.ts';
import { confirmationSchema, toConfirmation } from '../schemas/confirmation.ts';

/** With what agents hold back; those have no row until somebody has confirmed them. */
async function loadAll(store: Store): Promise<{
  readonly stored: readonly Confirmation[];
  readonly prunes: readonly HeldPrune[];
}> {
  const [stored, observations, assignments] = await Promise.all([
    store.releases.confirmations(),
    store.observations.applications({}),
    store.releases.assignments({}),
  ]);
  return { stored, prunes: heldPrunes(observations, assignments, stored) };
}

export const confirmationEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/confirmations',
    operationId: 'listConfirmations',
    summary: 'Lists removals that wait for a word from an operator',
    description:
      'Of the fleet (assignments that a revision takes away), and of kind prune: objects that left an application in a cluster, more than its sync.pruneLimit allows.',
    tag: 'actions',
    query: z.object({ open: z.enum(['true', 'false']).optional() }),
    reply: z.object({ items: z.array(confirmationSchema) }).openapi('ConfirmationList'),
    async handle({ query }, { store }) {
      const { stored, prunes } = await loadAll(store);
      const waiting = prunes.map((one) => ({ ...one, confirmedAtMs: undefined, confirmedBy: undefined }));
      const all = [...stored, ...waiting];
      const open = query.open;
      const wanted = all.filter(
        ({ confirmedAtMs }) => open === undefined || String(confirmedAtMs === undefined) === open,
      );
      return { items: wanted.map(toConfirmation) };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/confirmations/{confirmation}/confirm',
    operationId: 'confirm',
    summary: 'Lets a held removal happen',
    description: 'Confirming twice changes nothing: the first word counts.',
    tag: 'actions',
    params: z.object({ confirmation: z.string().min(1).max(200) }),
    body: z.strictObject({ reason: reasonSchema.optional() }).openapi('ConfirmRequest'),
    reply: confirmationSchema,
    errors: ['not_found'],
    async handle({ params, body, audit, caller }, { store }) {
      const id = params.confirmation;
      const { stored, prunes } = await loadAll(store);
      const prune = prunes.find((one) => one.id === id);
      const held = prune ?? stored.find((one) => one.id === id);
      if (held === undefined) throw new FairwayError('not_found', `There is no confirmation "${id}".`);
      const { kind, subject } = held;
      const reason = body.reason;
      if (kind === 'prune' && reason === undefined)
        throw new FairwayError(
          'invalid_argument',
          'Say why these objects may be deleted: reason is required.',
        );
      const message = `Confirmed${reason === undefined ? '' : ` (${reason})`}: ${held.message}`;
      const data = { confirmation: id, kind, subject, ...(reason !== undefined && { reason }) };
      const [cluster = '', application = ''] = kind === 'prune' ? subject.split('/') : [];
      const event = audit({ message, data, cluster, application });
      return toConfirmation(await store.releases.confirm(id, caller.name, event, prune));
    },
  }),
];

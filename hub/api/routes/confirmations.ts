import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { confirmationSchema, toConfirmation } from '../schemas/confirmation.ts';

export const confirmationEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/confirmations',
    operationId: 'listConfirmations',
    summary: 'Lists removals that wait for a word from an operator',
    tag: 'actions',
    query: z.object({ open: z.enum(['true', 'false']).optional() }),
    reply: z.object({ items: z.array(confirmationSchema) }).openapi('ConfirmationList'),
    async handle({ query }, { store }) {
      const all = await store.releases.confirmations();
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
    reply: confirmationSchema,
    errors: ['not_found'],
    async handle({ params, audit, caller }, { store }) {
      const id = params.confirmation;
      const held = (await store.releases.confirmations()).find((one) => one.id === id);
      if (held === undefined) throw new FairwayError('not_found', `There is no confirmation "${id}".`);
      const message = `Confirmed: ${held.message}`;
      const data = { confirmation: id, kind: held.kind, subject: held.subject };
      return toConfirmation(await store.releases.confirm(id, caller.name, audit({ message, data })));
    },
  }),
];

import { z } from '@hono/zod-openapi';
import { jsonEndpoint } from '../endpoint.ts';

export const webhookEndpoints = [
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/webhooks/git',
    operationId: 'receiveGitWebhook',
    summary: 'Takes a push webhook of GitHub, GitLab, Gitea, Forgejo, or a generic one',
    description: 'Needs no token: the signature of the payload is verified.',
    tag: 'webhooks',
    bodyBytesMax: 5 * 1024 * 1024,
    status: 202,
    reply: z
      .object({ sources: z.int().openapi({ description: 'Repositories that are looked at now' }) })
      .openapi('WebhookAccepted'),
    errors: ['unauthenticated'],
    async handle({ headers, bytes, audit }, { store, sources }) {
      const urls = await sources.webhook({ headers: Object.fromEntries(headers), body: await bytes() });
      if (urls.length === 0) return { sources: 0 };
      const woken = sources.poke(urls);
      const message = `A webhook told of a push; ${woken} ${woken === 1 ? 'source' : 'sources'} followed.`;
      await store.events.append([{ ...audit({ message, data: { sources: woken } }), actor: 'webhook' }]);
      return { sources: woken };
    },
  }),
];

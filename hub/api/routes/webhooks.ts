import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { jsonEndpoint } from '../endpoint.ts';

/** Bodies read at once: anybody may send one, and its signature can only be looked at when it is whole. */
const bodiesMax = 16;

export const webhookEndpoints = createWebhookEndpoints();

function createWebhookEndpoints() {
  let reading = 0;
  const readOne = async (bytes: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    if (reading >= bodiesMax)
      throw new FairwayError('resource_exhausted', 'Too many webhooks at once.', { retryAfterMs: 1_000 });
    reading += 1;
    try {
      return await bytes();
    } finally {
      reading -= 1;
    }
  };
  return [createGitWebhook(readOne)];
}

function createGitWebhook(readOne: (bytes: () => Promise<Uint8Array>) => Promise<Uint8Array>) {
  return jsonEndpoint({
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
    errors: ['unauthenticated', 'resource_exhausted'],
    async handle({ headers, bytes, audit }, { store, sources }) {
      const urls = await sources.webhook({
        headers: Object.fromEntries(headers),
        body: await readOne(bytes),
      });
      if (urls.length === 0) return { sources: 0 };
      const woken = sources.poke(urls);
      const message = `A webhook told of a push; ${woken} ${woken === 1 ? 'source' : 'sources'} followed.`;
      await store.events.append([{ ...audit({ message, data: { sources: woken } }), actor: 'webhook' }]);
      return { sources: woken };
    },
  });
}

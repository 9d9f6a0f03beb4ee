import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import { type AccessToken, scopes } from '../../model/registry.ts';
import { createAccessToken } from '../auth/access-token.ts';
import { jsonEndpoint } from '../endpoint.ts';
import { timeSchema, toTime } from '../schemas/common.ts';

const scopeSchema = z.enum(scopes).openapi('Scope');

const accessTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scope: scopeSchema,
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable(),
    lastUsedAt: timeSchema.nullable(),
    revokedAt: timeSchema.nullable(),
  })
  .openapi('AccessToken');

function toAccessToken(row: AccessToken): z.infer<typeof accessTokenSchema> {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    createdAt: toTime(row.createdAtMs),
    expiresAt: toTime(row.expiresAtMs),
    lastUsedAt: toTime(row.lastUsedAtMs),
    revokedAt: toTime(row.revokedAtMs),
  };
}

const daySeconds = 24 * 3600;

export const accessTokenEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/access-tokens',
    operationId: 'listAccessTokens',
    summary: 'Lists the tokens of this API; their secrets are not kept',
    tag: 'access',
    reply: z.object({ items: z.array(accessTokenSchema) }).openapi('AccessTokenList'),
    async handle(_call, { store }) {
      return { items: (await store.access.tokens()).map(toAccessToken) };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/access-tokens',
    operationId: 'createAccessToken',
    summary: 'Makes a token for this API',
    tag: 'access',
    body: z
      .strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9][\w.@-]{0,62}$/)
          .openapi({ description: 'At most 63 letters, digits, ".", "_", "@" and "-"', example: 'ci' }),
        scope: scopeSchema,
        expiresInSeconds: z
          .int()
          .min(60)
          .max(365 * daySeconds)
          .default(90 * daySeconds)
          .openapi({ description: 'Default 90 days, at most a year' }),
      })
      .openapi('AccessTokenRequest'),
    status: 201,
    reply: accessTokenSchema
      .extend({ token: z.string().openapi({ description: 'Shown this once' }) })
      .openapi('NewAccessToken'),
    async handle({ body, audit }, { store, clock, random }) {
      const { name, scope, expiresInSeconds } = body;
      const request = { name, scope, ttlMs: expiresInSeconds * 1000 };
      const { token, row } = createAccessToken(request, clock.now(), random);
      const message = `Made the API token "${name}" with scope ${scope}.`;
      await store.access.saveToken(row, audit({ message, data: { token: row.id, name, scope } }));
      return { ...toAccessToken(row), token };
    },
  }),
  jsonEndpoint({
    method: 'delete',
    path: '/api/v1/access-tokens/{token}',
    operationId: 'revokeAccessToken',
    summary: 'Revokes a token of this API at once',
    tag: 'access',
    params: z.object({ token: z.string().min(1).max(200) }),
    reply: z.object({ revoked: z.boolean() }).openapi('Revoked'),
    errors: ['not_found'],
    async handle({ params, audit }, { store, clock }) {
      const row = (await store.access.tokens()).find(({ id }) => id === params.token);
      if (row === undefined)
        throw new FairwayError('not_found', `There is no access token "${params.token}".`);
      const event = audit({
        message: `Revoked the API token "${row.name}".`,
        data: { token: row.id, name: row.name },
      });
      return { revoked: await store.access.revokeToken(row.id, clock.now(), event) };
    },
  }),
];

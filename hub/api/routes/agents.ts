import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { EnrolmentToken } from '../../model/registry.ts';
import { jsonEndpoint, rawEndpoint } from '../endpoint.ts';
import type { AgentRights } from '../install/install-options.ts';
import { certificateListSchema, toCertificate } from '../schemas/cluster.ts';
import { nameSchema, reasonSchema, timeSchema, toTime } from '../schemas/common.ts';

const enrolmentTokenSchema = z
  .object({
    id: z.string(),
    cluster: z.string(),
    createdBy: z.string(),
    createdAt: timeSchema,
    expiresAt: timeSchema,
    usedAt: timeSchema.nullable(),
    revokedAt: timeSchema.nullable(),
  })
  .openapi('EnrolmentToken');

function toEnrolmentToken(token: EnrolmentToken): z.infer<typeof enrolmentTokenSchema> {
  return {
    id: token.id,
    cluster: token.cluster,
    createdBy: token.createdBy,
    createdAt: toTime(token.createdAtMs),
    expiresAt: toTime(token.expiresAtMs),
    usedAt: toTime(token.usedAtMs),
    revokedAt: toTime(token.revokedAtMs),
  };
}

const lifetime = z
  .int()
  .min(60)
  .max(7 * 24 * 3600)
  .default(3600)
  .openapi({ description: 'Default an hour' });
const address = z
  .string()
  .max(300)
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/)
  .openapi({ description: 'Host:port', example: 'hub.example.org:8443' });

const manifestRequestSchema = z
  .strictObject({
    cluster: nameSchema,
    image: z.string().min(1).max(500).optional(),
    namespace: nameSchema.max(63).optional(),
    hubAddress: address.optional(),
    enrolmentAddress: address.optional(),
    expiresInSeconds: lifetime,
    impersonate: z
      .boolean()
      .optional()
      .openapi({ description: 'It may write in the name of service accounts (spec.sync.serviceAccount)' }),
    replicas: z.int().min(1).max(5).optional().openapi({ description: 'Of which one works; default 1' }),
    rights: z
      .discriminatedUnion('mode', [
        z.strictObject({ mode: z.literal('cluster-admin') }),
        z.strictObject({ mode: z.literal('kinds'), kinds: z.array(z.string().max(300)).max(500).optional() }),
        z.strictObject({ mode: z.literal('namespaces'), namespaces: z.array(nameSchema).min(1).max(500) }),
      ])
      .optional(),
  })
  .openapi('AgentManifestRequest');

const clusterParams = z.object({ cluster: nameSchema });

export const agentEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/enrolment-tokens',
    operationId: 'listEnrolmentTokens',
    summary: 'Lists enrolment tokens; their secrets are not kept',
    tag: 'agents',
    reply: z.object({ items: z.array(enrolmentTokenSchema) }).openapi('EnrolmentTokenList'),
    async handle(_call, { store }) {
      return { items: (await store.registry.tokens()).map(toEnrolmentToken) };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/enrolment-tokens',
    operationId: 'createEnrolmentToken',
    summary: 'Makes a single-use token with which one agent enrols',
    tag: 'agents',
    body: z
      .strictObject({ cluster: nameSchema, expiresInSeconds: lifetime })
      .openapi('EnrolmentTokenRequest'),
    status: 201,
    reply: z
      .object({
        id: z.string(),
        cluster: z.string(),
        token: z.string().openapi({ description: 'Shown this once' }),
        expiresAt: timeSchema,
      })
      .openapi('NewEnrolmentToken'),
    async handle({ body, caller }, { registry }) {
      const { cluster, expiresInSeconds } = body;
      const created = await registry.createToken({
        cluster,
        ttlMs: expiresInSeconds * 1000,
        actor: caller.name,
      });
      return { id: created.id, cluster, token: created.token, expiresAt: toTime(created.expiresAtMs) };
    },
  }),
  jsonEndpoint({
    method: 'delete',
    path: '/api/v1/enrolment-tokens/{token}',
    operationId: 'revokeEnrolmentToken',
    summary: 'Revokes an enrolment token that was not used',
    tag: 'agents',
    params: z.object({ token: z.string().min(1).max(200) }),
    reply: z.object({ revoked: z.boolean() }).openapi('Revoked'),
    errors: ['not_found'],
    async handle({ params, caller }, { registry, store }) {
      if ((await store.registry.token(params.token)) === undefined)
        throw new FairwayError('not_found', `There is no enrolment token "${params.token}".`);
      return { revoked: await registry.revokeToken(params.token, caller.name) };
    },
  }),
  rawEndpoint({
    method: 'post',
    path: '/api/v1/agent-manifests',
    operationId: 'createAgentManifests',
    summary: 'Makes an enrolment token and the manifests that install an agent with it',
    description: 'The answer is YAML for `kubectl apply -f -`. It holds the token: treat it as a secret.',
    tag: 'agents',
    body: manifestRequestSchema,
    media: { 'application/yaml': z.string() },
    errors: ['failed_precondition'],
    async handle({ body, caller }, { registry, install }) {
      const { expiresInSeconds, cluster, ...options } = body;
      // A request that cannot be answered must not leave a token behind.
      install.manifests({ cluster, token: 'none', ...options, rights: options.rights as AgentRights });
      const ttlMs = expiresInSeconds * 1000;
      const { token } = await registry.createToken({ cluster, ttlMs, actor: caller.name });
      const text = install.manifests({ cluster, token, ...options, rights: options.rights as AgentRights });
      const headers = { 'content-type': 'application/yaml', 'cache-control': 'no-store' };
      return new Response(text, { headers });
    },
  }),
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/clusters/{cluster}/certificates',
    operationId: 'listCertificates',
    summary: "Lists the certificates of a cluster's agent",
    tag: 'agents',
    params: clusterParams,
    reply: certificateListSchema,
    async handle({ params }, { store }) {
      return { items: (await store.registry.certificates(params.cluster)).map(toCertificate) };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/clusters/{cluster}/revoke',
    operationId: 'revokeCertificates',
    summary: "Revokes a cluster's certificates and ends its session",
    description: 'The agent has to be enrolled anew. Its cluster keeps what it runs.',
    tag: 'agents',
    params: clusterParams,
    body: z.strictObject({ reason: reasonSchema }).openapi('RevokeRequest'),
    reply: z.object({ certificates: z.int() }).openapi('RevokedCertificates'),
    errors: ['not_found'],
    async handle({ params, body, caller }, { registry, agents, store }) {
      if ((await store.registry.cluster(params.cluster)) === undefined)
        throw new FairwayError('not_found', `No agent has enrolled for cluster "${params.cluster}".`);
      const certificates = await registry.revoke(params.cluster, body.reason, caller.name);
      agents.disconnect(params.cluster, 'its certificates were revoked');
      return { certificates };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/clusters/{cluster}/forget',
    operationId: 'forgetCluster',
    summary: 'Forgets a cluster that is gone for good',
    description:
      'Refused while the cluster is declared in the fleet repository or its agent is connected. Revokes its certificates and tokens, ends removals that wait for it, and deletes what was assigned and observed. What runs in the cluster, if it is still there, stays. Its generations go on if it is ever enrolled again.',
    tag: 'agents',
    params: clusterParams,
    body: z.strictObject({ reason: reasonSchema }).openapi('ForgetRequest'),
    reply: z
      .object({
        certificates: z.int().openapi({ description: 'Certificates that were revoked' }),
        tokens: z.int().openapi({ description: 'Unused enrolment tokens that were revoked' }),
        assignments: z.int().openapi({ description: 'Applications that were assigned to it' }),
        removals: z.int().openapi({ description: 'Of them, removals that waited for its agent' }),
      })
      .openapi('ForgottenCluster'),
    errors: ['not_found', 'failed_precondition'],
    handle: ({ params, body, caller }, { registry }) =>
      registry.forget(params.cluster, body.reason, caller.name),
  }),
];

/**
 * Through whom an application is written. With `sync.serviceAccount` each write, dry run and deletion carries that account's name, so that the API server's own
 * RBAC says what a tenant may do; what the agent reads, and its inventory, stay its own. And what the API server says of an object whose values are secret
 * is told without its words, which may quote them.
 */
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { allowsClusterObject } from '../../../shared/manifest/cluster-objects.ts';
import { isSensitive } from '../../../shared/manifest/masking.ts';
import type { Json, JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import type { SyncOptions } from '../../../shared/manifest/target.ts';
import type { KubeClient, ResourceRef } from '../../kube/kube-client.ts';
import { statusOf } from '../../kube/status-error.ts';

/**
 * The user name of a service account, given as NAME or NAMESPACE:NAME. Its groups are left to the API server, which knows them by the name: naming them would take the right to
 * impersonate groups (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation).
 */
function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${name.includes(':') ? name : `${namespace}:${name}`}`;
}

/** The same refusal with reason and fields only, which hold no values. */
function concealError(error: FairwayError): FairwayError {
  const status = statusOf(error);
  if (!status) return error;
  const causes = (status.details?.causes ?? []).map(({ reason, field }) => ({ reason, field }));
  const fields = causes.map(({ reason, field }) => `${field ?? ''} (${reason ?? 'refused'})`);
  const named = fields.length === 0 ? '' : `: ${fields.slice(0, 10).join(', ')}`;
  return new FairwayError(
    error.code,
    `the API server refused it with ${status.reason ?? status.code ?? 'an error'}${named}; its words may hold secret values and stay in the cluster`,
    {
      subject: error.subject,
      retry: error.retry,
      retryAfterMs: error.retryAfterMs,
      details: {
        ...error.details,
        status: { kind: 'Status', code: status.code, reason: status.reason, details: { causes } },
      },
    },
  );
}

const conflictsMax = 10;

/** Fields that other managers apply, by name: the API server's causes say which and whose (`reason: FieldManagerConflict`). */
function explainConflict(error: FairwayError): FairwayError {
  const causes = statusOf(error)?.details?.causes ?? [];
  const conflicts = causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (error.code !== 'conflict' || conflicts.length === 0) return error;
  const named = conflicts.slice(0, conflictsMax).map(({ field, message }) => `${field}: ${message}`);
  if (conflicts.length > conflictsMax) named.push(`and ${conflicts.length - conflictsMax} more`);
  return new FairwayError(
    'failed_precondition',
    `others apply fields of it, and sync.conflicts is report: ${named.join('; ')}`,
    { subject: error.subject, details: { ...error.details } },
  );
}

/** Codes whose message the API server makes of names alone. */
const plainCodes: ReadonlySet<string> = new Set([
  'not_found',
  'conflict',
  'already_exists',
  'unavailable',
  'resource_exhausted',
  'unauthenticated',
]);
const quotedLengthMin = 4;

/** Texts of all values outside of what names the object, and what a Secret's base64 stands for. */
function valuesOf({ apiVersion: _a, kind: _k, metadata: _m, ...rest }: KubeObject): readonly string[] {
  const found: string[] = [];
  const visit = (value: Json | undefined): void => {
    if (value === null || value === undefined) return;
    if (typeof value === 'object') for (const item of Object.values(value)) visit(item as Json);
    else found.push(String(value));
  };
  visit(rest);
  const decoded = Object.values((rest['data'] ?? {}) as JsonObject).map((value) =>
    Buffer.from(String(value), 'base64').toString('utf8'),
  );
  return [...found, ...decoded].filter(({ length }) => length >= quotedLengthMin);
}

/** Whether what was said of the object may be passed on as it is. A refused right names user and resource, but a webhook may refuse with any words. */
function isPlain(error: FairwayError, object: KubeObject): boolean {
  if (!isSensitive(object) || plainCodes.has(error.code)) return true;
  return (
    error.code === 'permission_denied' && !valuesOf(object).some((value) => error.message.includes(value))
  );
}

type Rights = Pick<SyncOptions, 'namespace' | 'serviceAccount' | 'clusterObjects'>;

/**
 * What its Project does not let an application bring: of custom kinds only the cluster knows which lie in no namespace. And nothing beside the agent, whose
 * account a pod there could take; where that is, the hub need not know. Deleting and letting go are not held up, so that what was brought before a rule came can go.
 * @throws permission_denied
 */
function assertAllowed(
  { clusterObjects }: Rights,
  own: string,
  { resource, namespace, name }: ResourceRef,
): void {
  const { group, kind, namespaced } = resource;
  const isOwn = namespaced ? namespace === own : kind === 'Namespace' && group === '' && name === own;
  if (isOwn)
    throw new FairwayError(
      'permission_denied',
      `${kind} ${name} belongs to the agent's own namespace ${own}, which an application may not change: use another`,
      { subject: `${kind} ${name}` },
    );
  if (clusterObjects === undefined || namespaced) return;
  if (allowsClusterObject(clusterObjects, { group, kind, name })) return;
  throw new FairwayError(
    'permission_denied',
    `${kind} ${name} belongs to the whole cluster, and kinds.cluster of the application's Project does not allow it: leave it out, or have it added`,
    { subject: `${kind} ${name}` },
  );
}

/** The client that an application's writes go through. @param own the agent's namespace. */
export function writerOf(kube: KubeClient, rights: Rights, own: string): KubeClient {
  const { namespace, serviceAccount } = rights;
  const user = serviceAccount && serviceAccountUser(namespace, serviceAccount);
  const through = user ? kube.as({ user, groups: [] }) : kube;
  return {
    ...kube,
    async apply(ref, body, options) {
      assertAllowed(rights, own, ref);
      try {
        return await through.apply(ref, body, options);
      } catch (caught) {
        const error = toFairwayError(caught);
        throw isPlain(error, body as unknown as KubeObject) ? explainConflict(error) : concealError(error);
      }
    },
    async create(ref, body, ...rest) {
      const { name } = (body as unknown as KubeObject).metadata;
      assertAllowed(rights, own, { ...ref, name: String(name) });
      return through.create(ref, body, ...rest);
    },
    async update(ref, ...rest) {
      assertAllowed(rights, own, ref);
      return through.update(ref, ...rest);
    },
    patch: through.patch,
    delete: through.delete,
  };
}

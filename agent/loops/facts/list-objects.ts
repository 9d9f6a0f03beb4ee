import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { FactGap } from '../../../shared/manifest/cluster-facts.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import type { ApiResource, KubeClient, ListRequest } from '../../kube/kube-client.ts';
import {
  type FactKind,
  objectsMaxDefault,
  pageSizeDefault,
  selectOf,
  trimBy,
  withKind,
} from '../../observe/fact-watch.ts';
import { type Counted, createObjectTally } from '../../observe/object-tally.ts';
import { tooMany } from './fact-gaps.ts';

/** What is kept of a kind's objects, and what that leaves out. */
export interface Listed {
  readonly counted: readonly Counted[];
  readonly gaps: readonly FactGap[];
}

export const nothingListed: Listed = { counted: [], gaps: [] };

/** More are listed as one, where only metadata is wanted. */
const namespacesEachMax = 4;

/** One each, without saying which are alike. */
export function objectsOf({ counted }: Listed): readonly KubeObject[] {
  return counted.flatMap(([object, count]) => Array.from({ length: count }, () => object));
}

/** `deployments.apps` */
function nameOf({ resource, group }: ApiResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** What an agent may not do, in words that say which right lacks; any other error as it is. */
export function explainDenied(
  caught: unknown,
  verb: 'get' | 'list',
  resource: ApiResource,
  namespace: string,
): FairwayError {
  const error = toFairwayError(caught);
  if (error.code !== 'permission_denied') return error;
  const where = !resource.namespaced
    ? ''
    : namespace === ''
      ? ' in all namespaces'
      : ` in namespace ${namespace}`;
  return new FairwayError('permission_denied', `the agent may not ${verb} ${nameOf(resource)}${where}`, {
    cause: error,
  });
}

/** Visits objects of one namespace, or of all (empty), page after page, until it is told that there is no room. @throws permission_denied in our words, and what the API server says. */
async function visitPages(
  kube: Pick<KubeClient, 'list'>,
  request: ListRequest,
  visit: (object: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<void> {
  let next: string | undefined;
  try {
    do {
      const page = await kube.list({ ...request, ...(next !== undefined && { continue: next }) }, signal);
      for (const item of page.items) if (!visit(withKind(item, request.resource))) return;
      next = page.continue === '' ? undefined : page.continue;
    } while (next !== undefined);
  } catch (caught) {
    const error = explainDenied(caught, 'list', request.resource, request.namespace);
    // What was discovered a while ago is served no more: nothing of it can be there.
    if (error.code !== 'not_found') throw error;
  }
}

/**
 * Lists a kind once: in managed namespaces, or in all where others count too. One that may not be listed as a whole is listed namespace by namespace, and what that leaves out is told.
 * @throws permission_denied where it may not be listed.
 */
export async function listObjects(
  kube: Pick<KubeClient, 'list'>,
  resource: ApiResource,
  kind: FactKind,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<Listed> {
  const objectsMax = kind.objectsMax ?? objectsMaxDefault;
  const tally = createObjectTally(objectsMax);
  const trim = trimBy(kind, new Set(namespaces));
  const visit = (object: KubeObject): boolean => {
    tally.put(`${object.metadata.namespace ?? ''}/${object.metadata.name}`, trim(object));
    return !tally.cut;
  };
  const request = { resource, limit: kind.pageSize ?? pageSizeDefault, ...selectOf(kind) };
  const answer = (more: readonly FactGap[] = []): Listed => ({
    counted: tally.counted(),
    gaps: [...more, ...(tally.cut ? [tooMany(kind.kind, objectsMax)] : [])],
  });
  const everywhere = !resource.namespaced || kind.elsewhere !== undefined;
  const left: FactGap[] = [];
  if (everywhere || (kind.metadataOnly && namespaces.length > namespacesEachMax)) {
    try {
      await visitPages(kube, { ...request, namespace: '' }, visit, signal);
      return answer();
    } catch (caught) {
      const { code, message } = toFairwayError(caught);
      if (code !== 'permission_denied' || !resource.namespaced || kind.elsewhere === 'told') throw caught;
      if (kind.elsewhere) left.push({ kind: kind.kind, reason: 'denied', message });
    }
  }
  for (const namespace of namespaces)
    if (!tally.cut) await visitPages(kube, { ...request, namespace }, visit, signal);
  return answer(left);
}

import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { isJsonObject } from '../../shared/manifest/object.ts';
import type { ApiResource, KubeClient } from '../kube/kube-client.ts';

/** Secrets of the agent's own namespace: the little that keeping an identity and a cache needs. */
export interface SecretsPort {
  /** Undefined when there is none. */
  read(name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined>;
  /** Makes or replaces its data and these annotations. */
  write(
    name: string,
    data: ReadonlyMap<string, Uint8Array>,
    annotations?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Nothing happens when there is none. */
  remove(name: string): Promise<void>;
}

const secretResource: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  resource: 'secrets',
  namespaced: true,
  verbs: ['get', 'create', 'patch', 'delete'],
};

/** Annotations of a Secret, without its data; none where there is no such Secret, or none that this agent may read. One request. */
export async function readAnnotations(
  kube: Pick<KubeClient, 'get'>,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    const ref = { resource: secretResource, namespace, name };
    return (await kube.get(ref, signal, { metadataOnly: true })).metadata.annotations ?? {};
  } catch (caught) {
    const { code } = toFairwayError(caught);
    if (code === 'not_found' || code === 'permission_denied') return {};
    throw caught;
  }
}

/** Own field manager, apart from the one that applies manifests. */
const fieldManager = 'fairway-agent';

/** Needs get, create, patch and delete on Secrets of the namespace. */
export function createKubeSecrets(
  kube: Pick<KubeClient, 'get' | 'apply' | 'delete'>,
  namespace: string,
): SecretsPort {
  const ref = (name: string) => ({ resource: secretResource, namespace, name });
  const isNotFound = (caught: unknown) => caught instanceof FairwayError && caught.code === 'not_found';
  return {
    async read(name) {
      try {
        const data = (await kube.get(ref(name)))['data'];
        const members = isJsonObject(data) ? Object.entries(data) : [];
        return new Map(members.map(([key, value]) => [key, Buffer.from(String(value), 'base64')]));
      } catch (caught) {
        if (isNotFound(caught)) return undefined;
        throw caught;
      }
    },
    async write(name, data, annotations) {
      const encoded = [...data].map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const);
      const labels = { 'app.kubernetes.io/part-of': 'fairway' };
      const metadata = { name, namespace, labels, ...(annotations && { annotations }) };
      const body = {
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'Opaque',
        metadata,
        data: Object.fromEntries(encoded),
      };
      // The content would come back with the answer.
      await kube.apply(ref(name), body, { fieldManager, force: true, metadataOnly: true });
    },
    async remove(name) {
      try {
        await kube.delete(ref(name));
      } catch (caught) {
        if (!isNotFound(caught)) throw caught;
      }
    },
  };
}

import type { Clock } from '../../shared/clock/clock.ts';
import type { Random } from '../../shared/clock/random.ts';
import { FairwayError } from '../../shared/error/error.ts';
import type { Logger } from '../../shared/log/log.ts';
import { stringifyExactJson } from '../../shared/manifest/exact-json.ts';
import { fieldManager } from '../model/inventory.ts';
import { withApplyFallback } from './apply-fallback.ts';
import type { KubeConnection } from './connection.ts';
import { createDiscovery, type Discovery } from './discovery.ts';
import type { Impersonated, KubeClient, ListRequest, ListResult, LiveObject } from './kube-client.ts';
import { resourcePath } from './resource-path.ts';
import { createTransport, type Transport, type TransportResponse } from './transport.ts';
import { runWatch } from './watch-stream.ts';

export interface KubeClientPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Asked before each request that changes something; throws where it may not. Default: it may. */
  readonly assertMayWrite?: (() => void) | undefined;
}

const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const metadataOne = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const patchTypes = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' } as const;

function parse<T>(response: TransportResponse, subject: string): T {
  try {
    return JSON.parse(response.body.toString('utf8')) as T;
  } catch (cause) {
    throw new FairwayError('unavailable', 'the API server answered something that is not JSON', {
      subject,
      cause,
    });
  }
}

interface ListBody {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly LiveObject[] | null;
}

/** Items of a list lack apiVersion and kind when they are typed; the request knows them. */
function completeItems(request: ListRequest, items: readonly LiveObject[]): readonly LiveObject[] {
  const { group, version, kind } = request.resource;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return items.map((item) => ({ ...item, apiVersion, kind }));
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
function impersonate(transport: Transport, { user, groups }: Impersonated): Transport {
  const headers = { 'impersonate-user': user, 'impersonate-group': [...groups] };
  const whole = <R extends Parameters<Transport['send']>[0]>(request: R): R => ({
    ...request,
    headers: { ...request.headers, ...headers },
  });
  return {
    ...transport,
    send: (request) => transport.send(whole(request)),
    open: (request) => transport.open(whole(request)),
  };
}

/** A client of one API server. `log` hears of discovery only; errors go to the caller. */
export function createKubeClient(connection: KubeConnection, ports: KubeClientPorts): KubeClient {
  const { clock, random } = ports;
  const { assertMayWrite } = ports;
  const transport = createTransport(connection, { clock, random, assertMayWrite });
  return withApplyFallback(clientOf(connection.server, transport, createDiscovery(transport, clock), ports));
}

function clientOf(
  server: string,
  transport: Transport,
  discovery: Discovery,
  ports: KubeClientPorts,
): KubeClient {
  const { clock, random } = ports;
  const write = (
    verb: string,
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    options: {
      readonly contentType?: string;
      readonly accept?: string | undefined;
      readonly idempotent: boolean;
      readonly signal?: AbortSignal | undefined;
    },
  ) =>
    transport.send({
      verb,
      method,
      path,
      body: stringifyExactJson(body),
      contentType: options.contentType,
      accept: options.accept,
      idempotent: options.idempotent,
      signal: options.signal,
    });

  return {
    server,
    as: (who) => clientOf(server, impersonate(transport, who), discovery, ports),
    async version(signal) {
      const path = '/version';
      const response = await transport.send({
        verb: 'version',
        method: 'GET',
        path,
        idempotent: true,
        signal,
      });
      return parse<{ gitVersion?: string }>(response, path).gitVersion ?? '';
    },
    async discover(options = {}) {
      const resources = await discovery.resources(options.refresh ?? false, options.signal);
      if (options.refresh) ports.log.debug('discovery read', { resources: resources.length });
      return resources;
    },
    staleGroups: () => discovery.staleGroups(),
    async get(ref, signal, options = {}) {
      const path = resourcePath(ref.resource, ref.namespace, ref.name);
      const accept = options.metadataOnly ? metadataOne : undefined;
      return parse(
        await transport.send({ verb: 'get', method: 'GET', path, accept, idempotent: true, signal }),
        path,
      );
    },
    async apply(ref, body, options = {}) {
      const path = resourcePath(ref.resource, ref.namespace, ref.name, {
        fieldManager: options.fieldManager ?? fieldManager,
        force: String(options.force ?? true),
        fieldValidation: 'Strict',
        dryRun: options.dryRun ? 'All' : undefined,
      });
      const response = await write('apply', 'PATCH', path, body, {
        contentType: 'application/apply-patch+yaml',
        accept: options.metadataOnly ? metadataOne : undefined,
        idempotent: true,
        signal: options.signal,
      });
      options.onStatus?.(response.status);
      return parse(response, path);
    },
    async create(ref, body, signal, options = {}) {
      const dryRun = options.dryRun ? 'All' : undefined;
      const path = resourcePath(ref.resource, ref.namespace, undefined, { fieldManager, dryRun });
      return parse(await write('create', 'POST', path, body, { idempotent: false, signal }), path);
    },
    async update(ref, body, signal) {
      const path = resourcePath(ref.resource, ref.namespace, ref.name, { fieldManager });
      return parse(await write('update', 'PUT', path, body, { idempotent: false, signal }), path);
    },
    async patch(ref, body, type, signal) {
      const path = resourcePath(ref.resource, ref.namespace, ref.name, { fieldManager });
      const response = await write('patch', 'PATCH', path, body, {
        contentType: patchTypes[type],
        idempotent: false,
        signal,
      });
      return parse(response, path);
    },
    async delete(ref, options = {}) {
      const path = resourcePath(ref.resource, ref.namespace, ref.name);
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        propagationPolicy: options.propagation ?? 'Background',
        preconditions: { uid: options.uid, resourceVersion: options.resourceVersion },
      };
      // Bound to a uid it deletes the same object twice at most; without one it might delete its successor.
      await write('delete', 'DELETE', path, body, {
        idempotent: options.uid !== undefined,
        signal: options.signal,
      });
    },
    async list(request, signal): Promise<ListResult> {
      const path = resourcePath(request.resource, request.namespace, undefined, {
        labelSelector: request.labelSelector,
        fieldSelector: request.fieldSelector,
        limit: request.limit === undefined ? undefined : String(request.limit),
        continue: request.continue,
      });
      const response = await transport.send({
        verb: 'list',
        method: 'GET',
        path,
        accept: request.metadataOnly ? metadataList : undefined,
        idempotent: true,
        signal,
      });
      const { metadata, items } = parse<ListBody>(response, path);
      // An empty list says that nothing is there, and much follows from that: it must be one. (Go may write null for it.)
      const isList = items === null || Array.isArray(items);
      if (!isList || typeof metadata?.resourceVersion !== 'string' || metadata.resourceVersion === '')
        throw new FairwayError('unavailable', 'the API server answered something that is not a list', {
          subject: path,
        });
      return {
        resourceVersion: metadata.resourceVersion,
        items: completeItems(request, items ?? []),
        continue: metadata.continue || undefined,
      };
    },
    async watch(request, onEvent, signal) {
      const timeoutSeconds = request.timeoutSeconds ?? Math.round(300 + 300 * random.next());
      const path = resourcePath(request.resource, request.namespace, undefined, {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: request.resourceVersion,
        labelSelector: request.labelSelector,
        fieldSelector: request.fieldSelector,
        timeoutSeconds: String(timeoutSeconds),
      });
      const accept = request.metadataOnly ? metadataOne : 'application/json';
      const { onOpen } = request;
      await runWatch(transport, clock, { path, accept, timeoutSeconds, onEvent, onOpen, signal });
    },
    async logs(request, signal) {
      const pods = {
        group: '',
        version: 'v1',
        kind: 'Pod',
        resource: 'pods',
        namespaced: true,
        verbs: ['get'],
      };
      const query = new URLSearchParams({
        container: request.container,
        tailLines: String(request.tailLines),
        previous: String(request.previous),
        limitBytes: String(request.maxBytes + 1),
      });
      if (request.container === '') query.delete('container');
      const path = `${resourcePath(pods, request.namespace, request.pod)}/log?${query}`;
      const response = await transport.send({
        verb: 'logs',
        method: 'GET',
        path,
        accept: '*/*',
        idempotent: true,
        signal,
        maxBytes: request.maxBytes,
        cut: true,
      });
      return { content: response.body, truncated: response.truncated };
    },
    requestCounts: () => transport.counts(),
    pressure: () => transport.gate(),
    close: () => transport.close(),
  };
}

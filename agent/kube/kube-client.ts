/** The agent's view of a Kubernetes API server: the few verbs it needs, over HTTP/1.1 with kept-alive connections. */
import type { JsonObject, KubeObject } from '../../shared/manifest/object.ts';

/** A served resource as discovery tells it. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, as in the path. */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** Where an object lives. */
export interface ResourceRef {
  readonly resource: ApiResource;
  /** Empty for cluster-scoped. */
  readonly namespace: string;
  readonly name: string;
}

/** An object as the API server returns it: metadata has resourceVersion, uid, managedFields, ... */
export type LiveObject = KubeObject;

/**
 * Errors are FairwayErrors: code from the HTTP status (401 unauthenticated, 403 permission_denied, 404 not_found, 409 conflict or
 * already_exists, 410 gone, 422 invalid_manifest, 429 resource_exhausted with retryAfterMs (30 s at most), 5xx unavailable), message the
 * API server's own, `details.status` the Status object with its causes. Where there was no answer at all: unavailable or
 * deadline_exceeded with `details.unreachable`.
 */
export interface KubeClient {
  /** The base URL, for messages. */
  readonly server: string;
  /** The same API server in somebody's name, over the same connections and bounds. Needs the right to impersonate them. */
  as(who: Impersonated): KubeClient;
  version(signal?: AbortSignal): Promise<string>;
  /** Aggregated discovery, cached; `refresh` asks again. */
  discover(options?: {
    readonly refresh?: boolean;
    readonly signal?: AbortSignal;
  }): Promise<readonly ApiResource[]>;
  /** Groups of which the last discovery could not tell what they serve: their aggregated API server was away. */
  staleGroups(): ReadonlySet<string>;
  /** @param options.metadataOnly as PartialObjectMetadata. */
  get(
    ref: ResourceRef,
    signal?: AbortSignal,
    options?: { readonly metadataOnly?: boolean },
  ): Promise<LiveObject>;
  /** Server-side apply (application/apply-patch+yaml; body JSON). Default force true, field manager `fairway`. */
  apply(
    ref: ResourceRef,
    body: JsonObject,
    options?: {
      readonly fieldManager?: string;
      readonly force?: boolean;
      readonly dryRun?: boolean;
      /** The answer is a PartialObjectMetadata: for what is large, and known to whoever wrote it. */
      readonly metadataOnly?: boolean;
      readonly signal?: AbortSignal;
      /** Told the HTTP status of a success: 201 says that the object was made. */
      readonly onStatus?: (httpStatus: number) => void;
    },
  ): Promise<LiveObject>;
  create(
    ref: Omit<ResourceRef, 'name'>,
    body: JsonObject,
    signal?: AbortSignal,
    options?: { readonly dryRun?: boolean },
  ): Promise<LiveObject>;
  update(ref: ResourceRef, body: JsonObject, signal?: AbortSignal): Promise<LiveObject>;
  patch(
    ref: ResourceRef,
    body: JsonObject | readonly JsonObject[],
    type: 'merge' | 'json',
    signal?: AbortSignal,
  ): Promise<LiveObject>;
  delete(
    ref: ResourceRef,
    options?: {
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
      readonly signal?: AbortSignal;
    },
  ): Promise<void>;
  list(request: ListRequest, signal?: AbortSignal): Promise<ListResult>;
  /** Until the server ends it, an error (`gone`: list again) or abort. */
  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void>;
  /** A subresource's text, such as a pod's log; cut at `maxBytes`. */
  logs(
    request: LogsRequest,
    signal?: AbortSignal,
  ): Promise<{ readonly content: Uint8Array; readonly truncated: boolean }>;
  /** Requests sent since the start by verb; watches count once each. For metrics and benches. */
  requestCounts(): Readonly<Record<string, number>>;
  /** Requests that may be under way at once, as far as the API server lets us; that are; and that wait for their turn. */
  pressure(): { readonly window: number; readonly underway: number; readonly waiting: number };
  close(): void;
}

/** In whose name a request is made. */
export interface Impersonated {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface ListRequest {
  readonly resource: ApiResource;
  /** Empty: all namespaces. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Metadata only (PartialObjectMetadata). */
  readonly metadataOnly?: boolean;
  readonly limit?: number;
  readonly continue?: string;
}

export interface ListResult {
  readonly resourceVersion: string;
  readonly items: readonly LiveObject[];
  readonly continue: string | undefined;
}

export interface WatchRequest extends Omit<ListRequest, 'limit' | 'continue'> {
  readonly resourceVersion: string;
  /** Server ends the watch after about this long. Default 300 to 600 s, jittered. */
  readonly timeoutSeconds?: number;
  /** The server has accepted the watch. */
  readonly onOpen?: () => void;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: LiveObject;
}

export interface LogsRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly tailLines: number;
  readonly previous: boolean;
  readonly maxBytes: number;
}

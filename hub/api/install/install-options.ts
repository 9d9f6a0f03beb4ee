/** What `fairway agent install` and the API's counterpart may choose. */
export interface InstallOptions {
  readonly cluster: string;
  /** Enrolment token; it goes into a Secret. */
  readonly token: string;
  /** Default: the hub's own version of the agent image. */
  readonly image?: string | undefined;
  /** Namespace of the agent. Default `fairway-agent`. */
  readonly namespace?: string | undefined;
  /** `host:port` of the agent listener. Default: what the hub is configured to tell. */
  readonly hubAddress?: string | undefined;
  /** `host:port` of the enrolment listener. Default: what the hub is configured to tell. */
  readonly enrolmentAddress?: string | undefined;
  readonly rights?: AgentRights | undefined;
  /** It may write in the name of service accounts (`sync.serviceAccount`). Default false. */
  readonly impersonate?: boolean | undefined;
  /** Replicas, of which one works. Default 1. */
  readonly replicas?: number | undefined;
}

/** What the agent may do in its cluster. */
export type AgentRights =
  /** Everything. */
  | { readonly mode: 'cluster-admin' }
  /** Listed kinds in every namespace. Default: the kinds of `defaultKinds`. */
  | { readonly mode: 'kinds'; readonly kinds?: readonly string[] | undefined }
  /** Listed namespaces only; no cluster-scoped object. */
  | { readonly mode: 'namespaces'; readonly namespaces: readonly string[] };

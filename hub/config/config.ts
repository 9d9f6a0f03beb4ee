import type { LogLevel } from '../../shared/log/log.ts';
import type { ListenAddress } from './listen-address.ts';

/** Where a secret is, never its value: exactly one of the two. */
export interface SecretRef {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

/** Sent to URLs at or below the prefix, and nowhere else. */
export interface CredentialConfig {
  readonly urlPrefix: string;
  /** Default `git`, which GitHub, GitLab and Gitea take with any token. */
  readonly username: string;
  readonly secret: SecretRef;
}

export interface WebhookConfig {
  readonly provider: 'github' | 'gitlab' | 'gitea' | 'generic';
  readonly secret: SecretRef;
}

export interface NotificationConfig {
  readonly url: string;
  /** Event types or their first parts; empty: all but audit and assignments. */
  readonly types: readonly string[];
  /** Signs the deliveries; undefined: unsigned. */
  readonly secret: SecretRef | undefined;
}

/** The hub's own configuration, checked and with all defaults. Holds no secret. Relative paths count from the working directory. */
export interface HubConfig {
  readonly root: {
    /** https, http or file URL, or a path on this machine. */
    readonly url: string;
    /** Default main. */
    readonly ref: string;
    /** Relative to the repository's top; empty: the top. Default fleet. */
    readonly folder: string;
    /** Default 15 s. */
    readonly pollIntervalMs: number;
  };
  /** Default ./fairway-data. */
  readonly dataDir: string;
  readonly listen: {
    /** Default 127.0.0.1:8080. */
    readonly api: ListenAddress;
    /** Default 0.0.0.0:8443. */
    readonly agent: ListenAddress;
    /** Default 0.0.0.0:8444. */
    readonly enrolment: ListenAddress;
  };
  /** PEM files for HTTPS of the API, read at the start. Undefined: plain HTTP. The other listeners have the hub's own certificates. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  /** How agents reach the hub. */
  readonly advertise: {
    /** HOST:PORT, tried in order. Default: where it listens, `localhost` for a wildcard. */
    readonly agent: readonly string[];
    readonly enrolment: string;
    /** Name in the hub's own server certificates. Default fairway-hub. */
    readonly serverName: string;
  };
  readonly store: {
    /** Default fairway.db in dataDir. */
    readonly sqlite: string;
  };
  readonly retention: {
    /** Default 30 days. */
    readonly eventsMs: number;
    /** Default 30 days. */
    readonly releasesMs: number;
    /** Of each application, however old. Default 20. */
    readonly releasesKept: number;
    /** Since they ended. Default 90 days. */
    readonly rolloutsMs: number;
    /** Of each application, however young; the one under way besides. Default 100. */
    readonly rolloutsKept: number;
  };
  readonly credentials: readonly CredentialConfig[];
  readonly webhooks: readonly WebhookConfig[];
  readonly notifications: readonly NotificationConfig[];
  readonly egress: {
    /** URL prefixes as written; see egressPrefixes for all that counts. */
    readonly allow: readonly string[];
  };
  readonly deletion: {
    /** Above this number of assignments a removal waits for an operator. Default 10. */
    readonly confirmAbove: number;
  };
  /** Renders charts. */
  readonly helm: {
    /** Path of the program, or its name on the PATH. Default helm. */
    readonly binary: string;
    /** Of one run. Default 30 s. */
    readonly timeoutMs: number;
    /** Of one run. Default 512 MiB. */
    readonly memoryBytesMax: number;
  };
  /** Author of the reverts that the hub writes into the root repository. Undefined: it writes none. */
  readonly commits?: { readonly name: string; readonly email: string } | undefined;
  /** Undefined: the file data.key in dataDir, made at first start. */
  readonly dataKey: SecretRef | undefined;
  /** `/metrics` takes no token while the API listens on loopback only. Default true. */
  readonly metrics: { readonly openOnLoopback: boolean };
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'text' };
}

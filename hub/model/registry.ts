import type { FenceContact } from './fencing.ts';

/** Clusters as the hub knows them from enrolment and sessions (apart from their Cluster resource in Git). */

export interface RegisteredCluster {
  readonly name: string;
  readonly enrolledAtMs: number;
  readonly lastSeenAtMs: number | undefined;
  readonly connected: boolean;
  readonly agentVersion: string;
  readonly kubernetesVersion: string;
  /** Highest generation assigned. */
  readonly generation: number;
  /** Highest of them that its agent has acknowledged. What an agent shows beyond it must be of a release that the hub still knows. */
  readonly acknowledgedGeneration: number;
  /** What its agent has last said of fencing. */
  readonly fence?: FenceContact | undefined;
}

/** A single-use enrolment token: it counts for one key, which may ask again while the token lasts. Only a hash of its secret is kept. */
export interface EnrolmentToken {
  readonly id: string;
  readonly secretHash: string;
  readonly cluster: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** When it was first used. */
  readonly usedAtMs: number | undefined;
  /** SHA-256 of the public key (SPKI, DER) that it was used for, lower-case hex. */
  readonly usedKeyDigest: string | undefined;
  readonly revokedAtMs: number | undefined;
}

export interface IssuedCertificate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly cluster: string;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly revokedAtMs: number | undefined;
  readonly revokedReason: string | undefined;
}

/** What went with a cluster that was forgotten. */
export interface ForgottenCluster {
  /** That were valid still. */
  readonly certificates: number;
  /** Enrolment tokens that were neither used nor over. */
  readonly tokens: number;
  readonly assignments: number;
  /** Of them: removals that waited for its agent. */
  readonly removals: number;
}

/** Emergency: what goes around the gates of a rollout, failovers among it. */
export const scopes = ['read', 'operate', 'emergency', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** A bearer token of the HTTP API; only a hash of its secret is kept. */
export interface AccessToken {
  readonly id: string;
  readonly secretHash: string;
  readonly name: string;
  /** read < operate < admin; each includes those before it. */
  readonly scope: Scope;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly lastUsedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
}

/** What an agent gets: its chain (leaf, then CA; DER) and until when it counts. */
export interface Credential {
  readonly cluster: string;
  readonly certificateChain: readonly Uint8Array[];
  readonly notAfterMs: number;
}

/** A certificate to serve with. */
export interface ServerCertificate {
  readonly privateKeyPem: string;
  /** Leaf, then CA. */
  readonly chainPem: string;
  readonly notAfterMs: number;
}

/** Who may speak for a cluster, as the stream asks it; hub/registry answers. */
export interface AgentAuthority {
  /** The only authority of agents' certificates. */
  readonly caPem: string;
  /** Trades a token for a certificate; the same key gets another one while the token lasts. @throws unauthenticated, always in the same words; invalid_argument for a bad request. */
  enrol(request: {
    readonly token: string;
    readonly csr: Uint8Array;
    readonly agentVersion: string;
    readonly peer: string;
  }): Promise<Credential>;
  /** A further certificate, for a session that is authenticated already. @throws invalid_argument, unauthenticated */
  renew(request: {
    readonly cluster: string;
    readonly csr: Uint8Array;
    readonly currentFingerprint: string;
  }): Promise<Credential>;
  /** Which cluster speaks; the chain itself was verified by TLS. @throws unauthenticated */
  authenticate(certificateDer: Uint8Array, peer: string): Promise<IssuedCertificate>;
  /** Writes down that TLS refused a certificate: over, or of another authority. Bounded for all. */
  auditRefused(refused: {
    readonly reason: 'expired' | 'foreign';
    readonly certificateDer: Uint8Array;
    readonly peer: string;
  }): Promise<void>;
  /** Called after a revocation. */
  onRevoked(listener: (cluster: string, reason: string) => void): void;
  /** A fresh server certificate for the listeners. Lasts 7 days. */
  issueServerCertificate(): Promise<ServerCertificate>;
}

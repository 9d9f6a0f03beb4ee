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
}

/** A single-use enrolment token; only a hash of its secret is kept. */
export interface EnrolmentToken {
  readonly id: string;
  readonly secretHash: string;
  readonly cluster: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly usedAtMs: number | undefined;
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

export type Scope = 'read' | 'operate' | 'admin';

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

import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { NewEvent } from '../../model/event.ts';
import type { FenceContact } from '../../model/fencing.ts';
import type {
  EnrolmentToken,
  ForgottenCluster,
  IssuedCertificate,
  RegisteredCluster,
} from '../../model/registry.ts';

/** Clusters as their agents make them known, with tokens to enrol and certificates. */
export interface RegistryRepository {
  /** Sorted by name. @param names of these, at most 500. Default all. */
  clusters(names?: readonly string[]): Promise<readonly RegisteredCluster[]>;
  cluster(name: string): Promise<RegisteredCluster | undefined>;
  /** A cluster that was not known is registered when it connects. */
  seen(request: {
    readonly cluster: string;
    readonly connected: boolean;
    readonly agentVersion?: string | undefined;
    readonly kubernetesVersion?: string | undefined;
    readonly nowMs: number;
  }): Promise<void>;
  /** What its agent has said of fencing; undefined: nothing that counts any more. Nothing happens for a cluster that is not known. */
  saveFenceContact(cluster: string, contact: FenceContact | undefined): Promise<void>;
  saveToken(token: EnrolmentToken, event: NewEvent): Promise<void>;
  token(id: string): Promise<EnrolmentToken | undefined>;
  tokens(): Promise<readonly EnrolmentToken[]>;
  revokeToken(id: string, event: NewEvent): Promise<boolean>;
  /**
   * Takes the token for a key and keeps the certificate in one step. The same key may come again, 100 times at most: an agent that has not got its answer.
   * False (and nothing kept) when the token was used for another key, was revoked or is over. Registers the cluster.
   * @param keyDigest as EnrolmentToken.usedKeyDigest
   */
  redeemToken(
    id: string,
    keyDigest: Digest,
    certificate: IssuedCertificate,
    nowMs: number,
    events: readonly NewEvent[],
  ): Promise<boolean>;
  saveCertificate(certificate: IssuedCertificate, event: NewEvent): Promise<void>;
  certificate(fingerprint: string): Promise<IssuedCertificate | undefined>;
  certificates(cluster: string): Promise<readonly IssuedCertificate[]>;
  /** Revokes every certificate of a cluster that is still valid, and closes its used tokens to those who come again; how many certificates. */
  revokeCertificates(cluster: string, reason: string, nowMs: number, event: NewEvent): Promise<number>;
  /**
   * A cluster that is gone for good, in one step: revokes its certificates and tokens, deletes its assignments (removals under way are over), observations,
   * pauses and registration, and the confirmation that holds its removal; keeps events of it (`audit.cluster.forgotten` and the revocations). Its generation,
   * its certificates' records and its events stay.
   * @throws failed_precondition while it is declared in the last fleet that was read or its agent is connected; not_found.
   */
  forget(request: {
    readonly cluster: string;
    readonly reason: string;
    readonly actor: string;
    readonly nowMs: number;
  }): Promise<ForgottenCluster>;
}

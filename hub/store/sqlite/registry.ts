/** Clusters known from enrolment, their tokens and certificates. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { FenceContact } from '../../model/fencing.ts';
import type { EnrolmentToken, IssuedCertificate, RegisteredCluster } from '../../model/registry.ts';
import type { RegistryRepository } from '../repositories/registry-repository.ts';
import { checkClusters } from './assignments.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { and, asc, bound, desc, eq, gt, inArray, isNull } from './drizzle.ts';
import type { SqliteEvents } from './events.ts';
import { createForgetter } from './forget.ts';
import { certificates, clusters, enrolmentTokens, generations } from './schema.ts';

/** Each use keeps a certificate. An agent asks again only while no answer reaches it, and ever more slowly. */
const tokenUsesMax = 100;

function tokenOf(row: typeof enrolmentTokens.$inferSelect): EnrolmentToken {
  const { usedCount: _, ...token } = row;
  return {
    ...token,
    usedAtMs: row.usedAtMs ?? undefined,
    usedKeyDigest: row.usedKeyDigest ?? undefined,
    revokedAtMs: row.revokedAtMs ?? undefined,
  };
}

function certificateOf(row: typeof certificates.$inferSelect): IssuedCertificate {
  return {
    ...row,
    revokedAtMs: row.revokedAtMs ?? undefined,
    revokedReason: row.revokedReason ?? undefined,
  };
}

type ClusterMethods = Pick<
  Synchronous<RegistryRepository>,
  'clusters' | 'cluster' | 'seen' | 'saveFenceContact'
>;

/** Without its times: that an agent is there still wakes nobody. */
function promisesOf(fence: string | null): string {
  const promises = fence === null ? [] : (JSON.parse(fence) as FenceContact).promises;
  return JSON.stringify(promises.map(({ stopWithinMs: _, ...promise }) => promise));
}

function createClusters({ db, changed }: SqliteContext): ClusterMethods & {
  readonly register: (name: string, nowMs: number) => void;
} {
  const select = () =>
    db
      .select({
        cluster: clusters,
        generation: generations.generation,
        acknowledged: generations.acknowledged,
      })
      .from(clusters)
      .leftJoin(generations, eq(generations.cluster, clusters.name));
  type Row = {
    readonly cluster: typeof clusters.$inferSelect;
    readonly generation: number | null;
    readonly acknowledged: number | null;
  };
  const clusterOf = ({ cluster, generation, acknowledged }: Row): RegisteredCluster => ({
    ...cluster,
    fence: cluster.fence === null ? undefined : (JSON.parse(cluster.fence) as FenceContact),
    lastSeenAtMs: cluster.lastSeenAtMs ?? undefined,
    generation: generation ?? 0,
    acknowledgedGeneration: acknowledged ?? 0,
  });
  const byName = eq(clusters.name, bound('name'));
  // Asked for at every sign of life, and for each group of clusters: made once.
  const findRow = db.select().from(clusters).where(byName).prepare();
  const findOne = select().where(byName).prepare();
  const find = (name: string) => findRow.get({ name });
  const insert = (name: string, enrolledAtMs: number) =>
    db
      .insert(clusters)
      .values({ name, enrolledAtMs, connected: false, agentVersion: '', kubernetesVersion: '' })
      .onConflictDoUpdate({ target: clusters.name, set: { enrolledAtMs } })
      .run();
  return {
    register(name, nowMs) {
      insert(name, nowMs);
      changed('registry', name);
    },
    clusters(names) {
      const some = checkClusters(names);
      const which = some === undefined ? undefined : inArray(clusters.name, [...some]);
      return select().where(which).orderBy(asc(clusters.name)).all().map(clusterOf);
    },
    cluster(name) {
      const row = findOne.get({ name });
      return row && clusterOf(row);
    },
    seen({ cluster: name, connected, agentVersion, kubernetesVersion, nowMs }) {
      const before = find(name);
      // The end of a session does not bring back a cluster that was forgotten meanwhile.
      if (before === undefined && !connected) return;
      // A hub that was restored from before an enrolment learns of the cluster by its session.
      if (before === undefined) insert(name, nowMs);
      const next = {
        connected,
        agentVersion: agentVersion ?? before?.agentVersion ?? '',
        kubernetesVersion: kubernetesVersion ?? before?.kubernetesVersion ?? '',
      };
      const lastSeenAtMs = Math.max(nowMs, before?.lastSeenAtMs ?? 0);
      db.update(clusters)
        .set({ ...next, lastSeenAtMs })
        .where(eq(clusters.name, name))
        .run();
      // A mere sign of life wakes nobody.
      const same =
        before?.connected === connected &&
        before.agentVersion === next.agentVersion &&
        before.kubernetesVersion === next.kubernetesVersion;
      if (!same) changed('registry', name);
    },
    saveFenceContact(name, contact) {
      const before = find(name);
      if (before === undefined) return;
      const fence = contact === undefined ? null : JSON.stringify(contact);
      db.update(clusters).set({ fence }).where(eq(clusters.name, name)).run();
      if (promisesOf(before.fence) !== promisesOf(fence)) changed('registry', name);
    },
  };
}

type TokenMethods = Pick<
  Synchronous<RegistryRepository>,
  'saveToken' | 'token' | 'tokens' | 'revokeToken' | 'redeemToken'
>;

function createTokens(
  { client, db, nowMs, changed }: SqliteContext,
  events: SqliteEvents,
  keep: (certificate: IssuedCertificate) => boolean,
  register: (name: string, nowMs: number) => void,
): TokenMethods {
  const find = (id: string) => db.select().from(enrolmentTokens).where(eq(enrolmentTokens.id, id)).get();
  // One statement: of two keys that come with the same token, one sees no row.
  const take = client.prepare(
    `UPDATE enrolment_tokens
     SET used_at_ms = coalesce(used_at_ms, :atMs), used_key_digest = :keyDigest, used_count = used_count + 1
     WHERE id = :id AND (used_at_ms IS NULL OR used_key_digest = :keyDigest) AND used_count < ${tokenUsesMax}
       AND revoked_at_ms IS NULL AND expires_at_ms > :atMs`,
  );
  return {
    saveToken(token, event) {
      const kept = db.insert(enrolmentTokens).values(token).onConflictDoNothing().run();
      if (kept.changes === 0) {
        if (find(token.id)?.secretHash === token.secretHash) return;
        throw new FairwayError('already_exists', 'there is another token of this id', { subject: token.id });
      }
      events.append([event]);
      changed('registry', token.cluster);
    },
    token(id) {
      const row = find(id);
      return row && tokenOf(row);
    },
    tokens: () =>
      db
        .select()
        .from(enrolmentTokens)
        .orderBy(desc(enrolmentTokens.createdAtMs), asc(enrolmentTokens.id))
        .all()
        .map(tokenOf),
    revokeToken(id, event) {
      const row = find(id);
      if (row === undefined || row.usedAtMs !== null || row.revokedAtMs !== null) return false;
      db.update(enrolmentTokens)
        .set({ revokedAtMs: event.timeMs || nowMs() })
        .where(eq(enrolmentTokens.id, id))
        .run();
      events.append([event]);
      changed('registry', row.cluster);
      return true;
    },
    redeemToken(id, keyDigest, certificate, atMs, added) {
      if (take.run({ id, keyDigest, atMs }).changes === 0) return false;
      keep(certificate);
      register(certificate.cluster, atMs);
      events.append(added);
      return true;
    },
  };
}

type CertificateMethods = Pick<
  Synchronous<RegistryRepository>,
  'saveCertificate' | 'certificate' | 'certificates' | 'revokeCertificates'
>;

function createCertificates(
  { client, db, changed }: SqliteContext,
  events: SqliteEvents,
): CertificateMethods & { readonly keep: (certificate: IssuedCertificate) => boolean } {
  const keep = (certificate: IssuedCertificate) =>
    db.insert(certificates).values(certificate).onConflictDoNothing().run().changes > 0;
  // Else whoever has the revoked key and the spent token would be certified anew.
  const closeTokens = client.prepare(
    `UPDATE enrolment_tokens SET revoked_at_ms = :atMs
     WHERE cluster = :cluster AND used_at_ms IS NOT NULL AND revoked_at_ms IS NULL AND expires_at_ms > :atMs`,
  );
  return {
    keep,
    saveCertificate(certificate, event) {
      if (!keep(certificate)) return;
      events.append([event]);
      changed('registry', certificate.cluster);
    },
    certificate(fingerprint) {
      const row = db.select().from(certificates).where(eq(certificates.fingerprint, fingerprint)).get();
      return row && certificateOf(row);
    },
    certificates: (cluster) =>
      db
        .select()
        .from(certificates)
        .where(eq(certificates.cluster, cluster))
        .orderBy(desc(certificates.notAfterMs), asc(certificates.fingerprint))
        .all()
        .map(certificateOf),
    revokeCertificates(cluster, reason, atMs, event) {
      closeTokens.run({ cluster, atMs });
      const valid = and(
        eq(certificates.cluster, cluster),
        isNull(certificates.revokedAtMs),
        gt(certificates.notAfterMs, atMs),
      );
      const set = { revokedAtMs: atMs, revokedReason: reason };
      const { changes } = db.update(certificates).set(set).where(valid).run();
      if (changes === 0) return 0;
      events.append([event]);
      changed('registry', cluster);
      return changes;
    },
  };
}

export function createSqliteRegistry(
  context: SqliteContext,
  events: SqliteEvents,
): Synchronous<RegistryRepository> {
  const { register, ...clusterMethods } = createClusters(context);
  const { keep, ...certificateMethods } = createCertificates(context, events);
  return {
    ...clusterMethods,
    ...certificateMethods,
    ...createTokens(context, events, keep, register),
    forget: createForgetter(context, events),
  };
}

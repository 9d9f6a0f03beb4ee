/** Objects, sets and targets by digest: kept once, however many name them. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestSet, Target } from '../../../shared/manifest/target.ts';
import type { RenderedObject } from '../../model/rendered.ts';
import { decodeBlob, encodeBlob } from '../blob-codec.ts';
import type { ContentRepository } from '../repositories/content-repository.ts';
import type { SqliteContext, Synchronous } from './context.ts';
import { bound, eq } from './drizzle.ts';
import { type SetEntries, sets, targets } from './schema.ts';

const objectsAskedMax = 1_000;
/** A known digest that is saved again counts as fresh; written at most this often, so that saving what is there stays a read. */
const touchEveryMs = 60_000;

/** @returns for a digest: false when it is not there; true when it is, and is fresh from now on. */
export function createToucher({ client, nowMs }: SqliteContext, table: 'blobs' | 'sets' | 'targets') {
  const find = client.prepare(`SELECT touched_at_ms FROM ${table} WHERE digest = ?`).pluck();
  const touch = client.prepare(`UPDATE ${table} SET touched_at_ms = ? WHERE digest = ?`);
  return (digest: Digest): boolean => {
    const touchedAtMs = find.get(digest) as number | undefined;
    if (touchedAtMs === undefined) return false;
    if (touchedAtMs < nowMs() - touchEveryMs) touch.run(nowMs(), digest);
    return true;
  };
}

function missing(what: string, digest: Digest): FairwayError {
  return new FairwayError('failed_precondition', `${what} is not in the store: save it first`, {
    subject: digest,
  });
}

function createBlobSaver(context: SqliteContext) {
  const { client, sealer, nowMs } = context;
  const touch = createToucher(context, 'blobs');
  const insert = client.prepare(
    'INSERT INTO blobs (digest, encoding, sealed, content, touched_at_ms) VALUES (?, ?, ?, ?, ?)',
  );
  return (objects: readonly RenderedObject[]): void => {
    for (const { digest, content, secret } of objects) {
      if (touch(digest)) continue;
      const { encoding, sealed, bytes } = encodeBlob(content, secret, digest, sealer);
      insert.run(digest, encoding, sealed ? 1 : 0, bytes, nowMs());
    }
  };
}

function createSetSaver(context: SqliteContext) {
  const { client, sealer, nowMs } = context;
  const touchSet = createToucher(context, 'sets');
  const touchBlob = createToucher(context, 'blobs');
  const insert = client.prepare(
    'INSERT INTO sets (digest, encoding, entries, touched_at_ms) VALUES (?, ?, ?, ?)',
  );
  const link = client.prepare(
    'INSERT INTO set_objects (set_digest, object_digest) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  return (added: readonly ManifestSet[]): void => {
    for (const { digest, entries } of added) {
      if (touchSet(digest)) continue;
      const { encoding, bytes } = encodeBlob(JSON.stringify(entries), false, digest, sealer);
      insert.run(digest, encoding, bytes, nowMs());
      for (const { objectDigest } of entries) {
        if (!touchBlob(objectDigest)) throw missing('an object of the set', objectDigest);
        link.run(digest, objectDigest);
      }
    }
  };
}

function createTargetSaver(context: SqliteContext) {
  const { client, nowMs } = context;
  const touchTarget = createToucher(context, 'targets');
  const touchSet = createToucher(context, 'sets');
  const insert = client.prepare(
    'INSERT INTO targets (digest, set_digest, value, touched_at_ms) VALUES (?, ?, ?, ?)',
  );
  return (added: readonly Target[]): void => {
    for (const { digest, set, ...value } of added) {
      if (!touchSet(set.digest)) throw missing('the set of the target', set.digest);
      if (touchTarget(digest)) continue;
      insert.run(digest, set.digest, JSON.stringify(value), nowMs());
    }
  };
}

function createTargetLoader({ db, sealer }: SqliteContext) {
  const find = db
    .select({ value: targets.value, set: sets })
    .from(targets)
    .innerJoin(sets, eq(sets.digest, targets.setDigest))
    .where(eq(targets.digest, bound('digest')))
    .prepare();
  return (digest: Digest): Target | undefined => {
    const row = find.get({ digest });
    if (row === undefined) return undefined;
    const { set } = row;
    const text = decodeBlob(
      { encoding: set.encoding, sealed: false, bytes: set.entries },
      set.digest,
      sealer,
    );
    return { ...row.value, digest, set: { digest: set.digest, entries: JSON.parse(text) as SetEntries } };
  };
}

function createUnreachable({ client }: SqliteContext) {
  const reachable = client
    .prepare(
      `SELECT EXISTS (
         SELECT 1 FROM assignments CROSS JOIN targets ON targets.digest = assignments.target_digest
         CROSS JOIN set_objects ON set_objects.set_digest = targets.set_digest AND set_objects.object_digest = ?
         WHERE assignments.cluster = ?)`,
    )
    .pluck();
  return (cluster: string, digests: readonly Digest[]): readonly Digest[] => {
    checkCount(digests);
    return digests.filter((digest) => reachable.get(digest, cluster) === 0);
  };
}

function checkCount(digests: readonly Digest[]): void {
  if (digests.length > objectsAskedMax)
    throw new FairwayError('invalid_argument', `at most ${objectsAskedMax} digests may be asked at once`);
}

interface StoredRow {
  readonly encoding: number;
  readonly sealed: number;
  readonly content: Uint8Array;
}

export function createSqliteContent(context: SqliteContext): Synchronous<ContentRepository> {
  const { client, sealer } = context;
  const saveBlobs = createBlobSaver(context);
  const saveSets = createSetSaver(context);
  const loadTarget = createTargetLoader(context);
  // Thousands at once: plain rows, which nothing has to map.
  const findBlob = client.prepare<[string], StoredRow>(
    'SELECT encoding, sealed, content FROM blobs WHERE digest = ?',
  );
  return {
    saveSets(added, objects) {
      saveBlobs(objects);
      saveSets(added);
    },
    saveTargets: createTargetSaver(context),
    target: loadTarget,
    targets(digests) {
      const found = new Map<Digest, Target>();
      for (const digest of new Set(digests)) {
        const target = loadTarget(digest);
        if (target !== undefined) found.set(digest, target);
      }
      return found;
    },
    objects(digests) {
      checkCount(digests);
      const found = new Map<Digest, RenderedObject>();
      for (const digest of new Set(digests)) {
        const row = findBlob.get(digest);
        if (row === undefined) continue;
        const { encoding, content } = row;
        const sealed = row.sealed === 1;
        found.set(digest, {
          digest,
          content: decodeBlob({ encoding, sealed, bytes: content }, digest, sealer),
          secret: sealed,
        });
      }
      return found;
    },
    unreachable: createUnreachable(context),
  };
}

import type { RolloutPins } from '../repositories/release-repository.ts';
import type { SqliteContext } from './context.ts';

export interface SqlitePins {
  /** In place of those before. */
  save(application: string, pins: RolloutPins): void;
  remove(application: string): void;
}

/** What the garbage collector leaves alone for the sake of rollouts. */
export function createSqlitePins({ client }: SqliteContext): SqlitePins {
  const known = client.prepare('SELECT target_digest FROM rollout_targets WHERE application = ?').pluck();
  const add = client.prepare(
    'INSERT OR IGNORE INTO rollout_targets (application, target_digest) VALUES (?, ?)',
  );
  const drop = client.prepare('DELETE FROM rollout_targets WHERE application = ? AND target_digest = ?');
  const dropAll = client.prepare('DELETE FROM rollout_targets WHERE application = ?');
  const saveRelease = client.prepare(
    'INSERT INTO rollout_releases (application, release_id) VALUES (?, ?) ON CONFLICT (application) DO UPDATE SET release_id = excluded.release_id',
  );
  const dropRelease = client.prepare('DELETE FROM rollout_releases WHERE application = ?');
  return {
    save(application, { releaseId, targets }) {
      const wanted = new Set(targets);
      for (const digest of known.all(application) as string[])
        if (!wanted.delete(digest)) drop.run(application, digest);
      for (const digest of wanted) add.run(application, digest);
      saveRelease.run(application, releaseId);
    },
    remove(application) {
      dropAll.run(application);
      dropRelease.run(application);
    },
  };
}

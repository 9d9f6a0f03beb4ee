/** Generations: one counter a cluster, over everything that is ever assigned to it. */
import type { SqliteContext } from './context.ts';

export interface Generations {
  /** 0 when nothing was ever assigned. */
  current(cluster: string): number;
  next(cluster: string): number;
  /**
   * The agent has seen `seen`, which is more than we know: counts on from there, and gives the assignments in force new
   * generations in their old order, since the agent refuses those it takes for older.
   */
  lift(cluster: string, seen: number): void;
}

export function createGenerations({ client, changed }: SqliteContext): Generations {
  const current = client.prepare('SELECT generation FROM generations WHERE cluster = ?').pluck();
  const next = client
    .prepare(
      `INSERT INTO generations (cluster, generation) VALUES (?, 1)
       ON CONFLICT (cluster) DO UPDATE SET generation = generation + 1 RETURNING generation`,
    )
    .pluck();
  const set = client.prepare(
    `INSERT INTO generations (cluster, generation) VALUES (?, ?)
     ON CONFLICT (cluster) DO UPDATE SET generation = max(generation, excluded.generation)`,
  );
  const assigned = client
    .prepare('SELECT application FROM assignments WHERE cluster = ? ORDER BY generation, application')
    .pluck();
  const renumber = client.prepare(
    `UPDATE assignments SET generation = ?, received_at_ms = NULL, applied_at_ms = NULL, healthy_at_ms = NULL, refused = NULL
     WHERE cluster = ? AND application = ?`,
  );
  const take = (cluster: string) => next.get(cluster) as number;
  return {
    current: (cluster) => (current.get(cluster) as number | undefined) ?? 0,
    next: take,
    lift(cluster, seen) {
      // Above what was seen even where nothing is assigned yet.
      set.run(cluster, seen + 1);
      const applications = assigned.all(cluster) as string[];
      for (const application of applications) renumber.run(take(cluster), cluster, application);
      if (applications.length > 0) changed('assignments', cluster);
    },
  };
}

/** What every repository of the SQLite dialect works with. All of it is synchronous and runs in the worker's transaction. */
import type { Database } from 'better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3/driver';
import type { Sealer } from '../seal.ts';
import type { StoreTopic } from '../store.ts';

/** A repository interface with its promises taken off. */
export type Synchronous<R> = {
  readonly [M in keyof R]: R[M] extends (...args: infer A) => Promise<infer T> ? (...args: A) => T : never;
};

export interface SqliteContext {
  readonly client: Database;
  readonly db: BetterSQLite3Database;
  readonly sealer: Sealer;
  /** The hub's time when the call that is being served was made. */
  nowMs(): number;
  /** A name that no other process gives, from the hub's random source; the same part gives the same name. */
  uniqueId(part: string): string;
  /** Says what the call changes; listeners hear it after the commit. */
  changed(topic: StoreTopic, key: string): void;
}

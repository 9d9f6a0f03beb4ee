/**
 * The parts of drizzle that the store uses, loaded as CommonJS. Measured on Node 24 with drizzle-orm 0.45: linking its ES modules takes
 * 1.1 to 1.8 s and leaves 170 MB resident, since its star exports are resolved again and again; the same code by `require` takes 0.2 s and 20 MB.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

const core = load('drizzle-orm/sqlite-core') as typeof import('drizzle-orm/sqlite-core');
const driver = load(
  'drizzle-orm/better-sqlite3/driver',
) as typeof import('drizzle-orm/better-sqlite3/driver');
const orm = load('drizzle-orm') as typeof import('drizzle-orm');

export const { blob, integer, primaryKey, sqliteTable, text } = core;
export const { drizzle } = driver;
export const { and, asc, desc, eq, gt, gte, inArray, isNull, lt, lte, or, sql } = orm;
/** A parameter of a prepared statement, bound by its name when the statement runs. */
export const { placeholder: bound } = sql;

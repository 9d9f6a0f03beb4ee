/** All that a hub and its agents have left behind, as texts that can be searched: whole logs, every file, and what the store has packed, unpacked. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeBlob } from '../../hub/store/blob-codec.ts';
import { createSealer, dataKeyBytes } from '../../hub/store/seal.ts';
import { systemRandom } from '../../shared/clock/random.ts';

export interface KeptText {
  /** A file, or a table and column of the store. */
  readonly where: string;
  readonly text: string;
}

/** Opens nothing that is sealed: whoever reads the store has no key. */
const sealer = createSealer(new Uint8Array(dataKeyBytes), systemRandom);

type Row = Readonly<Record<string, unknown>>;

function textOf(row: Row, column: string, value: unknown): string {
  if (!(value instanceof Uint8Array)) return String(value ?? '');
  const encoding = row['encoding'] ?? row[`${column}_encoding`];
  if (typeof encoding !== 'number' || row['sealed'] === 1) return Buffer.from(value).toString('latin1');
  return decodeBlob({ encoding, sealed: false, bytes: value }, column, sealer);
}

/** Each column of each table, rows one below the other. @param path of the database, which a hub may have open. */
export function readStore(path: string): readonly KeptText[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.flatMap(({ name }) => {
      const rows: readonly Row[] = database.prepare(`SELECT * FROM "${name}"`).all();
      return Object.keys(rows[0] ?? {}).map((column) => ({
        where: `${name}.${column}`,
        text: rows.map((row) => textOf(row, column, row[column])).join('\n'),
      }));
    });
  } finally {
    database.close();
  }
}

/** Files as their bytes are, one character each. @param named which of them; default all. */
export function readFiles(
  folder: string,
  named: (name: string) => boolean = () => true,
): readonly KeptText[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && named(entry.name))
    .map(({ parentPath, name }) => ({
      where: join(parentPath, name),
      text: readFileSync(join(parentPath, name), 'latin1'),
    }));
}

/** Of a bed: its logs from the first line to the last, the hub's data folder, and the store in it. */
export function readKept(bed: { readonly folder: string; readonly dataDir: string }): readonly KeptText[] {
  const databases = readdirSync(bed.dataDir).filter((name) => name.endsWith('.db'));
  if (databases.length === 0) throw new Error(`there is no store in ${bed.dataDir}`);
  return [
    ...readFiles(bed.folder, (name) => name.endsWith('.log')),
    ...readFiles(bed.dataDir),
    ...databases.flatMap((name) => readStore(join(bed.dataDir, name))),
  ];
}

/** Where any of the values is. @returns places, none of the values: it goes into a test's message. */
export function placesOf(kept: readonly KeptText[], values: readonly string[]): readonly string[] {
  return kept.filter(({ text }) => values.some((value) => text.includes(value))).map(({ where }) => where);
}

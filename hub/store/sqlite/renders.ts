/**
 * What rendering remembers (model/render-memory.ts). Nodes are kept once, however many stand on them. Everything hangs on the sets: a result goes with its
 * set, a root with its last result, a node with the last that names it.
 */
import { FairwayError } from '../../../shared/error/error.ts';
import type { Digest } from '../../../shared/manifest/canonical.ts';
import type { ManifestEntry } from '../../../shared/manifest/target.ts';
import type {
  RememberedResult,
  RenderNode,
  RenderRecords,
  RenderResultKey,
  RenderResultRecord,
  RenderRoot,
} from '../../model/render-memory.ts';
import { renderKeysMax } from '../../model/render-memory.ts';
import { decodeBlob, encodeBlob } from '../blob-codec.ts';
import type { RenderRepository } from '../repositories/render-repository.ts';
import { createToucher } from './content.ts';
import type { SqliteContext, Synchronous } from './context.ts';

type NodeContent = Pick<RenderNode, 'folder' | 'oid' | 'helm' | 'probes' | 'bases'>;

interface NodeRow {
  readonly digest: Digest;
  readonly encoding: number;
  readonly content: Uint8Array;
}

interface RootRow {
  readonly key: Digest;
  readonly node: Digest;
  readonly variables: string;
}

interface ResultRow {
  readonly digest: Digest;
  readonly encoding: number;
  readonly entries: Uint8Array;
  readonly builtFrom: string;
}

function checkCount(keys: readonly unknown[]): void {
  if (keys.length > renderKeysMax)
    throw new FairwayError('invalid_argument', `at most ${renderKeysMax} keys may be asked at once`);
}

function createRootLoader({ client, sealer }: SqliteContext): Synchronous<RenderRepository>['roots'] {
  const findRoot = client.prepare(
    'SELECT key, node_digest AS node, variables FROM render_roots WHERE key = ?',
  );
  const findNode = client.prepare('SELECT digest, encoding, content FROM render_nodes WHERE digest = ?');
  const loadNode = (digest: Digest): RenderNode | undefined => {
    const row = findNode.get(digest) as NodeRow | undefined;
    if (row === undefined) return undefined;
    const stored = { encoding: row.encoding, sealed: false, bytes: row.content };
    return { digest, ...(JSON.parse(decodeBlob(stored, digest, sealer)) as NodeContent) };
  };
  return (keys) => {
    checkCount(keys);
    const roots: RenderRoot[] = [];
    const nodes = new Map<Digest, RenderNode>();
    for (const key of keys) {
      const row = findRoot.get(key) as RootRow | undefined;
      if (row === undefined) continue;
      roots.push({ key, node: row.node, variables: JSON.parse(row.variables) as string[] });
      const open = [row.node];
      for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
        if (nodes.has(digest)) continue;
        const node = loadNode(digest);
        if (node === undefined) continue;
        nodes.set(digest, node);
        open.push(...node.bases);
      }
    }
    return { roots, nodes: [...nodes.values()] };
  };
}

function createResultLoader(
  context: SqliteContext,
  touch: (set: Digest) => boolean,
): Synchronous<RenderRepository>['results'] {
  const { client, sealer } = context;
  const find = client.prepare(
    `SELECT sets.digest AS digest, sets.encoding AS encoding, sets.entries AS entries, built_from AS builtFrom
     FROM render_results JOIN sets ON sets.digest = set_digest JOIN render_roots ON render_roots.key = root_key
     WHERE root_key = ? AND node_digest = ? AND values_key = ?`,
  );
  return (keys) => {
    checkCount(keys);
    return keys.flatMap(({ root, node, values }: RenderResultKey): readonly RememberedResult[] => {
      const row = find.get(root, node, values) as ResultRow | undefined;
      if (row === undefined || !touch(row.digest)) return [];
      const { digest, encoding, entries, builtFrom } = row;
      const text = decodeBlob({ encoding, sealed: false, bytes: entries }, digest, sealer);
      return [
        { root, node, values, builtFrom, set: { digest, entries: JSON.parse(text) as ManifestEntry[] } },
      ];
    });
  };
}

function createSaver({ client, sealer, nowMs }: SqliteContext): Synchronous<RenderRepository>['save'] {
  const insertNode = client.prepare(
    `INSERT INTO render_nodes (digest, encoding, content, touched_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (digest) DO UPDATE SET encoding = excluded.encoding, content = excluded.content,
       touched_at_ms = excluded.touched_at_ms`,
  );
  const insertBase = client.prepare('INSERT INTO render_bases VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const hasNode = client.prepare('SELECT 1 FROM render_nodes WHERE digest = ?').pluck();
  const hasSet = client.prepare('SELECT 1 FROM sets WHERE digest = ?').pluck();
  const findNodeOf = client.prepare('SELECT node_digest FROM render_roots WHERE key = ?').pluck();
  const insertRoot = client.prepare(
    `INSERT INTO render_roots (key, engine, node_digest, variables, touched_at_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET engine = excluded.engine, node_digest = excluded.node_digest,
       variables = excluded.variables, touched_at_ms = excluded.touched_at_ms`,
  );
  const forgetResults = client.prepare('DELETE FROM render_results WHERE root_key = ?');
  const insertResult = client.prepare(
    `INSERT INTO render_results (root_key, values_key, set_digest, built_from) VALUES (?, ?, ?, ?)
     ON CONFLICT (root_key, values_key) DO UPDATE SET set_digest = excluded.set_digest, built_from = excluded.built_from`,
  );

  const saveNode = ({ digest, folder, oid, helm, probes, bases }: RenderNode): void => {
    // Without one below it could not be compared: whoever asks renders anew then.
    if (bases.some((base) => hasNode.get(base) === undefined)) return;
    const content: NodeContent = { folder, oid, helm, probes, bases };
    const { encoding, bytes } = encodeBlob(JSON.stringify(content), false, digest, sealer);
    insertNode.run(digest, encoding, bytes, nowMs());
    for (const [position, base] of bases.entries()) insertBase.run(digest, base, position);
  };

  const saveRoot = (root: RenderRoot, results: readonly RenderResultRecord[], engine: string): void => {
    const kept = results.filter(({ node, set }) => node === root.node && hasSet.get(set) !== undefined);
    if (kept.length === 0 || hasNode.get(root.node) === undefined) return;
    if (findNodeOf.get(root.key) !== root.node) forgetResults.run(root.key);
    insertRoot.run(root.key, engine, root.node, JSON.stringify(root.variables), nowMs());
    for (const { values, set, builtFrom } of kept) insertResult.run(root.key, values, set, builtFrom);
  };

  return ({ engine, nodes, roots, results }: RenderRecords) => {
    for (const node of nodes) saveNode(node);
    const byRoot = Map.groupBy(results, ({ root }) => root);
    for (const root of roots) saveRoot(root, byRoot.get(root.key) ?? [], engine);
  };
}

export function createSqliteRenders(context: SqliteContext): Synchronous<RenderRepository> {
  const touch = createToucher(context, 'sets');
  return {
    roots: createRootLoader(context),
    results: createResultLoader(context, touch),
    refresh(sets) {
      checkCount(sets);
      return sets.filter(touch);
    },
    save: createSaver(context),
  };
}

/** Rows of one table that one call deletes at most. */
const deletedMax = 1_000;
/** Between a node and the root that names it passes less than this. */
const graceMs = 10 * 60_000;
/** Some hundred megabytes. */
const renderRootsMax = 200_000;

/** @returns how many rows went: of another engine than the last that saved, without a set, or of more than there may be. */
export function createRenderSweeper({ client }: SqliteContext): (nowMs: number) => number {
  const roots = client.prepare(
    `DELETE FROM render_roots WHERE position IN (
       SELECT position FROM render_roots AS old
       WHERE engine <> (SELECT engine FROM render_roots ORDER BY touched_at_ms DESC, position DESC LIMIT 1)
         OR NOT EXISTS (SELECT 1 FROM render_results WHERE root_key = old.key)
         OR position <= (SELECT max(position) FROM render_roots) - ${renderRootsMax}
       LIMIT ${deletedMax})`,
  );
  const nodes = client.prepare(
    `DELETE FROM render_nodes WHERE rowid IN (
       SELECT rowid FROM render_nodes AS old WHERE touched_at_ms < ?
         AND NOT EXISTS (SELECT 1 FROM render_roots WHERE node_digest = old.digest)
         AND NOT EXISTS (SELECT 1 FROM render_bases WHERE base_digest = old.digest)
       LIMIT ${deletedMax})`,
  );
  return (nowMs) => roots.run().changes + nodes.run(nowMs - graceMs).changes;
}

/**
 * Rollouts' states: a row with what concerns all of it, and one for each cluster that something is known of. A pass over ten thousand clusters of which a hundred
 * have reported writes a hundred rows.
 */
import { FairwayError } from '../../../shared/error/error.ts';
import type { Plan, RolloutPassRow, StoredRollout } from '../repositories/release-repository.ts';
import type { SqliteContext } from './context.ts';

interface StateRow {
  readonly application: string;
  readonly version: number;
  readonly state: string;
}

interface ClusterRow {
  readonly cluster: string;
  readonly state: string;
}

export interface SqliteRolloutStates {
  /** With all of its clusters. */
  get(application: string): StoredRollout | undefined;
  version(application: string): number | undefined;
  list(): ReadonlyMap<string, StoredRollout>;
  /** @throws conflict */
  check(before: NonNullable<Plan['rolloutsBefore']>): void;
  /** A whole state, in place of the one that there is. */
  replace(application: string, state: unknown): void;
  /** What a pass changes, as long as the version is the one it began from. */
  move(pass: RolloutPassRow): void;
  applications(): readonly string[];
  remove(application: string): void;
}

type Clusters = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Clusters {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A state without what it knows of clusters, which are empty then, and those; undefined: it has none. */
function splitState(state: unknown): { readonly head: unknown; readonly clusters: Clusters } {
  const clusters = isRecord(state) ? state['clusters'] : undefined;
  if (!isRecord(state) || !isRecord(clusters)) return { head: state ?? null, clusters: {} };
  return { head: { ...state, clusters: {} }, clusters };
}

/** The parts hold valid JSON: putting them together is cheaper than parsing each. */
function joinState({ version, state }: StateRow, rows: readonly ClusterRow[]): StoredRollout {
  const head: unknown = JSON.parse(state);
  if (!isRecord(head) || rows.length === 0) return { version, state: head };
  const parts = rows.map((row) => `${JSON.stringify(row.cluster)}:${row.state}`);
  return { version, state: { ...head, clusters: JSON.parse(`{${parts.join(',')}}`) as Clusters } };
}

function createReplace({ client }: SqliteContext, putCluster: PutCluster, dropCluster: DropCluster) {
  const clustersOf = client.prepare('SELECT cluster, state FROM rollout_clusters WHERE application = ?');
  const save = client.prepare(
    `INSERT INTO rollouts (application, state, version) VALUES (:application, :state, (SELECT version + 1 FROM rollouts_removed))
     ON CONFLICT (application) DO UPDATE SET state = excluded.state, version = version + 1`,
  );
  return (application: string, state: unknown): void => {
    const { head, clusters } = splitState(state);
    save.run({ application, state: JSON.stringify(head) });
    const left = new Map(
      (clustersOf.all(application) as ClusterRow[]).map((row) => [row.cluster, row.state] as const),
    );
    for (const [cluster, value] of Object.entries(clusters)) {
      const text = JSON.stringify(value);
      if (left.get(cluster) !== text) putCluster(application, cluster, text);
      left.delete(cluster);
    }
    for (const cluster of left.keys()) dropCluster(application, cluster);
  };
}

type PutCluster = (application: string, cluster: string, state: string) => void;
type DropCluster = (application: string, cluster: string) => void;

export function createSqliteRolloutStates(context: SqliteContext): SqliteRolloutStates {
  const { client } = context;
  const one = client.prepare('SELECT application, version, state FROM rollouts WHERE application = ?');
  const all = client.prepare('SELECT application, version, state FROM rollouts');
  const clustersOf = client.prepare(
    'SELECT cluster, state FROM rollout_clusters WHERE application = ? ORDER BY cluster',
  );
  const versionOf = client.prepare('SELECT version FROM rollouts WHERE application = ?').pluck();
  const names = client.prepare('SELECT application FROM rollouts').pluck();
  const put = client.prepare(
    `INSERT INTO rollout_clusters (application, cluster, state) VALUES (?, ?, ?)
     ON CONFLICT (application, cluster) DO UPDATE SET state = excluded.state`,
  );
  const drop = client.prepare('DELETE FROM rollout_clusters WHERE application = ? AND cluster = ?');
  const dropAll = client.prepare('DELETE FROM rollout_clusters WHERE application = ?');
  const next = client.prepare('UPDATE rollouts SET version = version + 1 WHERE application = ?');
  const nextState = client.prepare(
    'UPDATE rollouts SET version = version + 1, state = ? WHERE application = ?',
  );
  const note = client.prepare(
    'UPDATE rollouts_removed SET version = max(version, (SELECT version FROM rollouts WHERE application = ?))',
  );
  const remove = client.prepare('DELETE FROM rollouts WHERE application = ?');
  const putCluster: PutCluster = (application, cluster, state) => void put.run(application, cluster, state);
  const dropCluster: DropCluster = (application, cluster) => void drop.run(application, cluster);
  const join = (row: StateRow) => joinState(row, clustersOf.all(row.application) as ClusterRow[]);
  return {
    get(application) {
      const row = one.get(application) as StateRow | undefined;
      return row && join(row);
    },
    version: (application) => versionOf.get(application) as number | undefined,
    list: () => new Map((all.all() as StateRow[]).map((row) => [row.application, join(row)])),
    check(before) {
      for (const [application, version] of Object.entries(before))
        if (versionOf.get(application) !== version)
          throw new FairwayError('conflict', 'a rollout has gone on since it was planned', {
            subject: application,
          });
    },
    replace: createReplace(context, putCluster, dropCluster),
    move({ application, state, clusters = {} }) {
      if (state === undefined) next.run(application);
      else nextState.run(JSON.stringify(splitState(state).head), application);
      for (const [cluster, value] of Object.entries(clusters))
        if (value === null) dropCluster(application, cluster);
        else putCluster(application, cluster, JSON.stringify(value));
    },
    applications: () => names.all() as string[],
    remove(application) {
      note.run(application);
      remove.run(application);
      dropAll.run(application);
    },
  };
}

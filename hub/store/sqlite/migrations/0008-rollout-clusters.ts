/**
 * A rollout's state in parts: what it knows of each cluster is a row of its own, so that a pass writes what it has changed. Versions tell one state from the next, and
 * are never given twice to one application: what was removed leaves its last one behind.
 */
export const rolloutClusters = `
CREATE TABLE rollout_clusters (
  application TEXT NOT NULL,
  cluster TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (application, cluster)
) WITHOUT ROWID;
CREATE TABLE rollouts_removed (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL
);
INSERT INTO rollouts_removed (one, version) VALUES (1, 0);
ALTER TABLE rollouts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
INSERT INTO rollout_clusters SELECT rollouts.application, cluster.key, cluster.value
  FROM rollouts, json_each(rollouts.state, '$.clusters') AS cluster
  WHERE json_type(rollouts.state, '$.clusters') = 'object';
UPDATE rollouts SET state = json_set(state, '$.clusters', json('{}'))
  WHERE json_type(state, '$.clusters') = 'object';
`;

/** What rollouts did, after they have ended. `routine` entries go first where a rollout says too much. */
export const rolloutHistory = `
CREATE TABLE rollout_history (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  application TEXT NOT NULL,
  ended_at_ms INTEGER,
  record TEXT NOT NULL,
  clusters_encoding INTEGER NOT NULL DEFAULT 0,
  clusters BLOB
);
CREATE INDEX rollout_history_application ON rollout_history (application, position);
CREATE INDEX rollout_history_ended ON rollout_history (ended_at_ms);
CREATE TABLE rollout_timeline (
  rollout TEXT NOT NULL REFERENCES rollout_history (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  routine INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (rollout, sequence)
) WITHOUT ROWID;
`;

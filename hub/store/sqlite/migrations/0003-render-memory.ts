/** What rendering read and what came of it, so that a hub that starts again need not render what did not change. */
export const renderMemory = `
CREATE TABLE render_nodes (
  digest TEXT PRIMARY KEY,
  encoding INTEGER NOT NULL,
  content BLOB NOT NULL,
  touched_at_ms INTEGER NOT NULL
);
CREATE TABLE render_bases (
  node_digest TEXT NOT NULL REFERENCES render_nodes (digest) ON DELETE CASCADE,
  base_digest TEXT NOT NULL REFERENCES render_nodes (digest),
  position INTEGER NOT NULL,
  PRIMARY KEY (node_digest, position)
) WITHOUT ROWID;
CREATE INDEX render_bases_base ON render_bases (base_digest);
CREATE TABLE render_roots (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  engine TEXT NOT NULL,
  node_digest TEXT NOT NULL REFERENCES render_nodes (digest),
  variables TEXT NOT NULL,
  touched_at_ms INTEGER NOT NULL
);
CREATE INDEX render_roots_node ON render_roots (node_digest);
CREATE TABLE render_results (
  root_key TEXT NOT NULL REFERENCES render_roots (key) ON DELETE CASCADE,
  values_key TEXT NOT NULL,
  set_digest TEXT NOT NULL REFERENCES sets (digest) ON DELETE CASCADE,
  built_from TEXT NOT NULL,
  PRIMARY KEY (root_key, values_key)
) WITHOUT ROWID;
CREATE INDEX render_results_set ON render_results (set_digest);
`;

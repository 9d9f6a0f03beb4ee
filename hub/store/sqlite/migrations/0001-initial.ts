/** The first tables. Never edited once released: a change is a migration of its own. */
export const initial = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), counter INTEGER NOT NULL, id TEXT NOT NULL);

CREATE TABLE sources (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  seen_at_ms INTEGER NOT NULL,
  value TEXT NOT NULL
);
CREATE TABLE deliveries (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  seen_at_ms INTEGER NOT NULL
);
CREATE INDEX deliveries_seen ON deliveries (seen_at_ms);

CREATE TABLE fleet_state (one INTEGER PRIMARY KEY CHECK (one = 1), revision_id TEXT NOT NULL, problems TEXT NOT NULL);
CREATE TABLE fleet_resources (kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;

CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  encoding INTEGER NOT NULL,
  sealed INTEGER NOT NULL,
  content BLOB NOT NULL,
  touched_at_ms INTEGER NOT NULL
);
CREATE TABLE sets (
  digest TEXT PRIMARY KEY,
  encoding INTEGER NOT NULL,
  entries BLOB NOT NULL,
  touched_at_ms INTEGER NOT NULL
);
CREATE TABLE set_objects (
  set_digest TEXT NOT NULL REFERENCES sets (digest) ON DELETE CASCADE,
  object_digest TEXT NOT NULL REFERENCES blobs (digest),
  PRIMARY KEY (set_digest, object_digest)
) WITHOUT ROWID;
CREATE INDEX set_objects_object ON set_objects (object_digest);
CREATE TABLE targets (
  digest TEXT PRIMARY KEY,
  set_digest TEXT NOT NULL REFERENCES sets (digest),
  value TEXT NOT NULL,
  touched_at_ms INTEGER NOT NULL
);
CREATE INDEX targets_set ON targets (set_digest);

CREATE TABLE resolutions (application TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE resolution_targets (
  application TEXT NOT NULL REFERENCES resolutions (application) ON DELETE CASCADE,
  target_digest TEXT NOT NULL REFERENCES targets (digest),
  PRIMARY KEY (application, target_digest)
) WITHOUT ROWID;
CREATE INDEX resolution_targets_target ON resolution_targets (target_digest);

CREATE TABLE releases (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  application TEXT NOT NULL,
  revision_id TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  targets TEXT NOT NULL
);
CREATE INDEX releases_application ON releases (application, position);
CREATE INDEX releases_revision ON releases (revision_id);
CREATE INDEX releases_created ON releases (created_at_ms);
CREATE TABLE release_targets (
  release_id TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
  target_digest TEXT NOT NULL REFERENCES targets (digest),
  PRIMARY KEY (release_id, target_digest)
) WITHOUT ROWID;
CREATE INDEX release_targets_target ON release_targets (target_digest);
CREATE TABLE rollouts (application TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE generations (
  cluster TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE assignments (
  cluster TEXT NOT NULL,
  application TEXT NOT NULL,
  target_digest TEXT NOT NULL REFERENCES targets (digest),
  release_id TEXT NOT NULL,
  revision_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  generation INTEGER NOT NULL,
  assigned_at_ms INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  received_at_ms INTEGER,
  applied_at_ms INTEGER,
  healthy_at_ms INTEGER,
  refused TEXT,
  healthy_target_digest TEXT REFERENCES targets (digest),
  PRIMARY KEY (cluster, application)
) WITHOUT ROWID;
CREATE INDEX assignments_application ON assignments (application);
CREATE INDEX assignments_target ON assignments (target_digest);
CREATE INDEX assignments_healthy_target ON assignments (healthy_target_digest);
CREATE INDEX assignments_release ON assignments (release_id);
CREATE INDEX assignments_revision ON assignments (revision_id);

CREATE TABLE pauses (
  cluster TEXT NOT NULL,
  application TEXT NOT NULL,
  until_ms INTEGER,
  value TEXT NOT NULL,
  PRIMARY KEY (cluster, application)
) WITHOUT ROWID;
CREATE TABLE confirmations (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  assignments INTEGER NOT NULL,
  revision_id TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  confirmed_at_ms INTEGER,
  confirmed_by TEXT
) WITHOUT ROWID;

CREATE TABLE clusters (
  name TEXT PRIMARY KEY,
  enrolled_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER,
  connected INTEGER NOT NULL,
  agent_version TEXT NOT NULL,
  kubernetes_version TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE enrolment_tokens (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL,
  cluster TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER,
  revoked_at_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE certificates (
  fingerprint TEXT PRIMARY KEY,
  serial TEXT NOT NULL,
  cluster TEXT NOT NULL,
  not_before_ms INTEGER NOT NULL,
  not_after_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  revoked_reason TEXT
) WITHOUT ROWID;
CREATE INDEX certificates_cluster ON certificates (cluster, not_after_ms);
CREATE TABLE access_tokens (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  last_used_at_ms INTEGER,
  revoked_at_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE application_observations (
  cluster TEXT NOT NULL,
  application TEXT NOT NULL,
  generation INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cluster, application)
) WITHOUT ROWID;
CREATE INDEX application_observations_application ON application_observations (application);
CREATE TABLE object_observations (
  cluster TEXT NOT NULL,
  application TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  sync_status TEXT NOT NULL,
  health_status TEXT NOT NULL,
  generation INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cluster, application, key)
) WITHOUT ROWID;
CREATE INDEX object_observations_application ON object_observations (application, cluster, key);

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  actor TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  cluster TEXT NOT NULL,
  application TEXT NOT NULL,
  revision_id TEXT NOT NULL,
  object TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX events_type ON events (type, sequence);
CREATE INDEX events_cluster ON events (cluster, sequence);
CREATE INDEX events_application ON events (application, sequence);
CREATE INDEX events_time ON events (time_ms);
CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY REFERENCES events (sequence) ON DELETE CASCADE,
  attempts INTEGER NOT NULL,
  next_attempt_at_ms INTEGER NOT NULL
);
CREATE INDEX outbox_next ON outbox (next_attempt_at_ms, sequence);
`;

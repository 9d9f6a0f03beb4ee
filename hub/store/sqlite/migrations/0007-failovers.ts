/** Failovers, each as it is now; at most one of a group is open. */
export const failovers = `
CREATE TABLE failovers (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  open INTEGER NOT NULL,
  version INTEGER NOT NULL,
  value TEXT NOT NULL
);
CREATE INDEX failovers_name ON failovers (name, sequence);
CREATE UNIQUE INDEX failovers_open ON failovers (name) WHERE open = 1;
`;

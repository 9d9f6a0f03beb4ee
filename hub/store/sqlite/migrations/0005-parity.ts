/** What parity groups came to, and the time line of each. */
export const parityGroups = `
CREATE TABLE parity_states (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE parity_moments (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  value TEXT NOT NULL
);
CREATE INDEX parity_moments_name ON parity_moments (name, sequence);
`;

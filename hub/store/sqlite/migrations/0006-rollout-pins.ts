/** What rollouts may still need, so that it is not collected as garbage: the release, and the Targets that clusters would go back to. */
export const rolloutPins = `
CREATE TABLE rollout_targets (
  application TEXT NOT NULL,
  target_digest TEXT NOT NULL,
  PRIMARY KEY (application, target_digest)
) WITHOUT ROWID;
CREATE INDEX rollout_targets_digest ON rollout_targets (target_digest);
CREATE TABLE rollout_releases (
  application TEXT PRIMARY KEY,
  release_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX rollout_releases_id ON rollout_releases (release_id);
INSERT INTO rollout_releases SELECT application, json_extract(state, '$.releaseId') FROM rollouts
  WHERE json_extract(state, '$.releaseId') IS NOT NULL;
INSERT INTO rollout_targets SELECT DISTINCT rollouts.application, json_extract(cluster.value, '$.previous')
  FROM rollouts, json_each(rollouts.state, '$.clusters') AS cluster
  WHERE json_extract(cluster.value, '$.previous') IS NOT NULL;
`;

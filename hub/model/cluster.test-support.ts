import type { Cluster } from './fleet.ts';

/** A Cluster of which nothing is said but a name. */
export const plainCluster: Cluster = {
  name: 'c',
  labels: {},
  region: '',
  role: 'none',
  variables: {},
  kubernetesVersion: '',
  paused: false,
  origin: { file: '', line: 0, commit: '' },
};

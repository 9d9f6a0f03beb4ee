/** Keys of changes that are about an application in a cluster. */

export interface ChangedPlacement {
  readonly cluster: string;
  /** Undefined: any of the cluster's. */
  readonly application: string | undefined;
}

/** Neither name has a new line. */
export function placementKey(cluster: string, application: string): string {
  return `${cluster}\n${application}`;
}

/** Of a key that names a cluster, or a cluster with an application and whatever else. */
export function parsePlacementKey(key: string): ChangedPlacement {
  const [cluster = '', application] = key.split('\n', 2);
  return { cluster, application };
}

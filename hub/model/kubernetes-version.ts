/** The minor release of `1.34`, `v1.34.2`, `v1.34.2-gke.1`; undefined for anything else. */
export function minorOf(version: string): number | undefined {
  const minor = /^v?1\.(\d{1,3})(?:[.+-]|$)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/**
 * What to tell people when a cluster runs another minor release than what it is rendered for; empty while they agree, or one of them is not known. Git
 * decides what is rendered, so that the same commit always gives the same: what an agent reports never does.
 */
export function versionWarning(cluster: string, stated: string, reported: string): string {
  const [rendered, running] = [minorOf(stated), minorOf(reported)];
  if (rendered === undefined || running === undefined || rendered === running) return '';
  return (
    `the cluster runs Kubernetes 1.${running}, but charts and checks take it for 1.${rendered}: ` +
    `set spec.kubernetes.version of Cluster ${cluster} to 1.${running}`
  );
}

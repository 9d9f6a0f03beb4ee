import type { Cluster } from '../../model/fleet.ts';

/** The fields of a Cluster that become variables. */
export type VariableCluster = Pick<
  Cluster,
  'name' | 'region' | 'role' | 'labels' | 'variables' | 'kubernetesVersion'
>;

export type Variables = ReadonlyMap<string, string>;

/** Names that begin so are the hub's own. */
export const builtInPrefix = 'FAIRWAY_CLUSTER_';

/** `example.com/tier` becomes `FAIRWAY_CLUSTER_LABEL_EXAMPLE_COM_TIER`. */
export function labelVariable(key: string): string {
  return `${builtInPrefix}LABEL_${key.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}`;
}

/**
 * All variables of a cluster: the Application's own, over them the Cluster's, over them the built-in ones. Line breaks are taken out of values, as Flux
 * does. Of two labels that become the same name neither counts.
 */
export function variablesOf(cluster: VariableCluster, own: Readonly<Record<string, string>>): Variables {
  const variables = new Map<string, string>();
  for (const [name, value] of [...Object.entries(own), ...Object.entries(cluster.variables)])
    variables.set(name, value.replaceAll('\n', ''));
  for (const name of variables.keys()) if (name.startsWith(builtInPrefix)) variables.delete(name);
  variables.set(`${builtInPrefix}NAME`, cluster.name);
  variables.set(`${builtInPrefix}REGION`, cluster.region);
  variables.set(`${builtInPrefix}ROLE`, cluster.role);
  variables.set(`${builtInPrefix}KUBERNETES_VERSION`, cluster.kubernetesVersion);
  const doubled = new Set<string>();
  for (const [key, value] of Object.entries(cluster.labels)) {
    const name = labelVariable(key);
    if (variables.has(name)) doubled.add(name);
    variables.set(name, value);
  }
  for (const name of doubled) variables.delete(name);
  return variables;
}

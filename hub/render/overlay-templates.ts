import type { Cluster } from '../model/fleet.ts';
import { problemError } from './render-error.ts';
import { joinOwn } from './tree-view.ts';

/** The fields of a Cluster that a template may name. */
export type TemplateCluster = Pick<Cluster, 'name' | 'region' | 'role' | 'labels' | 'variables'>;

export type Expanded =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly unknown: string };

/**
 * Fills `{{cluster.name}}`, `{{cluster.region}}`, `{{cluster.role}}`, `{{cluster.labels.x}}` and `{{cluster.variables.x}}`. A label or variable
 * that this cluster lacks, and any other name, is unknown.
 */
export function expandTemplate(template: string, cluster: TemplateCluster): Expanded {
  let unknown: string | undefined;
  const path = template.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_whole, name: string) => {
    const value = lookUp(name, cluster);
    if (value === undefined) unknown ??= name;
    return value ?? '';
  });
  if (unknown === undefined && (path.includes('{{') || path.includes('}}'))) unknown = template;
  return unknown === undefined ? { ok: true, path } : { ok: false, unknown };
}

/** A template's path below `folder`, and whether a variable was filled in. @throws a Problem at `field`. */
export function expandPath(
  template: string,
  { folder, cluster, field }: { readonly folder: string; readonly cluster: Cluster; readonly field: string },
): { readonly path: string; readonly filled: boolean } {
  const expanded = expandTemplate(template, cluster);
  if (!expanded.ok)
    throw problemError(
      'invalid_manifest',
      { field },
      `cluster ${cluster.name} has no value for {{${expanded.unknown}}}; known are cluster.name, cluster.region, cluster.role, ` +
        'and the cluster.labels.* and cluster.variables.* that the Cluster states',
    );
  const path = joinOwn(folder, expanded.path);
  if (path === undefined)
    throw problemError('invalid_manifest', { field }, `${expanded.path} leads out of the repository`);
  return { path, filled: expanded.path !== template };
}

function lookUp(name: string, cluster: TemplateCluster): string | undefined {
  if (name === 'cluster.name') return cluster.name;
  if (name === 'cluster.region') return cluster.region;
  if (name === 'cluster.role') return cluster.role;
  const [, map, key = ''] = /^cluster\.(labels|variables)\.(.+)$/.exec(name) ?? [];
  if (map !== 'labels' && map !== 'variables') return undefined;
  return Object.hasOwn(cluster[map], key) ? cluster[map][key] : undefined;
}

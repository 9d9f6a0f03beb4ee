import { canonicalJson } from '../../shared/manifest/canonical.ts';
import type { ApplicationSource, Cluster } from '../model/fleet.ts';
import { expandTemplate } from './overlay-templates.ts';

const fixed = new WeakMap<ApplicationSource, string>();

/**
 * All that a chart's output depends on besides files and the program, as text: clusters of which it is the same share one run. Undefined where a
 * template cannot be filled in, which rendering says.
 */
export function chartInputs(source: ApplicationSource, cluster: Cluster): string | undefined {
  const files: string[] = [];
  for (const template of source.helm?.valueFiles ?? []) {
    const expanded = expandTemplate(template, cluster);
    if (!expanded.ok) return undefined;
    files.push(expanded.path);
  }
  let own = fixed.get(source);
  if (own === undefined) {
    own = canonicalJson([source.path, source.helm]);
    fixed.set(source, own);
  }
  const { kubernetesVersion, kubernetesApiVersions = [] } = cluster;
  return `${own} ${JSON.stringify([files, kubernetesVersion, [...kubernetesApiVersions].sort()])}`;
}

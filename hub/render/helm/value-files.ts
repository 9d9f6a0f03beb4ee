import type { Cluster, HelmSource } from '../../model/fleet.ts';
import type { FileLoader } from '../file-loader.ts';
import { expandTemplate } from '../overlay-templates.ts';
import { problemError } from '../render-error.ts';
import { isSopsFile } from '../sops-file.ts';
import { joinOwn, type Probes, type TreeView } from '../tree-view.ts';
import type { ValueFile } from './helm-runner.ts';

/**
 * The value files of one cluster, in order, the Application's own values last. A file whose template has a variable in it is one for some clusters, and
 * may be missing; any other must be there. @throws a Problem.
 */
export async function readValueFiles(
  { path, helm, cluster }: { readonly path: string; readonly helm: HelmSource; readonly cluster: Cluster },
  {
    view,
    files: loader,
    probes,
  }: { readonly view: TreeView; readonly files: FileLoader; readonly probes: Probes },
): Promise<readonly ValueFile[]> {
  const files: ValueFile[] = [];
  for (const [index, template] of helm.valueFiles.entries()) {
    const field = `spec.source.helm.valueFiles[${index}]`;
    const expanded = expandTemplate(template, cluster);
    if (!expanded.ok)
      throw problemError(
        'invalid_manifest',
        { field },
        `cluster ${cluster.name} has no value for {{${expanded.unknown}}}; known are cluster.name, cluster.region, cluster.role, ` +
          'and the cluster.labels.* and cluster.variables.* that the Cluster states',
      );
    const name = joinOwn(path, expanded.path);
    if (name === undefined)
      throw problemError('invalid_manifest', { field }, `${expanded.path} leads out of the repository`);
    const found = await view.find(name, probes);
    if (found === undefined && expanded.path !== template) continue;
    if (found?.entry.type !== 'file')
      throw problemError('not_found', { field }, `there is no file ${name} in ${view.name}`);
    const bytes = await loader.bytes(view, found.path, found.entry, name);
    if (isSopsFile(bytes))
      throw problemError(
        'unsupported',
        { file: name },
        'value files encrypted with SOPS cannot be opened by the hub',
      );
    files.push({ name, bytes });
  }
  if (Object.keys(helm.values).length > 0)
    files.push({
      name: 'spec.source.helm.values',
      bytes: new TextEncoder().encode(JSON.stringify(helm.values)),
    });
  return files;
}

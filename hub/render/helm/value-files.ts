import type { Cluster, HelmSource } from '../../model/fleet.ts';
import type { FileLoader } from '../file-loader.ts';
import { expandPath } from '../overlay-templates.ts';
import { problemError } from '../render-error.ts';
import { isSopsFile } from '../sops-file.ts';
import type { Probes, TreeView } from '../tree-view.ts';
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
    const { path: name, filled } = expandPath(template, { folder: path, cluster, field });
    const found = await view.find(name, probes);
    if (found === undefined && filled) continue;
    if (found?.entry.type !== 'file')
      throw problemError('not_found', { field }, `there is no file ${name} in ${view.name}`);
    const bytes = await loader.bytes(view, found.path, found.entry, name);
    if (isSopsFile(bytes))
      throw problemError(
        'unsupported',
        { file: name },
        'value files encrypted with SOPS cannot be opened by the hub',
      );
    files.push({ name, bytes, template: index });
  }
  if (Object.keys(helm.values).length > 0)
    files.push({
      name: 'spec.source.helm.values',
      bytes: new TextEncoder().encode(JSON.stringify(helm.values)),
    });
  return files;
}

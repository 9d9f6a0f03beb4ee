import type { ApplicationSource, Cluster } from '../model/fleet.ts';
import { expandPath, expandTemplate } from './overlay-templates.ts';
import { problemError } from './render-error.ts';
import { joinOwn, type TreeView, unknown } from './tree-view.ts';

export interface FolderRequest {
  readonly source: ApplicationSource;
  readonly cluster: Cluster;
}

/** The folder that `chooseFolder` would choose; undefined where the reader has to be asked, or there is something to complain about. */
export function peekFolder({ source, cluster }: FolderRequest, view: TreeView): string | undefined {
  for (const template of templatesOf(source)) {
    const expanded = expandTemplate(template, cluster);
    const folder = expanded.ok ? joinOwn(source.path, expanded.path) : undefined;
    const found = folder === undefined ? unknown : view.peekFound(folder);
    if (found === unknown) return undefined;
    if (found?.entry.type === 'directory') return found.path;
  }
  return undefined;
}

/** The first overlay that is there. @throws a Problem that lists what was tried. */
export async function chooseFolder({ source, cluster }: FolderRequest, view: TreeView): Promise<string> {
  const own = source.overlays.length === 0;
  const tried: string[] = [];
  for (const [index, template] of templatesOf(source).entries()) {
    const field = own ? 'spec.source.path' : `spec.source.overlays[${index}]`;
    const { path: folder } = expandPath(template, { folder: source.path, cluster, field });
    tried.push(folder === '' ? '.' : folder);
    const found = await view.find(folder, new Map());
    if (found?.entry.type === 'directory') return found.path;
  }
  throw problemError(
    'not_found',
    { field: own ? 'spec.source.path' : 'spec.source.overlays' },
    `no folder to build for cluster ${cluster.name} in ${view.name}; looked for ${tried.join(', ')}`,
  );
}

function templatesOf({ overlays }: ApplicationSource): readonly string[] {
  return overlays.length === 0 ? [''] : overlays;
}

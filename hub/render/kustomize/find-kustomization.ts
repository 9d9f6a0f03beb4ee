import { childOf } from '../remote/mount.ts';
import { problemError } from '../render-error.ts';
import type { Probes, TreeView } from '../tree-view.ts';

/** In the order that kustomize names them. */
export const kustomizationNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** The kustomization file of a folder; undefined where there is none. @throws a Problem where there are several. */
export async function findKustomization(
  folder: string,
  view: TreeView,
  probes: Probes,
): Promise<{ path: string; oid: string; shownAs: string } | undefined> {
  const there = [];
  for (const name of kustomizationNames) {
    const shownAs = childOf(folder, name);
    const found = await view.find(shownAs, probes);
    if (found?.entry.type === 'file') there.push({ path: found.path, oid: found.entry.oid, shownAs });
  }
  const [first, second] = there;
  if (second !== undefined)
    throw problemError(
      'conflict',
      { file: second.shownAs },
      `also ${first?.shownAs}; expected one kustomization file`,
    );
  return first;
}

import type { FileLoader } from './file-loader.ts';
import type { RenderLimits } from './limits.ts';
import { objectsOf } from './objects-of.ts';
import { problemError } from './render-error.ts';
import { createResource, type Resource } from './resource.ts';
import { readPlain } from './trace/entry-trace.ts';
import type { Found, Probes, TreeView } from './tree-view.ts';

export interface PlainContext {
  readonly view: TreeView;
  readonly files: FileLoader;
  readonly limits: RenderLimits;
  readonly probes: Probes;
  /** Undefined: no object's lineage is remembered. */
  readonly traced?: object | undefined;
}

const manifestName = /\.(?:ya?ml|json)$/;

/** All objects of the YAML and JSON files in a folder and below, files in the order of their paths. @throws a Problem. */
export async function renderPlain(folder: string, context: PlainContext): Promise<readonly Resource[]> {
  const resources: Resource[] = [];
  const paths = await listManifests(folder, context);
  for (const { shownAs, found } of paths.sort((a, b) => (a.shownAs < b.shownAs ? -1 : 1))) {
    const documents = await context.files.parse(context.view, found.path, found.entry, shownAs);
    for (const { object, place } of objectsOf(documents, shownAs)) {
      if (object.apiVersion.startsWith('kustomize.config.k8s.io/'))
        throw problemError(
          'unsupported',
          place,
          `a ${object.kind} in a plain folder; let the Application's path or overlays name its folder`,
        );
      const resource = createResource(object, place);
      resources.push(context.traced ? readPlain(resource, folder, found.path, documents) : resource);
      if (resources.length > context.limits.objectsMax)
        throw problemError('resource_exhausted', place, `more than ${context.limits.objectsMax} objects`);
    }
  }
  return resources;
}

interface ManifestFile {
  readonly shownAs: string;
  readonly found: Found;
}

async function listManifests(folder: string, context: PlainContext): Promise<ManifestFile[]> {
  const { view, probes, limits } = context;
  const files: ManifestFile[] = [];
  const folders = [folder];
  for (let here = folders.pop(); here !== undefined; here = folders.pop()) {
    for (const entry of await view.list(here, probes)) {
      const path = here === '' ? entry.name : `${here}/${entry.name}`;
      if (entry.type === 'directory') folders.push(path);
      else if (entry.type === 'file' && manifestName.test(entry.name))
        files.push({ shownAs: path, found: { path, entry } });
      else if (entry.type === 'symlink') {
        const linked = await followLink(path, context);
        if (linked !== undefined) files.push(linked);
      }
    }
    if (files.length > limits.filesMax)
      throw problemError('resource_exhausted', { file: folder }, `more than ${limits.filesMax} files`);
  }
  return files;
}

async function followLink(path: string, { view, probes }: PlainContext): Promise<ManifestFile | undefined> {
  if (!manifestName.test(path)) return undefined;
  const found = await view.find(path, probes);
  if (found === undefined)
    throw problemError('not_found', { file: path }, 'a symbolic link to nothing in the repository');
  return found.entry.type === 'file' ? { shownAs: path, found } : undefined;
}

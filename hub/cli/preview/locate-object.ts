import { FairwayError } from '../../../shared/error/error.ts';
import { groupOf, type KubeObject, type ObjectKey } from '../../../shared/manifest/object.ts';
import { type FieldPath, findLine, readYamlDocuments, type YamlDocument } from '../../fleet/yaml-document.ts';
import type { TreeReader } from '../../model/tree.ts';

/** Where an object is written. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface SourceIndex {
  /**
   * The document that says most of the field: the base, or the patch that sets it. Among equals, one within `folder`, the application's.
   * @param name before prefixes and suffixes. Undefined: it is written nowhere (a generator made it).
   */
  locate(key: ObjectKey, name: string, path: FieldPath, folder: string): Place | undefined;
  /** Definitions of custom kinds that are written in the repository. */
  readonly definitions: readonly KubeObject[];
}

const filesMax = 20_000;
const fileBytesMax = 1024 * 1024;
const depthMax = 30;
/** Folders of tools, with thousands of files that are no manifests. */
const skipped = new Set(['.git', 'node_modules', 'vendor', '.terraform']);

interface Written {
  readonly file: string;
  readonly document: YamlDocument;
  readonly value: KubeObject;
}

/** Reads the YAML files of a tree, as far as they are manifests. What cannot be read is left out: the renderer says what is wrong with it. */
export async function indexSources(tree: TreeReader, signal: AbortSignal): Promise<SourceIndex> {
  const byKind = new Map<string, Written[]>();
  const definitions: KubeObject[] = [];
  for (const file of await listYaml(tree)) {
    signal.throwIfAborted();
    for (const written of await readManifests(tree, file)) {
      const { apiVersion, kind, metadata } = written.value;
      const id = `${groupOf(apiVersion)}/${kind}/${metadata.name}`;
      byKind.set(id, [...(byKind.get(id) ?? []), written]);
      if (kind === 'CustomResourceDefinition') definitions.push(written.value);
    }
  }
  return {
    definitions,
    locate(key, name, path, folder) {
      const found = byKind.get(`${key.group}/${key.kind}/${name}`) ?? [];
      const inside = (one: Written) => (one.file.startsWith(`${folder}/`) ? 1 : 0);
      const ranked = found
        .map((one) => ({ one, rank: [depthOf(one.value, path), inside(one)] as const }))
        .sort((a, b) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1] || (a.one.file < b.one.file ? -1 : 1));
      const best = ranked[0]?.one;
      return best && { file: best.file, line: findLine(best.document, path) };
    },
  };
}

/** How many steps of a path a document has. */
function depthOf(value: unknown, path: FieldPath): number {
  let at = value;
  for (const [depth, part] of path.entries()) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return depth;
    at = (at as Record<string | number, unknown>)[part];
  }
  return path.length;
}

async function listYaml(tree: TreeReader): Promise<readonly string[]> {
  const files: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > depthMax) return;
    for (const { name, type } of await tree.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (type === 'directory' && !skipped.has(name)) await walk(path, depth + 1);
      else if (type === 'file' && /\.ya?ml$/i.test(name) && files.length < filesMax) files.push(path);
    }
  };
  await walk('', 0);
  return files;
}

async function readManifests(tree: TreeReader, file: string): Promise<readonly Written[]> {
  let bytes: Uint8Array;
  try {
    bytes = await tree.read(file);
  } catch (caught) {
    if (caught instanceof FairwayError && caught.code === 'resource_exhausted') return [];
    throw caught;
  }
  if (bytes.length > fileBytesMax) return [];
  const text = new TextDecoder().decode(bytes);
  return readYamlDocuments(text).flatMap((document) =>
    isManifest(document.value) ? [{ file, document, value: document.value }] : [],
  );
}

function isManifest(value: unknown): value is KubeObject {
  if (typeof value !== 'object' || value === null) return false;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  const named = typeof metadata === 'object' && metadata !== null && 'name' in metadata;
  return (
    typeof apiVersion === 'string' && typeof kind === 'string' && named && typeof metadata.name === 'string'
  );
}

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { groupOf, type KubeObject, type ObjectKey } from '../../../shared/manifest/object.ts';
import { type FieldPath, findLine, readYamlDocuments, type YamlDocument } from '../../fleet/yaml-document.ts';

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

/** Reads the YAML files below a folder, as far as they are manifests. What cannot be read is left out: the renderer says what is wrong with it. */
export async function indexSources(top: string, signal: AbortSignal): Promise<SourceIndex> {
  const byKind = new Map<string, Written[]>();
  const definitions: KubeObject[] = [];
  for (const file of await listYaml(top)) {
    signal.throwIfAborted();
    for (const written of await readManifests(top, file)) {
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

/** By the disk itself: a tree's listing would read every file for its id, and all that is wanted here are names. */
async function listYaml(top: string): Promise<readonly string[]> {
  const files: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > depthMax || files.length >= filesMax) return;
    const entries = await readdir(join(top, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      // Neither follows symbolic links.
      if (entry.isDirectory() && !skipped.has(entry.name)) await walk(path, depth + 1);
      else if (entry.isFile() && /\.ya?ml$/i.test(entry.name) && files.length < filesMax) files.push(path);
    }
  };
  await walk('', 0);
  return files;
}

async function readManifests(top: string, file: string): Promise<readonly Written[]> {
  const path = join(top, file);
  if ((await stat(path)).size > fileBytesMax) return [];
  const bytes = await readFile(path);
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

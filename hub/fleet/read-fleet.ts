/**
 * The fleet folder of a commit's tree becomes a Fleet. Every YAML file below the folder counts; each resource is checked by itself, so that one bad
 * file never stops the rest: what it described stays as it last was, and while anything is wrong nothing is removed, since a broken or renamed file
 * looks just like a deleted one. Text is parsed by js-yaml; only where something is wrong a second parser finds the line.
 */
import { toFairwayError } from '../../shared/error/error.ts';
import type { Application, Cluster, Fleet, NamedStrategy, Origin, Repository } from '../model/fleet.ts';
import type { ParityGroup } from '../model/parity.ts';
import type { Problem } from '../model/problem.ts';
import { defaultProject, type Project } from '../model/project.ts';
import type { TreeReader } from '../model/tree.ts';
import { checkParityGroups } from './check-parity-groups.ts';
import { type BrokenReference, checkReferences } from './check-references.ts';
import { memberOf, type ReadResource, readResource } from './read-resource.ts';
import type { FleetKind } from './resource-schemas.ts';
import { fieldText, findLine, readYamlDocuments, type YamlDocument } from './yaml-document.ts';

export interface ReadFleetRequest {
  readonly tree: TreeReader;
  /** Relative to the repository's top. Default `fleet`. */
  readonly folder?: string | undefined;
  /** What counted so far; emptyFleet at first. */
  readonly previous: Fleet;
  readonly signal?: AbortSignal | undefined;
}

const fleetFilesMax = 20_000;
export const fleetFileBytesMax = 1024 * 1024;
const folderDepthMax = 16;
const readsAtOnce = 16;
/** Problems kept of one revision; what follows is counted. */
const fleetProblemsMax = 500;

interface Found {
  readonly resource: ReadResource;
  readonly document: YamlDocument;
}

interface FileResult {
  /** Names of all Projects, also of those that cannot be read. */
  readonly projects: readonly string[];
  readonly found: readonly Found[];
  readonly problems: readonly Problem[];
}

/**
 * Reads the fleet. What is wrong with it is in `problems`; it throws only for an unreadable repository (the reader's own errors, `cancelled` on
 * abort), in which case the previous fleet stays in force.
 */
export async function readFleet({
  tree,
  folder = 'fleet',
  previous,
  signal,
}: ReadFleetRequest): Promise<Fleet> {
  const problems: Problem[] = [];
  const files = await listFiles(tree, folder, problems, signal);
  const found: Found[] = [];
  const projects: string[] = [];
  for (let index = 0; index < files.length; index += readsAtOnce) {
    signal?.throwIfAborted();
    const results = await Promise.all(
      files.slice(index, index + readsAtOnce).map((file) => readFile(tree, file)),
    );
    for (const result of results) {
      found.push(...result.found);
      problems.push(...result.problems);
      projects.push(...result.projects);
    }
  }
  return assemble(found, problems, new Set(projects), previous);
}

const yamlName = /\.ya?ml$/i;

async function listFiles(
  tree: TreeReader,
  folder: string,
  problems: Problem[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const files: string[] = [];
  const refuse = (code: Problem['code'], file: string, message: string) =>
    problems.push({ code, file, line: 0, field: '', message });
  const top = await tree.entry(folder);
  if (top?.type !== 'directory' && folder !== '') {
    refuse(
      'not_found',
      folder,
      'the fleet folder is not there: nothing is changed; bring it back, or name another in root.folder',
    );
    return files;
  }
  const walk = async (path: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    if (depth > folderDepthMax) {
      refuse('resource_exhausted', path, `folders lie deeper than ${folderDepthMax}`);
      return;
    }
    for (const entry of await tree.list(path)) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.type === 'directory') await walk(below, depth + 1);
      else if (entry.type === 'submodule')
        refuse('unsupported', below, 'submodules are not read: put the files here');
      else if (!yamlName.test(entry.name)) continue;
      else if (entry.type === 'symlink')
        refuse('unsupported', below, 'symbolic links are not followed: put the file here');
      else files.push(below);
    }
  };
  await walk(folder, 1);
  if (files.length <= fleetFilesMax) return files;
  refuse(
    'resource_exhausted',
    folder,
    `holds ${files.length} YAML files, more than ${fleetFilesMax}: the rest is not read`,
  );
  return files.slice(0, fleetFilesMax);
}

async function readFile(tree: TreeReader, file: string): Promise<FileResult> {
  const refuse = (code: Problem['code'], message: string, bytes?: Uint8Array): FileResult => ({
    found: [],
    projects: bytes && mayHoldDefault(new TextDecoder('latin1').decode(bytes)) ? [defaultProject] : [],
    problems: [{ code, file, line: 0, field: '', message }],
  });
  let bytes: Uint8Array;
  try {
    bytes = await tree.read(file);
  } catch (caught) {
    const error = toFairwayError(caught, file);
    if (error.code === 'resource_exhausted') return refuse('resource_exhausted', error.message);
    throw error;
  }
  if (bytes.length > fleetFileBytesMax)
    return refuse(
      'resource_exhausted',
      `is ${bytes.length} bytes, more than ${fleetFileBytesMax}: split it`,
      bytes,
    );
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('invalid_manifest', 'is not UTF-8 text: save it as such', bytes);
  }
  const found: Found[] = [];
  const problems: Problem[] = [];
  const projects: string[] = [];
  for (const document of readYamlDocuments(text)) {
    projects.push(...projectNames(document, text));
    const resource = readResource(document, file, tree.commit);
    if ('kind' in resource) found.push({ resource, document });
    else problems.push(...resource);
  }
  return { found, problems, projects };
}

/** Whether text that cannot be read may describe the Project that bounds whoever names none. One of another name is missed where it is named. */
function mayHoldDefault(text: string): boolean {
  return /\bkind["']?\s*:\s*["']?Project\b/.test(text) && /\bname["']?\s*:\s*["']?default\b/.test(text);
}

/** Of the Project that a document describes. */
function projectNames({ value, error }: YamlDocument, text: string): readonly string[] {
  if (error) return mayHoldDefault(text) ? [defaultProject] : [];
  const { kind, metadata } = (value ?? {}) as { kind?: unknown; metadata?: { name?: unknown } | null };
  const name = metadata?.name;
  return kind === 'Project' && typeof name === 'string' ? [name] : [];
}

interface Members {
  readonly clusters: Map<string, Cluster>;
  readonly applications: Map<string, Application>;
  readonly repositories: Map<string, Repository>;
  readonly strategies: Map<string, NamedStrategy>;
  readonly parityGroups: Map<string, ParityGroup>;
  readonly projects: Map<string, Project>;
}

function put(members: Members, { kind, value }: ReadResource): void {
  if (kind === 'Cluster') members.clusters.set(value.name, value);
  else if (kind === 'Application') members.applications.set(value.name, value);
  else if (kind === 'Repository') members.repositories.set(value.name, value);
  else if (kind === 'ParityGroup') members.parityGroups.set(value.name, value);
  else if (kind === 'RolloutStrategy') members.strategies.set(value.name, value);
  else members.projects.set(value.name, value);
}

function assemble(
  found: readonly Found[],
  problems: readonly Problem[],
  unreadProjects: ReadonlySet<string>,
  previous: Fleet,
): Fleet {
  const all: Problem[] = [...problems];
  const members: Members = {
    clusters: new Map(),
    applications: new Map(),
    repositories: new Map(),
    strategies: new Map(),
    parityGroups: new Map(),
    projects: new Map(),
  };
  for (const group of groupByName(found)) {
    const [first, ...others] = group;
    if (others.length === 0) put(members, first.resource);
    else all.push(...group.map((one) => duplicate(one, group)));
  }
  const keep = () => {
    keepPrevious(members.clusters, previous.clusters);
    keepPrevious(members.applications, previous.applications);
    keepPrevious(members.repositories, previous.repositories);
    keepPrevious(members.strategies, previous.strategies);
    keepPrevious(members.parityGroups, previous.parityGroups);
    keepPrevious(members.projects, previous.projects);
  };
  if (all.length > 0) keep();
  const documents = new Map(found.map((one) => [textId(one.resource.kind, one.resource.value.name), one]));
  for (const broken of checkReferences(members, unreadProjects))
    fallBack(
      'Application',
      broken.application,
      broken,
      { members: members.applications, previous: previous.applications },
      { documents, all },
    );
  for (const broken of checkParityGroups(members))
    fallBack(
      'ParityGroup',
      broken.group,
      broken,
      { members: members.parityGroups, previous: previous.parityGroups },
      { documents, all },
    );
  if (all.length > 0) keep();
  return { ...members, problems: bounded(all.sort(byPlace)) };
}

/** What names something that is not there stays as it last was, or is left out; the place is told. */
function fallBack<T extends { readonly origin: Origin }>(
  kind: FleetKind,
  name: string,
  { path, code, message }: Pick<BrokenReference, 'path' | 'code' | 'message'>,
  { members, previous }: { readonly members: Map<string, T>; readonly previous: ReadonlyMap<string, T> },
  { documents, all }: { readonly documents: ReadonlyMap<string, Found>; readonly all: Problem[] },
): void {
  const one = documents.get(textId(kind, name));
  const value = members.get(name);
  // A kept definition of before has no text here: its problem is the broken or missing file's, said already.
  if (!one || !value || (one.resource.value as { readonly origin: Origin }) !== value) return;
  const { file } = value.origin;
  all.push({ code, file, line: findLine(one.document, path), field: fieldText(path), message });
  const last = previous.get(name);
  if (last) members.set(name, last);
  else members.delete(name);
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= fleetProblemsMax) return problems;
  const message = `and ${problems.length - fleetProblemsMax} more problems: mend the first ones`;
  const rest: Problem = { code: 'resource_exhausted', file: '', line: 0, field: '', message };
  return [...problems.slice(0, fleetProblemsMax), rest];
}

function textId(kind: FleetKind, name: string): string {
  return `${memberOf[kind]}/${name}`;
}

function groupByName(found: readonly Found[]): readonly (readonly [Found, ...Found[]])[] {
  const groups = new Map<string, [Found, ...Found[]]>();
  for (const one of found) {
    const id = textId(one.resource.kind, one.resource.value.name);
    const group = groups.get(id);
    if (group) group.push(one);
    else groups.set(id, [one]);
  }
  return [...groups.values()];
}

function duplicate({ resource, document }: Found, group: readonly Found[]): Problem {
  const { kind, value } = resource;
  const places = group
    .filter((other) => other.resource !== resource)
    .map((other) => `${other.resource.value.origin.file}:${other.resource.value.origin.line}`);
  return {
    code: 'conflict',
    file: value.origin.file,
    line: findLine(document, ['metadata', 'name']),
    field: 'metadata.name',
    message: `${kind} ${value.name} is also described in ${places.join(', ')}: keep one of them`,
  };
}

function keepPrevious<T>(members: Map<string, T>, previous: ReadonlyMap<string, T>): void {
  for (const [name, value] of previous) if (!members.has(name)) members.set(name, value);
}

function byPlace(a: Problem, b: Problem): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

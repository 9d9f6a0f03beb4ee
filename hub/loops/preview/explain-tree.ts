import { FairwayError } from '../../../shared/error/error.ts';
import { nearestFew } from '../../../shared/text/nearest.ts';
import { type AuthorOf, explainObject, placesOf } from '../../explain/explain-object.ts';
import type { ExplainedSubject, Explanation, LineCommit } from '../../explain/explanation.ts';
import type { Blame, BlamedLine, BlameFile } from '../../model/blame.ts';
import type { ApplicationSource, Cluster } from '../../model/fleet.ts';
import { describeProblem, type Problem } from '../../model/problem.ts';
import type { FieldPart, FieldPath, ObjectSelector, Written } from '../../model/trace.ts';
import { isItemPart, parseFieldPath, printFieldPath } from '../../model/trace-path.ts';
import type { TreeReader } from '../../model/tree.ts';
import { builtInSchema, type ObjectSchema } from '../../preview/checks/object-schema.ts';
import type { Renderer } from '../../render/renderer.ts';
import { locateFleetFields, type ReadFleetFile } from './locate-fleet-fields.ts';

/** The renderer's traced mode. */
export type Tracer = Pick<Renderer, 'trace'>;

/** Who wrote lines of one of the repositories that an object comes from. */
export interface LineAuthors {
  /** Undefined: nobody knows, it has no history. */
  blame(source: Exclude<Written['source'], 'none'>, files: readonly BlameFile[]): Promise<Blame | undefined>;
  /** The files are those of a folder on disk: lines that no commit has are not committed. */
  readonly onDisk: boolean;
  readonly readFleetFile: ReadFleetFile;
}

export interface ExplainTreeRequest {
  readonly tracer: Tracer;
  readonly subject: ExplainedSubject;
  readonly source: ApplicationSource;
  /** Of the Application's resource in the fleet folder; undefined for a folder that is built without one. */
  readonly statedAt?: { readonly file: string; readonly line: number } | undefined;
  readonly cluster: Cluster;
  readonly tree: TreeReader;
  readonly object: ObjectSelector;
  /** As somebody spelled it; empty: the whole object. */
  readonly field: string;
  readonly authors: LineAuthors;
  readonly signal: AbortSignal;
}

/**
 * Renders one object in the traced mode, asks who wrote the lines, and makes an explanation of it.
 * @throws invalid_argument for a field that cannot be read, not_found for an object or field that is not there, invalid_manifest where rendering fails.
 */
export async function explainTree(request: ExplainTreeRequest): Promise<Explanation> {
  const { tracer, subject, source, cluster, tree, object, authors, signal } = request;
  const field = readField(request.field);
  const traced = await tracer.trace({ source, cluster, tree }, object, signal);
  if (!traced.ok) throw problemsError(traced.problems);
  const [trace] = traced.traces;
  if (trace === undefined) throw new FairwayError('internal', 'the renderer traced no object');
  const { apiVersion, kind, name } = trace.identity;
  const schema = builtInSchema(apiVersion, kind);
  const question = { subject, trace, field, knows: (path: FieldPath) => knowsField(schema, path) };
  const { readFleetFile } = authors;
  const statedAt = request.statedAt && { file: request.statedAt.file, line: request.statedAt.line };
  // The renderer is not told where the Application is.
  const place = (written: Written): Written =>
    written.source === 'application' && written.file === '' ? { ...written, ...statedAt } : written;
  const locate = await locateFleetFields(placesOf({ ...question, locate: place }), readFleetFile);
  const located = { ...question, locate: (written: Written) => locate(place(written)) };
  const found = await findAuthors(placesOf(located), authors);
  const explained = explainObject(located, found);
  if (explained.ok) return explained.explanation;
  const near = explained.near.length > 0 ? explained.near : nearFields(schema, field);
  const meant = near.length === 0 ? '' : ` Did you mean ${near.join(', or ')}?`;
  const open =
    schema === undefined && near.length === 0
      ? ` Nothing in Git sets it, and whether a ${kind} of ${apiVersion} may have it is not known: its schema is none of Kubernetes' own.`
      : '';
  throw new FairwayError('not_found', `${kind} ${name}: ${explained.message}.${meant}${open}`);
}

/** Undefined: there is no such file. */
export async function readFile(tree: TreeReader, path: string): Promise<Uint8Array | undefined> {
  return (await tree.entry(path))?.type === 'file' ? tree.read(path) : undefined;
}

/** @throws invalid_argument */
export function readField(text: string): FieldPath {
  const parsed = parseFieldPath(text);
  if (parsed.ok) return parsed.path;
  throw new FairwayError(
    'invalid_argument',
    `The field "${text.slice(0, 200)}" cannot be read: ${parsed.message}; write it as spec.replicas, spec.containers[name=web].image or metadata.labels["a.b/c"].`,
  );
}

function problemsError(problems: readonly Problem[]): FairwayError {
  const [first] = problems;
  const code =
    first?.code === 'not_found' || first?.code === 'resource_exhausted' || first?.code === 'unavailable'
      ? first.code
      : 'invalid_manifest';
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more problems)` : '';
  return new FairwayError(code, `${first ? describeProblem(first) : 'it cannot be rendered'}${more}`);
}

/** Lines asked of the source in one explanation; a file of more has them left unknown. */
const placesMax = 20_000;

async function findAuthors(places: readonly Written[], authors: LineAuthors): Promise<AuthorOf> {
  const wanted = new Map<Written['source'], Map<string, Set<number>>>();
  for (const { source, file, line } of places.slice(0, placesMax)) {
    const files = wanted.get(source) ?? new Map<string, Set<number>>();
    wanted.set(source, files);
    files.set(file, (files.get(file) ?? new Set()).add(line));
  }
  const blames = new Map<Written['source'], Blame | undefined>();
  for (const [source, files] of wanted)
    if (source !== 'none')
      blames.set(
        source,
        await authors.blame(
          source,
          [...files].map(([path, lines]) => ({ path, lines: [...lines] })),
        ),
      );
  return ({ source, file, line }) => {
    const blame = blames.get(source);
    const found = blame?.get(file)?.get(line);
    if (found) return toLineCommit(found);
    return blame && authors.onDisk ? 'uncommitted' : undefined;
  };
}

const subjectMax = 200;

function toLineCommit({ commit, path, line, atOrBefore }: BlamedLine): LineCommit {
  return {
    sha: commit.sha,
    author: commit.author.name,
    email: commit.author.email,
    time: new Date(commit.author.timeMs).toISOString(),
    subject: (commit.message.split('\n', 1)[0] ?? '').slice(0, subjectMax),
    file: path,
    line,
    orBefore: atOrBefore !== undefined,
  };
}

/** What a part of a path is by its schema; undefined where the schema does not say, null where there is no such field. */
function schemaOfPart(at: ObjectSchema, part: FieldPart): ObjectSchema | undefined | null {
  if (at.type === 'any') return undefined;
  if (typeof part === 'number' || isItemPart(part))
    return at.items ?? (at.type === 'list' ? undefined : null);
  if (at.fields === undefined && at.others === undefined) return at.type === 'object' ? undefined : null;
  // A key of a free map (a label, a key of a ConfigMap) is somebody's own: the API server knows none.
  return at.fields?.get(part) ?? null;
}

/** Whether objects of a kind have a field; undefined where its schema does not say. */
function knowsField(schema: ObjectSchema | undefined, path: FieldPath): boolean | undefined {
  let at = schema;
  for (const part of path) {
    const next: ObjectSchema | undefined | null = at && schemaOfPart(at, part);
    if (next === null) return false;
    if (next === undefined) return undefined;
    at = next;
  }
  return at === undefined ? undefined : true;
}

/** Fields of the schema that may have been meant by the first part of a path that it has not. */
function nearFields(schema: ObjectSchema | undefined, path: FieldPath): readonly string[] {
  let at = schema;
  for (const [depth, part] of path.entries()) {
    const next: ObjectSchema | undefined | null = at && schemaOfPart(at, part);
    if (next === null)
      return nearestFew(String(part), [...(at?.fields?.keys() ?? [])], 3).map((name) =>
        printFieldPath([...path.slice(0, depth), name, ...path.slice(depth + 1)]),
      );
    at = next;
  }
  return [];
}

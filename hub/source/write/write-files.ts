/**
 * Writes edits of a few files as one new commit onto the newest one, and pushes it: to a branch of its own, or to the branch that is followed. Nothing is
 * forced, and the first trailer tells the commit from every other, so that one which was pushed by a process that was then killed is found.
 */
import type { Person } from '../../model/revision.ts';
import { discoverPush, noCommit, push } from '../http/push.ts';
import { parseRefName } from '../ref-name.ts';
import { sourceError } from '../source-error.ts';
import { createObject, isTree, type NewObject, parseRawTree, writeTree } from './merge-trees.ts';
import { commitOf, findWritten, loadTree, type RevertRepository, type RevertResult } from './revert.ts';

export interface WriteRequest {
  readonly url: string;
  /** The branch that is followed. */
  readonly ref: string;
  /** A commit that was there before anything of this was written. */
  readonly from: string;
  /** A branch of its own; empty: onto `ref` itself. */
  readonly branch: string;
  readonly message: string;
  /** `Key: value` lines. The first one tells this commit from every other. */
  readonly trailers: readonly string[];
  /** Author and committer. */
  readonly person: Person;
  /** The files' new texts by path, from their texts as they are now. @throws what the caller wants to be told. */
  edit(read: (path: string) => Promise<string>): Promise<ReadonlyMap<string, string>>;
  readonly signal: AbortSignal;
}

const fileBytesMax = 10 * 1024 * 1024;
const filesMax = 100;

/** @throws failed_precondition (Rewritten, BranchTaken, Unsupported), not_found for a file that is not there, conflict (PushRejected); what fetch and `edit` throw. */
export async function writeFiles(request: WriteRequest, repository: RevertRepository): Promise<RevertResult> {
  const { history, context } = repository;
  const { subject } = context;
  const name = parseRefName(request.ref, subject);
  const refuse = (reason: 'Unsupported' | 'Rewritten', message: string) =>
    sourceError('failed_precondition', reason, message, { subject });
  if (name.kind !== 'named')
    throw refuse('Unsupported', 'the hub follows no branch by its name, so there is none to write to');
  const head = await repository.bring(request.ref);
  if (!(await history.isAncestor(request.from, head)))
    throw refuse('Rewritten', `the branch does not hold the commit ${request.from.slice(0, 8)} any more`);
  const target = await discoverPush(context);
  const followed = name.candidates.find((candidate) => target.refs.some((ref) => ref.name === candidate));
  if (followed === undefined || !followed.startsWith('refs/heads/'))
    throw refuse('Unsupported', `${request.ref} is no branch: nothing can be written to it`);
  const ref = request.branch === '' ? followed : `refs/heads/${request.branch}`;
  const found = await findWritten(request, repository, head, ref, target.refs);
  if (found !== undefined) return { result: 'found', commit: found, ref };
  const top = (await history.commit(head)).tree;
  const edited = await request.edit((path) => readText(repository, top, path));
  if (edited.size > filesMax) throw refuse('Unsupported', `more than ${filesMax} files would be written`);
  const objects: NewObject[] = [];
  let tree = top;
  for (const [path, text] of [...edited].sort()) {
    const blob = createObject('blob', Buffer.from(text));
    objects.push(blob);
    tree = await replaceEntry(repository, tree, path.split('/'), blob.oid, objects);
  }
  if (tree === top) return { result: 'nothing', commit: head, ref };
  const commit = commitOf(request, tree, head);
  const from = request.branch === '' ? head : noCommit;
  await push(target, { ref, from, to: commit.oid, objects: [commit, ...objects] }, context);
  const told =
    target.reports ||
    (await discoverPush(context)).refs.some((one) => one.name === ref && one.oid === commit.oid);
  if (!told)
    throw sourceError('conflict', 'PushRejected', 'the server did not move the branch', {
      subject,
      details: { ref },
    });
  return { result: 'written', commit: commit.oid, ref };
}

function notFound({ context }: RevertRepository, path: string) {
  return sourceError('not_found', 'PathNotFound', `there is no file ${path} any more`, {
    subject: context.subject,
  });
}

/** Git's names are bytes: trees are read with one character a byte. */
function rawName(part: string): string {
  return Buffer.from(part).toString('latin1');
}

async function readText(repository: RevertRepository, top: string, path: string): Promise<string> {
  let oid = top;
  for (const part of path.split('/')) {
    const entry = (await loadTree(repository, oid)).find(({ name }) => name === rawName(part));
    if (entry === undefined) throw notFound(repository, path);
    oid = entry.oid;
  }
  const object = await repository.reader.read(oid, fileBytesMax);
  if (object?.type !== 'blob') throw notFound(repository, path);
  return new TextDecoder('utf-8', { fatal: true }).decode(object.bytes);
}

/** The tree with one file replaced. New trees of an earlier replacement are among `objects`, and are not in the repository yet. */
async function replaceEntry(
  repository: RevertRepository,
  tree: string,
  [part = '', ...rest]: readonly string[],
  oid: string,
  objects: NewObject[],
): Promise<string> {
  const entries = await loadEntries(repository, tree, objects);
  const known = entries.find(({ name }) => name === rawName(part));
  if (known === undefined || isTree(known) !== rest.length > 0) throw notFound(repository, part);
  const replaced = rest.length > 0 ? await replaceEntry(repository, known.oid, rest, oid, objects) : oid;
  if (replaced === known.oid) return tree;
  const written = writeTree(entries.map((one) => (one === known ? { ...one, oid: replaced } : one)));
  objects.push(written);
  return written.oid;
}

async function loadEntries(repository: RevertRepository, oid: string, objects: readonly NewObject[]) {
  const own = objects.find((one) => one.oid === oid);
  return own ? parseRawTree(oid, own.bytes) : loadTree(repository, oid);
}

/**
 * Writes the revert of a commit range as one new commit, and pushes it: to a branch of its own, or to the branch that is followed. Nothing is forced: the server
 * moves a branch only from where we saw it. The commit names what it is the revert of, so that one which was pushed by a process that was then
 * killed is found and not written again.
 */
import type { Person } from '../../model/revision.ts';
import type { History } from '../history.ts';
import type { RemoteContext } from '../http/discover.ts';
import { discoverPush, noCommit, push } from '../http/push.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { parseRefName } from '../ref-name.ts';
import { sourceError } from '../source-error.ts';
import { createObject, type MergeSides, mergeTrees, type NewObject, parseRawTree } from './merge-trees.ts';

export interface RevertRequest {
  readonly url: string;
  /** The branch that is followed. */
  readonly ref: string;
  /** What is taken back: all that came after `to` up to `from`. */
  readonly from: string;
  readonly to: string;
  /** A branch of its own; empty: onto `ref` itself. */
  readonly branch: string;
  /** Without trailers. */
  readonly message: string;
  /** `Key: value` lines. The first one tells this revert from every other. */
  readonly trailers: readonly string[];
  /** Author and committer. */
  readonly person: Person;
  readonly signal: AbortSignal;
}

export interface RevertResult {
  /** `found`: it was there already. `nothing`: the branch has none of it any more. */
  readonly result: 'written' | 'found' | 'nothing';
  /** The new commit; with `nothing` the head that was looked at. */
  readonly commit: string;
  /** Full name. */
  readonly ref: string;
}

/** A repository that can be written to, ready for one operation at a time. */
export interface RevertRepository {
  readonly context: RemoteContext;
  readonly history: History;
  readonly reader: ObjectReader;
  /** The commit that the ref names now, after bringing it here. */
  bring(ref: string): Promise<string>;
}

/** Commits looked at for one that was written before. */
const lookedAtMax = 1_000;
const treeBytesMax = 64 * 1024 * 1024;

const refuse = (
  subject: string,
  reason: 'Unsupported' | 'Rewritten' | 'BranchTaken' | 'MergeConflict',
  message: string,
  details = {},
) => sourceError('failed_precondition', reason, message, { subject, details });

/** @throws failed_precondition (MergeConflict with `details.files`, Rewritten, BranchTaken, Unsupported); conflict (PushRejected); what fetch throws. */
export async function writeRevert(
  request: RevertRequest,
  repository: RevertRepository,
): Promise<RevertResult> {
  const { history, context } = repository;
  const { subject } = context;
  const name = parseRefName(request.ref, subject);
  if (name.kind !== 'named')
    throw refuse(
      subject,
      'Unsupported',
      'the hub follows no branch by its name, so there is none to write to',
    );
  const head = await repository.bring(request.ref);
  if (!(await history.isAncestor(request.from, head)))
    throw refuse(
      subject,
      'Rewritten',
      `the branch does not hold the commit ${request.from.slice(0, 8)} any more`,
    );
  // A merge would bring in what was dropped from the branch, or what came after.
  if (!(await history.isAncestor(request.to, request.from)))
    throw refuse(
      subject,
      'Rewritten',
      `the branch was rewritten: ${request.to.slice(0, 8)} does not come before ${request.from.slice(0, 8)} in it`,
    );
  const target = await discoverPush(context);
  const followed = name.candidates.find((candidate) => target.refs.some((ref) => ref.name === candidate));
  if (followed === undefined || !followed.startsWith('refs/heads/'))
    throw refuse(subject, 'Unsupported', `${request.ref} is no branch: nothing can be written to it`);
  const ref = request.branch === '' ? followed : `refs/heads/${request.branch}`;
  const found = await findWritten(request, repository, head, ref, target.refs);
  if (found !== undefined) return { result: 'found', commit: found, ref };
  const sides = await sidesOf(request, history, head);
  const merged = await mergeTrees(sides, (oid) => loadTree(repository, oid));
  if (merged.conflicts.length > 0)
    throw refuse(subject, 'MergeConflict', 'what came later has changed the same files', {
      files: merged.conflicts,
    });
  if (merged.tree === sides.ours) return { result: 'nothing', commit: head, ref };
  const commit = commitOf(request, merged.tree, head);
  const from = request.branch === '' ? head : noCommit;
  await push(target, { ref, from, to: commit.oid, objects: [commit, ...merged.objects] }, context);
  // A server that reports nothing is asked what came of it.
  const told =
    target.reports ||
    (await discoverPush(context)).refs.some((one) => one.name === ref && one.oid === commit.oid);
  if (!told)
    throw sourceError(
      'conflict',
      'PushRejected',
      'the branch is not at the new commit, and the server reports nothing of pushes',
      { subject, details: { ref } },
    );
  return { result: 'written', commit: commit.oid, ref };
}

async function sidesOf({ from, to }: RevertRequest, history: History, head: string): Promise<MergeSides> {
  const treeOf = async (sha: string) => (await history.commit(sha)).tree;
  return { base: await treeOf(from), ours: await treeOf(head), theirs: await treeOf(to) };
}

/** A folder as it is in the repository. @throws data_loss (MirrorDamaged) */
export async function loadTree({ reader, context }: RevertRepository, oid: string) {
  const object = await reader.read(oid, treeBytesMax);
  if (object?.type !== 'tree')
    throw sourceError('data_loss', 'MirrorDamaged', `the tree ${oid} is not here`, {
      subject: context.subject,
    });
  return parseRawTree(oid, object.bytes);
}

/** A commit with the same first trailer that an earlier attempt has pushed. @throws failed_precondition (BranchTaken) where the branch is somebody else's. */
export async function findWritten(
  { branch, from, trailers }: Pick<RevertRequest, 'branch' | 'from' | 'trailers'>,
  { history, bring, context }: RevertRepository,
  head: string,
  ref: string,
  refs: readonly { readonly name: string }[],
): Promise<string | undefined> {
  const [mark = ''] = trailers;
  const isOurs = ({ message }: { readonly message: string }) => message.split('\n').includes(mark);
  // Somebody may have merged it since.
  const merged = (await history.log(head, from, lookedAtMax)).find(isOurs)?.sha;
  if (merged === undefined && branch !== '' && refs.some((one) => one.name === ref)) {
    const written = (await history.log(await bring(ref), head, lookedAtMax)).find(isOurs);
    if (written) return written.sha;
    throw refuse(
      context.subject,
      'BranchTaken',
      `the branch ${branch} is there already, and is not the hub's`,
    );
  }
  return merged;
}

/** A commit by the hub. Characters that would end a line of its head are left out. */
export function commitOf(
  { person, message, trailers }: Pick<RevertRequest, 'person' | 'message' | 'trailers'>,
  tree: string,
  parent: string,
): NewObject {
  const plain = (text: string) => text.replace(/[<>\n\0]/g, '').trim();
  const who = `${plain(person.name)} <${plain(person.email)}> ${Math.floor(person.timeMs / 1_000)} +0000`;
  const text = [
    ...[`tree ${tree}`, `parent ${parent}`, `author ${who}`, `committer ${who}`, ''],
    ...[message.trim(), '', ...trailers, ''],
  ].join('\n');
  return createObject('commit', Buffer.from(text));
}

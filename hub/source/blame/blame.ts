/**
 * Blame: who last wrote a line, by walking history through Git objects as `git blame` does (https://git-scm.com/docs/git-blame): nothing is checked out.
 *
 * Lines go from a commit to the first of its parents that has them, commits newest first, so that lines which part at a merge and meet again are looked for once.
 * A parent with the same file takes them all; a file that no parent has at its path may have been renamed. All files that are asked for go in one walk: a commit
 * is read once for them. Folders that did not change are skipped by their ids; files are read and compared only where they differ.
 *
 * The walk has bounds. Where it ends early it says of each line that is left: at or before the commit in which it is known to be.
 */
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Blame, BlamedLine, BlameFile } from '../../model/blame.ts';
import type { TreeEntry } from '../../model/tree.ts';
import type { History } from '../history.ts';
import { createLru, type Lru } from '../lru.ts';
import type { ParsedCommit } from '../objects/git-object.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { damaged } from '../objects/pack-file.ts';
import { sourceError } from '../source-error.ts';
import type { BlameCache } from './blame-cache.ts';
import { matchLines } from './blame-diff.ts';
import { type LineFile, LineNumbers } from './blame-file.ts';
import { createRenames, type Renames } from './blame-rename.ts';
import { type BlameTrees, createBlameTrees, type PathIds } from './blame-tree.ts';

export interface BlameLimits {
  /** Commits looked at. Default 20,000. */
  readonly commitsMax: number;
  /** Of trees and files read. Default 1 GiB. */
  readonly bytesMax: number;
  /** In milliseconds. Default 10,000. */
  readonly timeMs: number;
}

const defaultBlameLimits: BlameLimits = {
  commitsMax: 20_000,
  bytesMax: 1024 * 1024 * 1024,
  timeMs: 10_000,
};

export interface BlameOptions {
  readonly reader: ObjectReader;
  readonly history: History;
  /** Of the repository, in the keys of shared caches. */
  readonly id: string;
  readonly trees: Lru<readonly TreeEntry[]>;
  readonly cache: BlameCache;
  readonly clock: Clock;
  readonly limits?: Partial<BlameLimits> | undefined;
  readonly signal: AbortSignal;
}

const fileBytesMax = 10 * 1024 * 1024;
/** Files held at once, to compare a run of versions. */
const heldBytesMax = 32 * 1024 * 1024;
/** Commits between turns for everybody else. */
const turnEvery = 64;

/** A wanted line, and where it stands in the file of a suspect. All 0-based. */
interface Sought {
  readonly wanted: number;
  readonly line: number;
}

/** A file as a commit has it, and the lines that are known to be in it. */
interface Suspect {
  /** The path that was asked for. */
  readonly file: string;
  readonly path: string;
  readonly ids: PathIds;
  readonly sought: readonly Sought[];
}

interface Visit {
  readonly parsed: ParsedCommit;
  readonly suspects: Suspect[];
}

/** @throws not_found (CommitNotFound), data_loss, cancelled. */
export async function blameLines(
  commit: string,
  files: readonly BlameFile[],
  options: BlameOptions,
): Promise<Blame> {
  const walk = new BlameWalk(options);
  return walk.run(commit, files);
}

const blobOf = ({ ids, path }: Pick<Suspect, 'ids' | 'path'>) => ids[path.split('/').length];

class BlameWalk {
  private readonly options: BlameOptions;
  private readonly limits: BlameLimits;
  private readonly trees: BlameTrees;
  private readonly renames: Renames;
  private readonly numbers = new LineNumbers();
  private readonly held = createLru<LineFile>(heldBytesMax);
  private readonly found = new Map<string, Map<number, BlamedLine>>();
  private readonly queue: Visit[] = [];
  private readonly startedAtMs: number;
  private bytes = 0;
  private commits = 0;

  constructor(options: BlameOptions) {
    this.options = options;
    this.limits = { ...defaultBlameLimits, ...options.limits };
    this.startedAtMs = options.clock.now();
    const onRead = (bytes: number) => {
      this.bytes += bytes;
    };
    this.trees = createBlameTrees({ ...options, onRead });
    this.renames = createRenames(this.trees, async (oid) => this.file(oid));
  }

  async run(head: string, files: readonly BlameFile[]): Promise<Blame> {
    const { history, cache, id } = this.options;
    const parsed = await history.commit(head);
    for (const file of files) await this.begin(head, parsed.tree, file);
    for (let visit = this.queue.shift(); visit; visit = this.queue.shift()) await this.visit(visit);
    for (const { path, content } of files)
      if (content === undefined) cache.add(id, head, path, this.found.get(path) ?? new Map());
    return new Map([...this.found].map(([path, answers]) => [path, inOrder(answers)]));
  }

  private async begin(head: string, tree: string, { path, lines, content }: BlameFile): Promise<void> {
    const ids = await this.trees.resolve(tree, path);
    const blob = blobOf({ ids, path });
    if (blob === undefined) return;
    const answers = new Map<number, BlamedLine>();
    this.found.set(path, answers);
    const known = content === undefined ? this.options.cache.get(this.options.id, head, path) : undefined;
    const committed = await this.file(blob);
    const matches = content && matchLines(committed, this.numbers.split(content));
    const sought: Sought[] = [];
    for (const line of new Set(lines)) {
      const at = matches ? (matches[line - 1] ?? -1) : line - 1;
      const answer = known?.get(line);
      if (answer) answers.set(line, answer);
      else if (at >= 0 && at < committed.lines.length) sought.push({ wanted: line - 1, line: at });
    }
    await this.add(head, { file: path, path, ids, sought });
  }

  /** Newest first, then by id, so that a walk is the same each time. */
  private async add(sha: string, suspect: Suspect): Promise<void> {
    if (suspect.sought.length === 0) return;
    const there = this.queue.find(({ parsed }) => parsed.commit.sha === sha);
    if (there) {
      there.suspects.push(suspect);
      return;
    }
    const parsed = await this.options.history.commit(sha);
    const isBefore = (other: ParsedCommit) => {
      const [own, its] = [parsed.commit.committer.timeMs, other.commit.committer.timeMs];
      return own === its ? parsed.commit.sha < other.commit.sha : own > its;
    };
    let at = this.queue.length;
    while (at > 0 && isBefore((this.queue[at - 1] as Visit).parsed)) at -= 1;
    this.queue.splice(at, 0, { parsed, suspects: [suspect] });
  }

  private async visit({ parsed, suspects }: Visit): Promise<void> {
    this.commits += 1;
    if (this.commits % turnEvery === 0) await new Promise((resolve) => setImmediate(resolve));
    if (this.options.signal.aborted)
      throw sourceError('cancelled', 'Cancelled', 'cancelled', { cause: this.options.signal.reason });
    const parents = await this.parents(parsed);
    const ended = this.isOver() ? 'bounded' : parents === undefined ? 'shallow' : undefined;
    for (const suspect of joined(suspects)) {
      const left = ended === undefined ? await this.pass(parsed, parents ?? [], suspect) : suspect.sought;
      const answers = this.found.get(suspect.file);
      for (const { wanted, line } of left)
        answers?.set(wanted + 1, {
          commit: parsed.commit,
          path: suspect.path,
          line: line + 1,
          ...(ended && { atOrBefore: ended }),
        });
    }
  }

  private isOver(): boolean {
    const { commitsMax, bytesMax, timeMs } = this.limits;
    const spentMs = this.options.clock.now() - this.startedAtMs;
    return this.commits > commitsMax || this.bytes > bytesMax || spentMs > timeMs;
  }

  /** Undefined where one is missing: the repository is shallow, and Git itself counts such a commit as having none. */
  private async parents({ commit }: ParsedCommit): Promise<readonly ParsedCommit[] | undefined> {
    const parents: ParsedCommit[] = [];
    for (const sha of commit.parents) {
      try {
        parents.push(await this.options.history.commit(sha));
      } catch (caught) {
        if (caught instanceof FairwayError && caught.code === 'not_found') return undefined;
        throw caught;
      }
    }
    return parents;
  }

  /** Hands lines to the parents that have them; what is left was written here. */
  private async pass(
    { tree }: ParsedCommit,
    parents: readonly ParsedCommit[],
    suspect: Suspect,
  ): Promise<readonly Sought[]> {
    const blob = blobOf(suspect);
    if (blob === undefined) return suspect.sought;
    const origins = new Map<ParsedCommit, Omit<Suspect, 'sought' | 'file'>>();
    const passWhole = async (parent: ParsedCommit) => {
      const origin = origins.get(parent);
      if (origin === undefined || blobOf(origin) !== blob) return false;
      await this.add(parent.commit.sha, { ...suspect, ...origin });
      return true;
    };
    for (const parent of parents) {
      const ids = await this.trees.resolve(parent.tree, suspect.path, suspect.ids);
      const origin = { path: suspect.path, ids };
      if (blobOf(origin) === undefined) continue;
      origins.set(parent, origin);
      if (await passWhole(parent)) return [];
    }
    for (const parent of parents) {
      if (origins.has(parent)) continue;
      const path = await this.renames.find(parent.tree, tree, suspect.path, blob);
      if (path === undefined) continue;
      origins.set(parent, { path, ids: await this.trees.resolve(parent.tree, path) });
      if (await passWhole(parent)) return [];
    }
    let left = suspect.sought;
    for (const parent of parents) {
      const origin = origins.get(parent);
      const from = origin && blobOf(origin);
      if (origin === undefined || from === undefined || left.length === 0) continue;
      const matches = matchLines(await this.file(from), await this.file(blob));
      const sought: Sought[] = [];
      const stay: Sought[] = [];
      for (const one of left) {
        const line = matches[one.line] ?? -1;
        if (line < 0) stay.push(one);
        else sought.push({ wanted: one.wanted, line });
      }
      await this.add(parent.commit.sha, { ...origin, file: suspect.file, sought });
      left = stay;
    }
    return left;
  }

  private async file(oid: string): Promise<LineFile> {
    const known = this.held.get(oid);
    if (known) return known;
    const object = await this.options.reader.read(oid, fileBytesMax);
    if (object?.type !== 'blob') throw damaged(oid);
    this.bytes += object.bytes.length;
    // A copy: the bytes may be a small view of a large block.
    const file = this.numbers.split(new Uint8Array(object.bytes));
    this.held.set(oid, file, file.bytes.length + file.lines.length * 8 + 200);
    return file;
  }
}

/** Suspects that are the same file, come by different ways, as one. */
function joined(suspects: readonly Suspect[]): readonly Suspect[] {
  const byFile = new Map<string, Suspect>();
  for (const suspect of suspects) {
    const key = `${suspect.file}\0${suspect.path}`;
    const known = byFile.get(key);
    byFile.set(key, known ? { ...known, sought: [...known.sought, ...suspect.sought] } : suspect);
  }
  return [...byFile.values()];
}

function inOrder(answers: ReadonlyMap<number, BlamedLine>): ReadonlyMap<number, BlamedLine> {
  return new Map([...answers].sort(([a], [b]) => a - b));
}

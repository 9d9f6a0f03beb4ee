import type { Commit } from '../model/revision.ts';
import type { Lru } from './lru.ts';
import { type ParsedCommit, parseCommit, parseTagTarget } from './objects/git-object.ts';
import type { ObjectReader } from './objects/object-reader.ts';
import { sourceError } from './source-error.ts';

/** Reads the history of one repository. */
export interface History {
  /** @throws not_found (CommitNotFound); invalid_argument for an object of another kind. */
  commit(sha: string): Promise<ParsedCommit>;
  /** Whether that commit is here. */
  has(sha: string): Promise<boolean>;
  /** The commit behind a chain of annotated tags. @throws as `commit`. */
  peel(oid: string): Promise<string>;
  /** True when `ancestor` is `head` or reached from it. A walk that ends at its bound says false. */
  isAncestor(ancestor: string, head: string): Promise<boolean>;
  /** Commits that `head` reaches and `until` does not, newest first, at most `max`. */
  log(head: string, until: string | undefined, max: number): Promise<readonly Commit[]>;
  /** Some ids near `heads`, for telling a server what is here. At most `max`. */
  recent(heads: readonly string[], max: number): Promise<readonly string[]>;
}

const commitBytesMax = 1024 * 1024;
const tagDepthMax = 8;
/** Commits looked at in one walk. */
const walkMax = 50_000;
/** Left-out commits looked at after the last wanted one: a committer's wrong clock may have put them behind what they reach. */
const slopMax = 128;

interface Step {
  readonly parsed: ParsedCommit;
  /** Reached from what is left out. */
  hidden: boolean;
}

/** Newest first by committer time, then by id, so that a walk is the same each time. */
function isNewer(a: Step, b: Step): boolean {
  const [left, right] = [a.parsed.commit, b.parsed.commit];
  if (left.committer.timeMs !== right.committer.timeMs) return left.committer.timeMs > right.committer.timeMs;
  return left.sha < right.sha;
}

/** The queue of a walk is short (one entry a branch), so a sorted list does. */
function insert(queue: Step[], step: Step): void {
  let at = queue.length;
  while (at > 0 && isNewer(step, queue[at - 1] as Step)) at -= 1;
  queue.splice(at, 0, step);
}

export function createHistory(
  reader: ObjectReader,
  id: string,
  subject: string,
  cache: Lru<ParsedCommit>,
): History {
  const load = async (sha: string): Promise<ParsedCommit | undefined> => {
    const known = cache.get(`${id}:${sha}`);
    if (known) return known;
    const object = await reader.read(sha, commitBytesMax);
    if (!object) return undefined;
    if (object.type !== 'commit')
      throw sourceError('invalid_argument', 'CommitNotFound', `${sha} names a ${object.type}, not a commit`, {
        subject,
      });
    const parsed = parseCommit(sha, object.bytes);
    cache.set(`${id}:${sha}`, parsed, object.bytes.length + 500);
    return parsed;
  };

  const commit = async (sha: string): Promise<ParsedCommit> => {
    const parsed = /^[0-9a-f]{40}$/.test(sha) ? await load(sha) : undefined;
    if (!parsed)
      throw sourceError('not_found', 'CommitNotFound', `the commit ${sha.slice(0, 40)} is not here`, {
        subject,
      });
    return parsed;
  };

  /** Visits what `heads` reach, newest first. A parent that is missing (a shallow repository) ends its line. */
  const walk = async (heads: readonly string[], visit: (commit: Commit) => boolean): Promise<void> => {
    const queue: Step[] = [];
    const seen = new Set<string>();
    const add = async (sha: string) => {
      if (seen.has(sha)) return;
      seen.add(sha);
      const parsed = await load(sha);
      if (parsed) insert(queue, { parsed, hidden: false });
    };
    for (const head of heads) await add(head);
    for (let step = queue.shift(); step && seen.size < walkMax; step = queue.shift()) {
      if (!visit(step.parsed.commit)) return;
      for (const parent of step.parsed.commit.parents) await add(parent);
    }
  };

  const log = async (head: string, until: string | undefined, max: number): Promise<readonly Commit[]> => {
    await commit(head);
    const steps = new Map<string, Step>();
    const queue: Step[] = [];
    let open = 0;
    const add = async (sha: string, hidden: boolean) => {
      const known = steps.get(sha);
      if (known) {
        if (hidden && !known.hidden) {
          known.hidden = true;
          if (queue.includes(known)) open -= 1;
          // Seen before its child because of a wrong clock: what it reaches is hidden too.
          else for (const parent of known.parsed.commit.parents) await add(parent, true);
        }
        return;
      }
      const parsed = await load(sha);
      if (!parsed) return;
      const step = { parsed, hidden };
      steps.set(sha, step);
      if (!hidden) open += 1;
      insert(queue, step);
    };
    if (until !== undefined) await add(until, true);
    await add(head, false);
    const found: Step[] = [];
    let slop = until === undefined ? 0 : slopMax;
    while ((open > 0 || slop > 0) && steps.size < walkMax && (until !== undefined || found.length < max)) {
      const step = queue.shift();
      if (!step) break;
      slop = open > 0 ? slop : slop - 1;
      if (!step.hidden) {
        open -= 1;
        found.push(step);
      }
      for (const parent of step.parsed.commit.parents) await add(parent, step.hidden);
    }
    return found
      .filter((step) => !step.hidden)
      .slice(0, max)
      .map((step) => step.parsed.commit);
  };

  return {
    commit,
    has: async (sha) => (await reader.read(sha, commitBytesMax))?.type === 'commit',
    async peel(oid) {
      let at = oid;
      for (let depth = 0; depth < tagDepthMax; depth += 1) {
        const object = await reader.read(at, commitBytesMax);
        if (object?.type !== 'tag') break;
        at = parseTagTarget(at, object.bytes);
      }
      await commit(at);
      return at;
    },
    async isAncestor(ancestor, head) {
      let found = false;
      await walk([head], ({ sha }) => {
        found = sha === ancestor;
        return !found;
      });
      return found;
    },
    log,
    async recent(heads, max) {
      const ids: string[] = [];
      await walk(heads, ({ sha }) => ids.push(sha) < max);
      return ids;
    },
  };
}

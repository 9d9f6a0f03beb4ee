/** Histories for the tests of blame, written by `git fast-import`: real repositories, and fast enough for hundreds of commits. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createSeededRandom } from '../../../shared/clock/random.ts';
import { isolatedGitEnvironment } from '../../cli/demo/git-program.ts';

export interface CommitScript {
  /** By path; null deletes. Text as Latin-1 bytes. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly message?: string;
  readonly author?: string;
  /** Default: a minute after the commit before. */
  readonly timeMs?: number;
  /** Default `main`. */
  readonly branch?: string;
  /** Branches; default: the branch itself. The first one's files are taken over. */
  readonly parents?: readonly string[];
}

export interface GitLine {
  readonly finalLine: number;
  readonly sha: string;
  readonly path: string;
  readonly line: number;
}

export interface GitScript {
  readonly folder: string;
  commit(commit: CommitScript): string;
  head(): string;
  /** What the program says. */
  blame(path: string): readonly GitLine[];
  /** Writes commits of every sort, from a seed; the paths that there are in the end. */
  grow(seed: number, commits: number): readonly string[];
}

export function createGitScript(folder: string): GitScript {
  mkdirSync(folder, { recursive: true });
  const git = (args: readonly string[], input?: Buffer): string => {
    const result = spawnSync('git', [...args], {
      cwd: folder,
      input,
      env: { ...isolatedGitEnvironment },
      maxBuffer: 1 << 28,
    });
    if (result.status !== 0) throw new Error(`git ${args[0]}: ${result.stderr.toString()}`);
    return result.stdout.toString('latin1');
  };
  git(['init', '-q', '--bare', '-b', 'main']);
  let seconds = 1_600_000_000;

  const shaOf = (branch: string): string | undefined => {
    const out = git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]).trim();
    return out === '' ? undefined : out;
  };

  const script: GitScript = {
    folder,
    head: () => shaOf('main') ?? '',
    commit({
      files,
      message = 'Change',
      author = 'Test <test@example.com>',
      timeMs,
      branch = 'main',
      parents,
    }) {
      seconds += 60;
      const at = timeMs === undefined ? seconds : timeMs / 1000;
      const shas = (parents ?? [branch]).map(shaOf).filter((sha) => sha !== undefined);
      const data = (text: string) => `data ${Buffer.byteLength(text, 'latin1')}\n${text}\n`;
      const changes = Object.entries(files).map(([path, text]) =>
        text === null ? `D ${path}\n` : `M 100644 inline ${path}\n${data(text)}`,
      );
      const input = [
        `commit refs/heads/${branch}\nauthor ${author} ${at} +0000\ncommitter ${author} ${at} +0000\n${data(message)}`,
        ...shas.map((sha, index) => `${index === 0 ? 'from' : 'merge'} ${sha}\n`),
        ...changes,
      ].join('');
      git(['fast-import', '--quiet', '--force'], Buffer.from(input, 'latin1'));
      return shaOf(branch) ?? '';
    },
    blame(path) {
      const lines: GitLine[] = [];
      const out = git(['blame', '--porcelain', 'main', '--', path]);
      const paths = new Map<string, string>();
      let open: Omit<GitLine, 'path'> | undefined;
      for (const text of out.split('\n')) {
        const match = /^([0-9a-f]{40}) (\d+) (\d+)/.exec(text);
        if (match?.[1] && !open)
          open = { sha: match[1], line: Number(match[2]), finalLine: Number(match[3]) };
        else if (open && text.startsWith('filename ')) paths.set(open.sha, text.slice(9));
        else if (open && text.startsWith('\t')) {
          lines.push({ ...open, path: paths.get(open.sha) ?? '' });
          open = undefined;
        }
      }
      return lines;
    },
    grow: (seed, commits) => grow(script, seed, commits),
  };
  return script;
}

type Files = Map<string, readonly string[]>;

function grow(script: GitScript, seed: number, commits: number): readonly string[] {
  const random = createSeededRandom(seed);
  const below = (max: number) => Math.floor(random.next() * max);
  const word = () =>
    `${'  '.repeat(below(4))}${['name', 'value', 'key', '- item', ''][below(5)]}: ${below(12)}`;
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const branches = new Map<string, Files>([['main', new Map()]]);
  const text = (lines: readonly string[]) => lines.join('\n') + (lines.length % 7 === 0 ? '' : '\n');

  const edit = (lines: readonly string[]): readonly string[] => {
    const copy = [...lines];
    for (let left = 1 + below(4); left > 0; left -= 1) {
      const at = below(copy.length + 1);
      const action = below(4);
      if (action === 0 && copy.length > 3) copy.splice(at, below(3));
      else if (action === 1) copy.splice(at, 0, ...copy.splice(below(copy.length), 1 + below(4)));
      else copy.splice(at, action === 2 ? 0 : 1, word(), ...(below(2) === 0 ? [word()] : []));
    }
    return copy;
  };

  const change = (files: Files): Record<string, string | null> => {
    const changes: Record<string, string | null> = {};
    const write = (path: string, lines: readonly string[] | undefined) => {
      changes[path] = lines === undefined ? null : text(lines);
      if (lines === undefined) files.delete(path);
      else files.set(path, lines);
    };
    const fresh = () => `${pick(['', 'base/', 'overlays/eu/'])}f${below(6)}.yaml`;
    const action = below(10);
    const path = files.size === 0 ? undefined : pick([...files.keys()]);
    if (path === undefined || action < 2) write(fresh(), Array.from({ length: 5 + below(30) }, word));
    else if (action === 2 && files.size > 3) write(path, undefined);
    else if (action === 3) {
      const lines = files.get(path) ?? [];
      const to = fresh();
      if (!files.has(to)) {
        write(path, undefined);
        write(to, below(2) === 0 ? lines : edit(lines));
      }
    } else write(path, edit(files.get(path) ?? []));
    return changes;
  };

  for (let left = commits; left > 0; left -= 1) {
    const main = branches.get('main') as Files;
    const side = [...branches.keys()].filter((name) => name !== 'main');
    if (side.length < 2 && below(4) === 0) {
      const name = `side${left}`;
      const files = new Map(main);
      script.commit({ files: change(files), branch: name, parents: main.size === 0 ? [] : ['main'] });
      if (main.size > 0) branches.set(name, files);
    } else if (side.length > 0 && below(4) === 0) {
      const name = pick(side);
      const files = branches.get(name) as Files;
      // Each file from one side or the other, some resolved by hand.
      const changes: Record<string, string | null> = {};
      for (const [path, lines] of files)
        if (below(2) === 0 || !main.has(path)) {
          const resolved = below(3) === 0 ? edit(lines) : lines;
          changes[path] = text(resolved);
          main.set(path, resolved);
        }
      script.commit({ files: changes, parents: ['main', name] });
      branches.delete(name);
    } else {
      const name = side.length > 0 && below(2) === 0 ? pick(side) : 'main';
      script.commit({ files: change(branches.get(name) as Files), branch: name });
    }
  }
  return [...(branches.get('main') as Files)].filter(([, lines]) => lines.length > 0).map(([path]) => path);
}

/**
 * A commit that touches one file of a repository with 50,000: from the branch's name to the first set of a small application, through Git objects and
 * the renderer, against `git checkout` of that commit in a new clone (no files there before, all 50,000 after, as a build that starts from a new
 * clone does) and `kustomize build` of the same overlay. What a build does that keeps its work tree is a row of its own: `git checkout` from the
 * commit before, which looks at all files and writes one. Times are time that passed; ours in a process that has loaded its code, new for each
 * round and so with nothing read before, or one that has rendered the commit before. All of it lies in memory where the system has room there: a slow
 * disk would be the checkout's time.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBinary } from '../cluster/binaries.ts';
import { type RenderOrder, type RenderReport, withRenderProcess } from './kit/render-order.ts';
import { type BranchPlan, git, importRepository } from './kit/render-repository.ts';
import { type Bench, percentile, result } from './result.ts';

const files = 50_000;
const filesAFolder = 50;
const rounds = 5;
const checkoutRounds = 3;
const buildLimitMs = 60_000;
const roomBytes = 2 ** 30;
const overlay = 'apps/app-500/overlays/eu';
/** Of the application: three in its base, two in its overlay. */
const applicationFiles = 5;

function application(tag: string): readonly (readonly [string, string])[] {
  const base = 'apps/app-500/base';
  return [
    [`${base}/kustomization.yaml`, 'resources: [deployment.yaml, service.yaml]\n'],
    [
      `${base}/deployment.yaml`,
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector:\n    matchLabels: {app: web}\n  template:\n' +
        '    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n        - name: web\n          image: registry.example/web:1.0.0\n',
    ],
    [
      `${base}/service.yaml`,
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: {app: web}\n  ports:\n    - port: 80\n',
    ],
    [
      `${overlay}/kustomization.yaml`,
      `namespace: shop\nresources: [../../base]\npatches: [{path: replicas.yaml}]\nimages: [{name: registry.example/web, newTag: ${tag}}]\n`,
    ],
    [
      `${overlay}/replicas.yaml`,
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 3\n',
    ],
  ];
}

/** Sources of other things, in a thousand folders, around one application. */
function* everything(): Generator<readonly [string, string]> {
  for (let index = 0; index < files - applicationFiles; index += 1) {
    const folder = Math.floor(index / filesAFolder);
    yield [
      `apps/app-${folder}/src/part-${index % filesAFolder}.ts`,
      `export const part${index} = ${index};\n`.repeat(20),
    ];
  }
  yield* application('1.0.1');
}

const branches: readonly BranchPlan[] = [
  { branch: 'before', files: everything },
  { branch: 'after', from: 'before', files: () => application('1.0.2') },
];

/** A file system in memory, with room for the repository and a clone; else the one of temporary files. */
function fastFolder(): string {
  const shared = '/dev/shm';
  if (!existsSync(shared)) return tmpdir();
  const { bavail, bsize, ffree } = statfsSync(shared);
  return bavail * bsize > roomBytes && ffree > 2 * files ? shared : tmpdir();
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

interface Times {
  readonly anew: readonly number[];
  readonly next: readonly number[];
}

function checkoutAndBuild(clone: string, kustomize: string): number {
  return timed(() => {
    git(clone, 'checkout', '--quiet', 'origin/after');
    execFileSync(kustomize, ['build', overlay], { cwd: clone, timeout: buildLimitMs });
  });
}

function measureTheirs(folder: string, repository: string, kustomize: string): Times {
  const anew: number[] = [];
  const next: number[] = [];
  const clone = join(folder, 'clone');
  for (let round = 0; round < checkoutRounds; round += 1) {
    git(folder, 'clone', '--quiet', '--no-checkout', '--shared', repository, clone);
    anew.push(checkoutAndBuild(clone, kustomize));
    git(clone, 'checkout', '--quiet', 'origin/before');
    next.push(checkoutAndBuild(clone, kustomize));
    rmSync(clone, { recursive: true, force: true });
  }
  return { anew, next };
}

async function measureOurs(folder: string, repository: string): Promise<Times> {
  const order = (ref: string): Omit<RenderOrder, 'mirrors'> => ({
    repository,
    ref,
    path: overlay,
    overlays: [],
    clusters: ['eu'],
  });
  const checked = ({ treeMs, firstMs, objects }: RenderReport) => {
    if (objects !== 2) throw new Error(`the application has 2 objects, not ${objects}`);
    return treeMs + firstMs;
  };
  const anew: number[] = [];
  const next: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    anew.push(await withRenderProcess(folder, async (run) => checked(await run(order('after')))));
    next.push(
      await withRenderProcess(folder, async (run) => {
        checked(await run(order('before')));
        return checked(await run(order('after')));
      }),
    );
  }
  return { anew, next };
}

export const bench: Bench = async ({ say }) => {
  const kustomize = await ensureBinary('kustomize', (what) => say(`building ${what}`));
  if (kustomize === undefined) {
    say('left out: kustomize cannot be had here (needs Go 1.26)');
    return [];
  }
  const folder = mkdtempSync(join(fastFolder(), 'fairway-bench-monorepo-'));
  try {
    const repository = join(folder, 'monorepo.git');
    await importRepository(repository, branches);
    const count = git(repository, 'ls-tree', '-r', '--name-only', 'after').split('\n').length;
    const changed = git(repository, 'diff', '--name-only', 'before', 'after').split('\n').length;
    if (count !== files || changed !== 1) throw new Error(`${count} files, ${changed} of them changed`);
    const ours = await measureOurs(folder, repository);
    const theirs = measureTheirs(folder, repository, kustomize);
    const [anew, next, theirAnew, theirNext] = [ours.anew, ours.next, theirs.anew, theirs.next].map((times) =>
      percentile(times, 0.5),
    ) as [number, number, number, number];
    say(
      `new: ${anew.toFixed(1)} ms, checkout and build ${theirAnew.toFixed(0)} ms; after the commit before: ${next.toFixed(1)} ms, ` +
        `checkout and build ${theirNext.toFixed(0)} ms (medians of ${rounds} and ${checkoutRounds})`,
    );
    const row = (metric: string, value: number, peer: string) =>
      result('monorepo', metric, value, 'ratio', peer, 1);
    return [
      row('speedup_vs_checkout_and_build', theirAnew / anew, 'git checkout in a new clone, kustomize build'),
      row('speedup_vs_update_and_build', theirNext / next, 'git checkout of one file, kustomize build'),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

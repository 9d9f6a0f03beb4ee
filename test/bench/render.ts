/**
 * From a Git commit to the digests of what its overlays render to, against kustomize's own library in one process and kustomize's program, over the
 * same files on disk. Throughput is told in processor time of all threads, so that nothing is gained by a second one; what a first overlay takes in
 * time that passed, the best of some new processes on both sides. The library needs as long for each overlay, however many there are (it keeps
 * nothing), so it is asked for a sample, half of it before ours and half after.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBinary } from '../cluster/binaries.ts';
import { baseFiles, type FleetKind, overlayFiles, overlayName, overlayObjects } from './kit/render-fleet.ts';
import { ensureLibrary, type LibraryRun, runLibrary, type Took } from './kit/render-library.ts';
import { type RenderOrder, type RenderReport, withRenderProcess } from './kit/render-order.ts';
import { type BranchPlan, importRepository, writeFiles } from './kit/render-repository.ts';
import { type Bench, type BenchResult, percentile, result } from './result.ts';

interface Sizes {
  /** Overlays of the small, the usual and the large fleet. */
  readonly hundred: number;
  readonly thousand: number;
  readonly tenThousand: number;
  /** Overlays that the library and the program are timed with. */
  readonly library: number;
  /** Overlays after which the library's memory hardly grows any more. */
  readonly libraryPeak: number;
  readonly program: number;
  /** New processes, of which the best counts. */
  readonly firstRounds: number;
}

const fullSizes: Sizes = {
  hundred: 100,
  thousand: 1_000,
  tenThousand: 10_000,
  library: 20,
  libraryPeak: 200,
  program: 10,
  firstRounds: 7,
};
const quickSizes: Sizes = {
  hundred: 10,
  thousand: 100,
  tenThousand: 1_000,
  library: 4,
  libraryPeak: 10,
  program: 2,
  firstRounds: 2,
};

function* overlays(from: number, to: number, kind: FleetKind): Generator<readonly [string, string]> {
  for (let index = from; index < to; index += 1) yield* overlayFiles(index, kind);
}

function* fleetOf(count: number, kind: FleetKind): Generator<readonly [string, string]> {
  yield* baseFiles();
  yield* overlays(0, count, kind);
}

/** Commits one after another, each of which changes one overlay. */
const changedOverlays = (thousand: number) =>
  Array.from({ length: 5 }, (_, index) => ({
    branch: `overlay-changed-${index}`,
    from: index === 0 ? 'thousand' : `overlay-changed-${index - 1}`,
    index: Math.floor((thousand * (index + 1)) / 7),
  }));

const branchesOf = ({ hundred, thousand, tenThousand }: Sizes): readonly BranchPlan[] => [
  { branch: 'hundred', files: () => fleetOf(hundred, 'plain') },
  { branch: 'thousand', from: 'hundred', files: () => overlays(hundred, thousand, 'plain') },
  { branch: 'ten-thousand', from: 'thousand', files: () => overlays(thousand, tenThousand, 'plain') },
  ...changedOverlays(thousand).map(({ branch, from, index }) => ({
    ...{ branch, from },
    files: () => overlayFiles(index, 'plain', true),
  })),
  { branch: 'base-changed', from: changedOverlays(thousand).at(-1)?.branch, files: () => baseFiles(true) },
  { branch: 'touch-all', files: () => fleetOf(thousand, 'all') },
];

const orderFor = (repository: string, ref: string, count: number): Omit<RenderOrder, 'mirrors'> => ({
  repository,
  ref,
  path: 'overlays',
  overlays: ['{{cluster.name}}'],
  clusters: Array.from({ length: count }, (_, index) => overlayName(index)),
});

function checked(report: RenderReport, count: number): RenderReport {
  if (report.sets !== count || report.objects !== count * overlayObjects)
    throw new Error(`${count} overlays gave ${report.sets} sets and ${report.objects} objects`);
  return report;
}

const repositoryIn = (folder: string) => join(folder, 'fleet.git');

interface Ours {
  readonly cold: ReadonlyMap<string, RenderReport>;
  /** One a commit. */
  readonly overlayChanged: readonly RenderReport[];
  readonly baseChanged: RenderReport;
  readonly peakKb: number;
}

/** A new process for one order. */
const renderAnew = (folder: string, ref: string, count: number, output?: string) =>
  withRenderProcess(
    folder,
    async (run) => {
      const order = orderFor(repositoryIn(folder), ref, count);
      return checked(await run(output === undefined ? order : { ...order, output }), count);
    },
    output !== undefined,
  );

async function measureOurs(folder: string, sizes: Sizes, say: (text: string) => void): Promise<Ours> {
  const { hundred, thousand, tenThousand } = sizes;
  const cold = new Map<string, RenderReport>();
  for (const [ref, count] of [
    ['hundred', hundred],
    ['ten-thousand', tenThousand],
    ['touch-all', thousand],
  ] as const) {
    cold.set(ref, await renderAnew(folder, ref, count));
    say(described(ref, cold.get(ref), count));
  }
  const changes = await withRenderProcess(folder, async (run) => {
    const one = async (ref: string) =>
      checked(await run(orderFor(repositoryIn(folder), ref, thousand)), thousand);
    cold.set('thousand', await one('thousand'));
    const overlayChanged: RenderReport[] = [];
    for (const { branch } of changedOverlays(thousand)) overlayChanged.push(await one(branch));
    return { overlayChanged, baseChanged: await one('base-changed') };
  });
  say(described('thousand', cold.get('thousand'), thousand));
  for (const report of changes.overlayChanged) say(described('one overlay changed', report, thousand));
  say(described('one base file changed', changes.baseChanged, thousand));
  // Once before, so that compiled code is at hand as in every other start.
  await renderAnew(folder, 'thousand', 1, join(folder, 'ours.out'));
  const { peakKb } = await renderAnew(folder, 'thousand', thousand, join(folder, 'ours.out'));
  return { cold, ...changes, peakKb };
}

function described(what: string, report: RenderReport | undefined, count: number): string {
  if (report === undefined) throw new Error(`${what} was not measured`);
  const { cpuMs, wallMs, directoriesBuilt, filesParsed } = report;
  return (
    `${what}: ${(cpuMs / count).toFixed(3)} ms of processor an overlay, ${wallMs.toFixed(0)} ms passed for ${count}; ` +
    `${directoriesBuilt} directories built, ${filesParsed} files parsed; peak ${report.peakKb} kB`
  );
}

interface Theirs {
  readonly plain: readonly Took[];
  readonly all: readonly Took[];
  readonly program: readonly Took[];
}

interface Programs {
  readonly library: string;
  readonly kustomize: string;
}

/** A share of the sample: some are built before ours, some after, since a machine is not as fast all the time. */
async function measureTheirs(
  folder: string,
  programs: Programs,
  sizes: Sizes,
  from: number,
  to: number,
): Promise<Theirs> {
  const run = (kind: FleetKind, share: number, program?: string): Promise<LibraryRun> => {
    const folders: string[] = [];
    for (let index = from * share; index < to * share; index += 1)
      folders.push(join(folder, kind, 'overlays', overlayName(index)));
    return runLibrary(programs.library, folders, join(folder, 'theirs.out'), program);
  };
  const plain = await run('plain', sizes.library);
  const all = await run('all', sizes.library);
  const program = await run('plain', sizes.program, programs.kustomize);
  return { plain: plain.builds, all: all.builds, program: program.builds };
}

interface First {
  readonly oursMs: number;
  readonly theirsMs: number;
}

/** One overlay, in turn, each time in a new process. */
async function measureFirst(folder: string, { library }: Programs, rounds: number): Promise<First> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const overlay = join(folder, 'plain', 'overlays', overlayName(0));
  for (let round = 0; round < rounds; round += 1) {
    const { builds } = await runLibrary(library, [overlay], join(folder, 'theirs.out'));
    theirs.push(builds[0]?.wallMs ?? Number.NaN);
    ours.push((await renderAnew(folder, 'thousand', 1)).firstMs);
  }
  return { oursMs: Math.min(...ours), theirsMs: Math.min(...theirs) };
}

const median = (builds: readonly Pick<Took, 'cpuMs'>[]) =>
  percentile(
    builds.map(({ cpuMs }) => cpuMs),
    0.5,
  );

function compare(
  ours: Ours,
  halves: readonly [Theirs, Theirs],
  first: First,
  theirPeakKb: number,
  sizes: Sizes,
  say: (text: string) => void,
): readonly BenchResult[] {
  const row = (metric: string, value: number, unit: string, peer: string, peerValue: number) =>
    result('render', metric, value, unit, peer, peerValue);
  const each = (ref: string, count: number) => (ours.cold.get(ref)?.cpuMs ?? Number.NaN) / count;
  const thousand = each('thousand', sizes.thousand);
  const middle = (pick: (half: Theirs) => readonly Took[]) => median(halves.flatMap(pick));
  const [plain, all, program] = [
    middle((half) => half.plain),
    middle((half) => half.all),
    middle((half) => half.program),
  ] as const;
  say(
    `kustomize's library: ${plain.toFixed(1)} ms of processor an overlay, ${all.toFixed(1)} ms when all is touched ` +
      `(medians of ${sizes.library}); its program ${program.toFixed(1)} ms (median of ${sizes.program})`,
  );
  say(
    `first overlay: ${first.oursMs.toFixed(1)} ms, the library's ${first.theirsMs.toFixed(1)} ms; ` +
      `peak ${ours.peakKb} kB, the library's ${theirPeakKb} kB`,
  );
  const grown = each('ten-thousand', sizes.tenThousand) / thousand;
  say(
    `growth from 100 to 1,000: ${(thousand / each('hundred', sizes.hundred)).toFixed(2)}, to 10,000: ${grown.toFixed(2)}`,
  );
  const sample = `aim, library's median of ${sizes.library}`;
  return [
    row(
      'first_overlay_speedup',
      first.theirsMs / first.oursMs,
      'ratio',
      `aim, best of ${sizes.firstRounds} new processes`,
      5,
    ),
    row('cold_1000_speedup', plain / thousand, 'ratio', sample, 100),
    row('cold_1000_touch_all_speedup', all / each('touch-all', sizes.thousand), 'ratio', sample, 20),
    row(
      'cold_1000_speedup_vs_program',
      program / thousand,
      'ratio',
      `aim, program's median of ${sizes.program}`,
      100,
    ),
    row(
      'one_changed_fraction',
      median(ours.overlayChanged) / (thousand * sizes.thousand),
      'of cold',
      `limit, median of ${ours.overlayChanged.length} commits`,
      0.01,
    ),
    row(
      'one_changed_directories_built',
      Math.max(...ours.overlayChanged.map(({ directoriesBuilt }) => directoriesBuilt)),
      ...(['directories', 'limit', 1] as const),
    ),
    row('base_changed_files_parsed', ours.baseChanged.filesParsed, 'files', 'limit', 1),
    row(
      'peak_memory_ratio',
      ours.peakKb / theirPeakKb,
      'ratio',
      `limit, library with ${sizes.libraryPeak} overlays`,
      2,
    ),
    row('growth_1000_to_10000', grown, 'ratio an overlay', 'limit', 1),
  ];
}

export const bench: Bench = async ({ say, quick }) => {
  const sizes = quick ? quickSizes : fullSizes;
  const library = await ensureLibrary(say);
  const kustomize = await ensureBinary('kustomize', (what) => say(`building ${what}`));
  if (library === undefined || kustomize === undefined) {
    say('left out: kustomize cannot be had here (needs Go 1.26)');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bench-render-'));
  try {
    const programs = { library, kustomize };
    await importRepository(repositoryIn(folder), branchesOf(sizes));
    writeFiles(join(folder, 'plain'), fleetOf(Math.max(sizes.library, sizes.libraryPeak), 'plain'));
    writeFiles(join(folder, 'all'), fleetOf(sizes.library, 'all'));
    const first = await measureFirst(folder, programs, sizes.firstRounds);
    const before = await measureTheirs(folder, programs, sizes, 0, 0.5);
    const ours = await measureOurs(folder, sizes, say);
    const after = await measureTheirs(folder, programs, sizes, 0.5, 1);
    const { peakKb } = await runLibrary(
      library,
      Array.from({ length: sizes.libraryPeak }, (_, index) =>
        join(folder, 'plain', 'overlays', overlayName(index)),
      ),
      join(folder, 'theirs.out'),
    );
    return compare(ours, [before, after], first, peakKb, sizes, say);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { ApiComparison } from '../../api/schemas/parity.ts';
import type { DiffReport } from '../../preview/report.ts';
import { createClient } from '../client.ts';
import { withConnection, withFleetOnDisk, withTextOutput } from '../command.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createColours } from '../output/colour.ts';
import { renderError } from '../render-error.ts';
import { loadConnection } from '../settings.ts';
import { renderComparison } from './render-parity.ts';

type Options = Readonly<Record<string, string | undefined>>;

const help = `
REVISIONS is FROM..TO, or TO alone for what it would change in what runs. Each is a branch, tag or commit of the fleet
repository (also main~1, main^), or \`running\`: what the hub has assigned. The hub renders both for every cluster and
changes nothing. Values of Secrets are never shown.
With two clusters instead, it compares what runs in them now, object by object (fairway parity does so all the time).
With --path, no hub is needed: revisions are of that repository, and \`worktree\` is what lies in its folder, committed or
not. Nothing given there: HEAD..worktree.

Exit codes, as diff: 0 no difference, 1 differences, 2 an error.

Examples:
  fairway diff feature/new-image
  fairway diff main~1..main --application web
  fairway diff main..feature/new-image -o markdown > comment.md
  fairway diff eu-1 eu-2 --application web
  fairway diff --path .`;

/** `fairway diff`: what a change would do to the whole fleet. */
export function addDiff(program: Command, io: CliIo, setExitCode: (code: number) => void): void {
  const command = withConnection(
    program
      .command('diff')
      .summary('show what a change would do to the whole fleet')
      .description('Shows what a change would do to the whole fleet, the same changes told once.')
      .argument('[revisions]', 'FROM..TO, or TO alone; or a cluster')
      .argument('[other]', 'another cluster: what differs between the two now')
      .option('--application <name>', 'of this application only')
      .option('--cluster <name>', 'in this cluster only')
      .option('--path <folder>', 'a Git repository on disk; needs no hub'),
  );
  withFleetOnDisk(command).addHelpText('after', help);
  withTextOutput(command, ['json', 'markdown']).action(
    async (revisions: string | undefined, other: string | undefined, _: unknown, given: Command) => {
      const options = given.optsWithGlobals<Options>();
      try {
        if (revisions !== undefined && other !== undefined) {
          const comparison = await compareClusters(revisions, other, options, io);
          io.stdout(renderClusters(comparison, options['output'], io));
          setExitCode(comparison.whole ? exitCodes.ok : exitCodes.failed);
          return;
        }
        const report =
          options['path'] === undefined
            ? await askHub(revisions, options, io)
            : await compareOnDisk(options['path'], revisions, options, io);
        io.stdout(await renderReport(report, options['output'], io));
        setExitCode(report.differs ? exitCodes.failed : exitCodes.ok);
      } catch (caught) {
        setExitCode(reportError(caught, io));
      }
    },
  );
}

/** As diff does: 2, whatever is wrong; but a person who interrupts it knows. */
function reportError(caught: unknown, io: CliIo): number {
  const error = io.signal.aborted
    ? new FairwayError('cancelled', 'interrupted', { cause: caught })
    : toFairwayError(caught);
  io.stderr(renderError(error));
  return error.code === 'cancelled' ? exitCodeOf(error.code) : exitCodes.usage;
}

/** @throws invalid_argument */
function parseRange(
  text: string | undefined,
  base: string,
  whole: string | undefined,
): { readonly from: string; readonly to: string } {
  const given = text ?? whole;
  if (given === undefined)
    throw new FairwayError(
      'invalid_argument',
      'Give REVISIONS: FROM..TO, or TO for what it would change in what runs.',
    );
  const at = given.indexOf('..');
  if (at < 0) return { from: base, to: given };
  const [from, to] = [given.slice(0, at), given.slice(at + 2)];
  if (from === '' || to === '' || to.startsWith('.'))
    throw new FairwayError('invalid_argument', `"${given}" is not FROM..TO.`, {
      details: { hint: 'For three dots, give the merge base: $(git merge-base main feature)..feature' },
    });
  return { from, to };
}

async function askHub(revisions: string | undefined, options: Options, io: CliIo): Promise<DiffReport> {
  const range = parseRange(revisions, 'running', undefined);
  const client = createClient(await loadConnection(options, io), io);
  const { application, cluster } = options;
  return client.get<DiffReport>('/api/v1/diff', { ...range, application, cluster });
}

async function compareClusters(
  cluster: string,
  other: string,
  options: Options,
  io: CliIo,
): Promise<ApiComparison> {
  for (const name of ['path', 'cluster'])
    if (options[name] !== undefined)
      throw new FairwayError('invalid_argument', `--${name} is for revisions, not for two clusters.`);
  const client = createClient(await loadConnection(options, io), io);
  const [left, right] = [cluster, other].map(encodeURIComponent);
  const { application } = options;
  return client.get<ApiComparison>(`/api/v1/clusters/${left}/compare/${right}`, { application });
}

function renderClusters(comparison: ApiComparison, format: string | undefined, io: CliIo): string {
  if (format === 'json') return `${JSON.stringify(comparison, null, 2)}\n`;
  if (format === 'markdown')
    throw new FairwayError('invalid_argument', 'Two clusters are shown as text or json.');
  return renderComparison(comparison, createColours(io), io.terminal ? io.columns : undefined);
}

async function compareOnDisk(
  path: string,
  revisions: string | undefined,
  options: Options,
  io: CliIo,
): Promise<DiffReport> {
  // Loaded only here: the rest of the command line stays small.
  const { diffOnDisk } = await import('../preview/diff-on-disk.ts');
  const { createLocalRenderer } = await import('../preview/local-renderer.ts');
  const { openRemoteAccess } = await import('../preview/remote-access.ts');
  await using remotes = await openRemoteAccess(Boolean(options['allowRemote']), io.signal);
  return await diffOnDisk({
    folder: resolve(io.cwd, path),
    ...parseRange(revisions, 'HEAD', 'HEAD..worktree'),
    fleetFolder: options['fleetFolder'] ?? 'fleet',
    application: options['application'],
    cluster: options['cluster'],
    renderer: createLocalRenderer(io),
    remotes,
    signal: io.signal,
  });
}

async function renderReport(report: DiffReport, format: string | undefined, io: CliIo): Promise<string> {
  if (format === 'json') return `${JSON.stringify(report, null, 2)}\n`;
  if (format === 'markdown')
    return (await import('../../preview/render-markdown.ts')).renderDiffMarkdown(report);
  return (await import('../../preview/render-text.ts')).renderDiffText(report, createColours(io));
}

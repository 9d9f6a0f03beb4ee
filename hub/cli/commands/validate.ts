import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Severity } from '../../preview/checks/complaint.ts';
import type { ValidationReport } from '../../preview/findings.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createColours } from '../output/colour.ts';
import type { Programs } from '../programs.ts';

type Options = Readonly<Record<string, unknown>>;

const help = `
FOLDER is the work tree of a fleet repository, or lies in one (default: here). Every application is rendered for every
cluster it is placed on, as the hub does it, and then checked: objects that two applications claim, fields and types by the
API of Kubernetes and by the CustomResourceDefinitions in the repository, versions that a cluster's Kubernetes has removed
or deprecated, references to what no application brings, Secrets in plain text. No hub and no cluster is asked.

Exit codes: 0 nothing wrong, or warnings only; 1 warnings, with --strict; 6 something is not valid.

Examples:
  fairway validate
  fairway validate --strict -o github
  fairway validate -o sarif > fairway.sarif`;

/** `fairway validate`: made for checks of a pull request. */
export function addValidate(
  program: Command,
  io: CliIo,
  programs: Programs,
  setExitCode: (code: number) => void,
): void {
  program
    .command('validate')
    .summary('check a fleet repository before it is merged')
    .description('Checks a fleet repository before it is merged.')
    .argument('[folder]', 'the work tree', '.')
    .option('--strict', 'fail on warnings, too')
    .addOption(
      new Option('--plain-secrets <severity>', 'what Secrets in plain text are')
        .choices(['error', 'warning', 'off'])
        .default('warning'),
    )
    .option('--kubernetes <version>', 'of clusters that state none (default: the newest known)')
    .option('--fleet-folder <folder>', 'where the fleet resources are', 'fleet')
    .option('--allow-remote', 'fetch other repositories, without credentials')
    .addOption(
      new Option('-o, --output <format>', 'how to show it (default text)').choices([
        'text',
        'json',
        'junit',
        'sarif',
        'github',
      ]),
    )
    .addHelpText('after', help)
    .action(async (folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      // Loaded only here: the rest of the command line stays small.
      const { validateOnDisk } = await import('../preview/validate-on-disk.ts');
      const { createLocalRenderer } = await import('../preview/local-renderer.ts');
      const { openRemoteAccess } = await import('../preview/remote-access.ts');
      await using remotes = await openRemoteAccess(options['allowRemote'] === true, io.signal);
      const report = await validateOnDisk({
        folder: resolve(io.cwd, folder),
        fleetFolder: String(options['fleetFolder']),
        plainSecrets: options['plainSecrets'] as Severity | 'off',
        kubernetes: options['kubernetes'] as string | undefined,
        renderer: createLocalRenderer(io),
        remotes,
        signal: io.signal,
      });
      io.stdout(await renderReport(report, options['output'], io, programs));
      setExitCode(exitCodeOf(report, options['strict'] === true));
    });
}

function exitCodeOf({ errors, warnings }: ValidationReport, strict: boolean): number {
  if (errors > 0) return exitCodes.invalidManifest;
  return strict && warnings > 0 ? exitCodes.failed : exitCodes.ok;
}

async function renderReport(
  report: ValidationReport,
  format: unknown,
  io: CliIo,
  programs: Programs,
): Promise<string> {
  if (format === 'json') return `${JSON.stringify(report, null, 2)}\n`;
  const render = await import('../../preview/render-findings.ts');
  if (format === 'junit') return render.renderFindingsJunit(report);
  if (format === 'github') return render.renderFindingsGithub(report);
  if (format === 'sarif') return render.renderFindingsSarif(report, await programs.version());
  return render.renderFindingsText(report, createColours(io));
}

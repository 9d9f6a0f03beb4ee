import { describeKey } from '../../shared/manifest/object.ts';
import type { Paint } from '../../shared/text/paint.ts';
import { plain } from '../../shared/text/plain.ts';
import { plural } from '../../shared/text/plural.ts';
import { rules } from './checks/complaint.ts';
import { clustersText } from './field-lines.ts';
import type { Finding, ValidationReport } from './findings.ts';

/** `Deployment shop/web of web in eu-1, eu-2`, `Application web in eu-1`; empty where it is about a file only. */
function subjectText({ object, application, clusters }: Finding): string {
  const parts = [
    ...(object ? [plain(describeKey(object))] : []),
    ...(application === '' ? [] : [`${object ? 'of ' : 'Application '}${plain(application)}`]),
    ...(clusters.length === 0 ? [] : [`in ${clustersText({ count: clusters.length, names: clusters })}`]),
  ];
  return parts.join(' ');
}

/** `spec.replicas: expected an integer` */
function messageText({ field, message }: Finding): string {
  return plain(field === '' ? message : `${field}: ${message}`);
}

function placeText({ file, line }: Finding): string {
  if (file === '') return '';
  return line > 0 ? `${plain(file)}:${line}` : plain(file);
}

/** `2 errors and 1 warning in 3 applications, rendered for 4 clusters`. */
function verdictText({ errors, warnings, applications, placements }: ValidationReport): string {
  const clusters = new Set(placements.map(({ cluster }) => cluster)).size;
  const found =
    errors + warnings === 0
      ? 'nothing wrong'
      : [
          ...(errors ? [plural(errors, 'error')] : []),
          ...(warnings ? [plural(warnings, 'warning')] : []),
        ].join(' and ');
  return `${found} in ${plural(applications.length, 'application')}, rendered for ${plural(clusters, 'cluster')}`;
}

/** For people. Pure. */
export function renderFindingsText(report: ValidationReport, paint: Paint): string {
  const lines: string[] = [];
  for (const finding of report.findings) {
    const colour = finding.severity === 'error' ? paint.bad : paint.warn;
    const place = placeText(finding);
    lines.push(
      `${colour(finding.severity)}  ${place === '' ? '' : `${paint.bold(place)}  `}${messageText(finding)}  ${paint.dim(`[${finding.rule}]`)}`,
    );
    const subject = subjectText(finding);
    if (subject !== '') lines.push(`       ${paint.dim(subject)}`);
  }
  if (report.omitted > 0) lines.push(paint.dim(`and ${plural(report.omitted, 'more finding')}`));
  if (lines.length > 0) lines.push('');
  return `${[...lines, verdictText(report)].join('\n')}\n`;
}

/** Annotations of a pull request, by GitHub's workflow commands (docs.github.com, "Workflow commands for GitHub Actions"). Pure. */
export function renderFindingsGithub(report: ValidationReport): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const lines = report.findings.map((finding) => {
    const subject = subjectText(finding);
    const properties = [
      ...(finding.file === '' ? [] : [`file=${property(finding.file)}`]),
      ...(finding.line > 0 ? [`line=${finding.line}`] : []),
      `title=${property(`fairway ${finding.rule}`)}`,
    ];
    const message = messageText(finding) + (subject === '' ? '' : ` (${subject})`);
    return `::${finding.severity} ${properties.join(',')}::${data(message)}`;
  });
  return `${[...lines, `::notice title=fairway::${data(verdictText(report))}`].join('\n')}\n`;
}

/** For code scanning: SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). Pure. */
export function renderFindingsSarif(report: ValidationReport, version: string): string {
  const results = report.findings.map((finding) => {
    const subject = subjectText(finding);
    return {
      ruleId: finding.rule,
      level: finding.severity,
      message: { text: messageText(finding) + (subject === '' ? '' : ` (${subject})`) },
      // A result without a place is shown nowhere: what has no file is told of the repository's top.
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: encodeURI(finding.file || '.') },
            ...(finding.line > 0 ? { region: { startLine: finding.line } } : {}),
          },
        },
      ],
    };
  });
  const driver = {
    name: 'fairway',
    version,
    rules: Object.entries(rules).map(([id, text]) => ({ id, shortDescription: { text } })),
  };
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** A suite an application and a case a cluster, as CI systems count them; what is about no cluster is in a suite of its own. Pure. */
export function renderFindingsJunit(report: ValidationReport): string {
  const suites = new Map<string, Map<string, Finding[]>>([['fleet', new Map([['fleet folder', []]])]]);
  const caseOf = (suite: string, name: string): Finding[] => {
    const cases = suites.get(suite) ?? new Map<string, Finding[]>();
    suites.set(suite, cases);
    const found = cases.get(name) ?? [];
    cases.set(name, found);
    return found;
  };
  for (const { application, cluster } of report.placements) caseOf(application, cluster);
  for (const finding of report.findings) {
    const suite = finding.application || 'fleet';
    const names =
      finding.clusters.length > 0 ? finding.clusters : [suite === 'fleet' ? 'fleet folder' : suite];
    for (const name of names) caseOf(suite, name).push(finding);
  }
  const body = [...suites].flatMap(([suite, cases]) => [
    `  <testsuite name="${xml(suite)}" tests="${cases.size}" failures="${[...cases.values()].filter(hasError).length}">`,
    ...[...cases].flatMap(([name, found]) => renderCase(suite, name, found)),
    '  </testsuite>',
  ]);
  return `${['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="fairway">', ...body, '</testsuites>'].join('\n')}\n`;
}

function hasError(found: readonly Finding[]): boolean {
  return found.some(({ severity }) => severity === 'error');
}

function renderCase(suite: string, name: string, found: readonly Finding[]): readonly string[] {
  const open = `    <testcase classname="${xml(suite)}" name="${xml(name)}"`;
  if (found.length === 0) return [`${open}/>`];
  const text = (severity: Finding['severity']) =>
    found
      .filter((finding) => finding.severity === severity)
      .map((finding) => [placeText(finding), messageText(finding)].filter((part) => part !== '').join(' '));
  const [errors, warnings] = [text('error'), text('warning')];
  return [
    `${open}>`,
    ...(errors.length > 0
      ? [`      <failure message="${xml(errors[0] ?? '')}">${xml(errors.join('\n'))}</failure>`]
      : []),
    ...(warnings.length > 0 ? [`      <system-out>${xml(warnings.join('\n'))}</system-out>`] : []),
    '    </testcase>',
  ];
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

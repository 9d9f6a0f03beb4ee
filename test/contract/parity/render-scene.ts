import type { FieldSource, ParityDifference } from '../../../hub/model/parity.ts';
import { describeKey } from '../../../shared/manifest/object.ts';
import type { Played } from './scene.ts';

function timeOf(ms: number | undefined): string {
  return ms === undefined ? '' : `, since ${new Date(ms).toISOString()}`;
}

function sideLine(cluster: string, value: string | undefined, source: FieldSource | undefined): string {
  const where = source
    ? `   <- ${source.layer === '' ? '' : `${source.layer}: `}${source.file}:${source.line} ${source.author}`
    : '';
  return `    ${cluster}: ${value ?? (source ? '(there)' : '(none)')}${where}`;
}

function differenceLines(one: ParityDifference, primary: string): readonly string[] {
  const names = [one.primaryKey, one.standbyKey]
    .map((key) => (key ? describeKey(key) : '(not there)'))
    .filter((text, at, all) => all.indexOf(text) === at);
  const values = [one.primaryValue, one.standbyValue, one.primarySource, one.standbySource].every(
    (told) => told === undefined,
  );
  return [
    `  ${one.class}, ${one.severity}, side ${one.side}: ${names.join(' | ')}${one.path === '' ? '' : ` ${one.path}`}`,
    ...(values
      ? []
      : [
          sideLine(primary, one.primaryValue, one.primarySource),
          sideLine(one.standby, one.standbyValue, one.standbySource),
        ]),
    `    why: ${one.message}`,
    `    who: ${one.owner === '' ? '(nobody known)' : one.owner}${one.expectation === '' ? '' : `, by expectation ${one.expectation}`}${timeOf(one.sinceMs)}`,
    ...(one.action === '' ? [] : [`    do: ${one.action}`]),
  ];
}

/** What parity says of a scene, as text to be read. */
export function renderScene(title: string, { differences, report, group }: Played): string {
  const { verdict, score, whole, reasons, staleExpectations, expiredExpectations } = report;
  const stateOf = (name: string) =>
    expiredExpectations.includes(name) ? 'expired' : staleExpectations.includes(name) ? 'stale' : 'active';
  const lines = [
    `# ${title}`,
    `${report.group}: ${verdict}, score ${score}, ${whole ? 'whole' : 'not whole'}`,
    'differences:',
    ...(differences.length === 0
      ? ['  none']
      : differences.flatMap((one) => differenceLines(one, group.primary))),
    'reasons:',
    ...(reasons.length === 0
      ? ['  none']
      : reasons.map(
          ({ type, severity, message, owner, action }) =>
            `  ${type}, ${severity}: ${message}${owner === '' ? '' : ` [${owner}]`}${action === '' ? '' : `; ${action}`}`,
        )),
    'expectations:',
    ...(group.expectations.length === 0
      ? ['  none']
      : group.expectations.map(({ name, owner }) => `  ${name} (${owner}): ${stateOf(name)}`)),
  ];
  return `${lines.join('\n')}\n`;
}

import type { ParityDifference, ParityReport } from '../model/parity.ts';

export interface Owned {
  readonly report: ParityReport;
  readonly differences: readonly ParityDifference[];
}

/**
 * Who answers for each reason and each difference: for what Git wants to differ, who wrote the line, which is known only after it was explained; where nobody better is
 * known, whoever answers for the group. Pure.
 */
export function describeOwners(report: ParityReport, differences: readonly ParityDifference[]): Owned {
  const authors = new Map<string, string>();
  for (const { class: kind, owner, standby, application } of differences)
    if (kind === 'overlay' && owner !== '') authors.set(`${standby} ${application}`, owner);
  const reasons = report.reasons.map((reason) => {
    if (reason.owner !== '') return reason;
    const application = reason.message.slice(0, reason.message.indexOf(':'));
    const author = reason.type === 'overlay' ? authors.get(`${reason.standby} ${application}`) : undefined;
    return { ...reason, owner: author ?? report.owner };
  });
  return {
    report: { ...report, reasons },
    differences: differences.map((one) => (one.owner === '' ? { ...one, owner: report.owner } : one)),
  };
}

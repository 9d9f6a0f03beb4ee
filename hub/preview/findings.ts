import type { ObjectKey } from '../../shared/manifest/object.ts';
import type { Rule, Severity } from './checks/complaint.ts';

/** Something wrong with a fleet repository, and where to mend it. */
export interface Finding {
  readonly rule: Rule;
  readonly severity: Severity;
  /** Empty where no file can be named. */
  readonly file: string;
  /** 1-based; 0 where unknown. */
  readonly line: number;
  /** `spec.template.spec.containers[0].image`; empty where none. */
  readonly field: string;
  readonly message: string;
  /** Empty: of no application in particular. */
  readonly application: string;
  /** Of the application, in which it holds; sorted. */
  readonly clusters: readonly string[];
  /** As rendered in the first of the clusters. */
  readonly object: ObjectKey | null;
}

export interface ValidationReport {
  readonly applications: readonly string[];
  /** Application and cluster of everything that was rendered or tried. */
  readonly placements: readonly { readonly application: string; readonly cluster: string }[];
  /** Errors first, then by file and line. */
  readonly findings: readonly Finding[];
  /** Findings beyond the bound. */
  readonly omitted: number;
  readonly errors: number;
  readonly warnings: number;
}

/** Findings told; what is beyond is counted. */
export const findingsMax = 1_000;

export function createReport(
  placements: ValidationReport['placements'],
  applications: readonly string[],
  found: readonly Finding[],
): ValidationReport {
  const findings = [...found].sort(byPlace);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return {
    applications,
    placements,
    findings: findings.slice(0, findingsMax),
    omitted: Math.max(0, findings.length - findingsMax),
    errors,
    warnings: findings.length - errors,
  };
}

function byPlace(a: Finding, b: Finding): number {
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1;
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  if (a.line !== b.line) return a.line - b.line;
  return a.message < b.message ? -1 : a.message > b.message ? 1 : 0;
}

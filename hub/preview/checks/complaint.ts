/** What is looked for, each by the name under which reports and CI systems know it. */
export const rules = {
  'fleet-file': 'A file of the fleet folder cannot be read as it is',
  render: 'An application cannot be rendered for a cluster',
  'missing-cluster': 'A placement names a cluster that is not there',
  project: 'What a Project does not allow its applications',
  claim: 'An object is there twice, or may not be changed by an application',
  'plain-secret': 'A Secret stands in Git in plain text',
  'missing-reference': 'A workload refers to something that no application of its cluster brings',
  'removed-api': 'The API version is not served any more',
  'deprecated-api': 'The API version will not be served for ever',
  'unknown-field': 'A field that its kind does not have',
  'wrong-type': 'A value of another type than the field has',
  'missing-field': 'A field without which the API server refuses the object',
} as const;

export type Rule = keyof typeof rules;
export type Severity = 'error' | 'warning';

export type FieldPath = readonly (string | number)[];

/** Something wrong with one object. Never quotes a value of a Secret. */
export interface Complaint {
  readonly rule: Rule;
  readonly severity: Severity;
  readonly path: FieldPath;
  readonly message: string;
}

/** Which names and labels the API server takes. */

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

export function labelProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 bytes';
  return LABEL.test(name)
    ? undefined
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'";
}

export function subdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 bytes';
  return SUBDOMAIN.test(name)
    ? undefined
    : 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, - or .';
}

/** RBAC's names: any path segment. */
export function segmentProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  return /[/%]/.test(name) ? "may not contain '/' or '%'" : undefined;
}

export function qualifiedProblem(name: string): string | undefined {
  const parts = name.split('/');
  const last = parts.at(-1) ?? '';
  if (parts.length > 2) return 'a qualified name has at most one slash';
  if (parts.length === 2 && subdomainProblem(parts[0] ?? '')) return 'prefix part is no DNS subdomain';
  return last.length > 0 && last.length <= 63 && QUALIFIED.test(last)
    ? undefined
    : 'name part must consist of alphanumeric characters';
}

/**
 * Variables of an overlay template: `{{cluster.name}}`, `{{cluster.region}}`, `{{cluster.role}}`, `{{cluster.labels.KEY}}` and `{{cluster.variables.KEY}}`.
 */
const overlayVariables = [
  'cluster.name',
  'cluster.region',
  'cluster.role',
  'cluster.labels.',
  'cluster.variables.',
] as const;

/** What is wrong with a template, or undefined. Expanding is the renderer's. */
export function checkOverlayTemplate(template: string): string | undefined {
  for (const [, inner = ''] of template.matchAll(/\{\{(.*?)\}\}/g)) {
    const variable = inner.trim();
    const known = overlayVariables.some((name) =>
      name.endsWith('.') ? variable.startsWith(name) && variable.length > name.length : variable === name,
    );
    if (!known) {
      const names = overlayVariables.map((name) => (name.endsWith('.') ? `${name}KEY` : name)).join(', ');
      return `unknown variable {{${variable}}}; known are ${names}`;
    }
  }
  const rest = template.replaceAll(/\{\{.*?\}\}/g, '');
  return /\{\{|\}\}/.test(rest) ? 'a {{ has no matching }}: write {{cluster.region}}' : undefined;
}

import type { DesiredApplication } from '../../model/desired.ts';
import type { AgentContext, ApplicationState } from '../context.ts';

/** The way from an application back to itself, if there is one. The hub refuses circles; one may still stand here while half of a change has come. */
function findCircle(context: AgentContext, start: string): readonly string[] | undefined {
  const applications = context.desired.applications();
  const seen = new Set<string>();
  const ways: (readonly string[])[] = [[start]];
  for (let way = ways.pop(); way !== undefined; way = ways.pop())
    for (const name of applications.get(way.at(-1) ?? '')?.target.dependsOn ?? []) {
      if (name === start) return [...way, name];
      if (seen.has(name)) continue;
      seen.add(name);
      ways.push([...way, name]);
    }
  return undefined;
}

/** What an application that is not applied yet waits for; empty: nothing. */
export function unmetDependency(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): string {
  if (state.appliedDigest === desired.target.digest) return '';
  for (const name of desired.target.dependsOn) {
    const other = context.desired.applications().get(name);
    if (!other || other.target.removed) return `${name}: not assigned to this cluster`;
    const known = context.states.get(name);
    if (known?.appliedDigest !== other.target.digest) {
      const circle = findCircle(context, desired.application);
      return `${name}: not applied yet${circle ? `, and it never will be: they wait for each other (${circle.join(' -> ')})` : ''}`;
    }
    if (known.health !== 'Current') return `${name}: ${known.health}`;
  }
  return '';
}

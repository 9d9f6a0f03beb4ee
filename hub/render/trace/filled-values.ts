/** Where the cluster variables are stated that a text named. */
import type { Cluster, Substitution } from '../../model/fleet.ts';
import type { Written } from '../../model/trace.ts';
import { parseText, variablesIn } from '../substitute/expression.ts';
import { builtInPrefix, labelVariable } from '../substitute/variables.ts';
import type { FindOrigin } from './lineage.ts';

const builtIn: Readonly<Record<string, string>> = {
  NAME: 'metadata.name',
  REGION: 'spec.region',
  ROLE: 'spec.role',
  KUBERNETES_VERSION: 'spec.kubernetes.version',
};

/** Undefined for a text that has only defaults: those are written in it. */
export function filledFrom(cluster: Cluster, { variables }: Substitution): FindOrigin {
  return ({ path, before }) => {
    const names = namesIn(typeof before === 'string' ? before : String(path.at(-1)));
    for (const name of names) {
      const field = fieldOf(name, cluster);
      if (field !== undefined) return { written: statedIn('cluster', cluster.origin, field) };
      if (Object.hasOwn(variables, name))
        return {
          written: statedIn('application', { file: '', line: 0 }, `spec.substitute.variables.${name}`),
        };
    }
    return undefined;
  };
}

function namesIn(text: string): readonly string[] {
  const parsed = parseText(text);
  const names = new Set<string>();
  if (parsed.ok) variablesIn(parsed.parts, names);
  return [...names];
}

function fieldOf(name: string, cluster: Cluster): string | undefined {
  if (!name.startsWith(builtInPrefix))
    return Object.hasOwn(cluster.variables, name) ? `spec.variables.${name}` : undefined;
  const known = builtIn[name.slice(builtInPrefix.length)];
  if (known !== undefined) return known;
  const label = Object.keys(cluster.labels).find((key) => labelVariable(key) === name);
  return label === undefined ? undefined : `metadata.labels[${JSON.stringify(label)}]`;
}

function statedIn(
  source: 'cluster' | 'application',
  { file, line }: { readonly file: string; readonly line: number },
  field: string,
): Written {
  return { source, file, line, field, holds: 'part' };
}

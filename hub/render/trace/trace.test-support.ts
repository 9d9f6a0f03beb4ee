/** Traces of small trees, as one line a change. */
import { plainCluster } from '../../model/cluster.test-support.ts';
import type { Cluster } from '../../model/fleet.ts';
import { describeProblem } from '../../model/problem.ts';
import type { ObjectSelector, ObjectTrace, Written } from '../../model/trace.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type RenderRequest } from '../renderer.ts';

export const cluster: Cluster = {
  ...plainCluster,
  ...{ name: 'eu-1', region: 'eu', labels: { tier: 'gold' }, variables: { HOST: 'eu.example' } },
  origin: { file: 'fleet/clusters.yaml', line: 12, commit: 'c' },
};
export const renderer = createRenderer({ digestKey: new Uint8Array(32) });

export type Files = Readonly<Record<string, string | { readonly link: string }>>;

export async function ask(
  files: Files,
  selector: ObjectSelector,
  source: Partial<RenderRequest['source']> = {},
) {
  const tree = createMemoryTree(files);
  const all = { repository: '', ref: '', path: 'app', overlays: [], ...source };
  return renderer.trace({ source: all, cluster, tree }, selector);
}

export async function traceOf(
  files: Files,
  kind: string,
  name: string,
  source: Partial<RenderRequest['source']> = {},
) {
  const result = await ask(files, { kind, name }, source);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  const [found] = result.traces;
  if (found === undefined) throw new Error('no trace');
  return found;
}

export const placeText = ({ source, file, line, field, holds }: Written): string =>
  [source === 'repository' ? '' : source, `${file}:${line}`, field, holds]
    .filter((part) => part !== '')
    .join(' ');

/** One line a change: `patches[0] app: spec.replicas 1 -> 3 at app/patch.yaml:5 value`. */
export const stepsOf = ({ steps }: ObjectTrace): readonly string[] =>
  steps.flatMap(({ action, layer, changes }) =>
    changes.map(({ path, before, after, index, at, from }) => {
      const moved = before === undefined && after === undefined ? `to ${index}` : '';
      const change =
        moved || `${JSON.stringify(before) ?? 'nothing'} -> ${JSON.stringify(after) ?? 'nothing'}`;
      const taken = from === undefined ? '' : ` from ${from.object.kind} ${from.object.name} ${from.field}`;
      return `${action} ${layer}: ${printFieldPath(path)} ${change} at ${placeText(at)}${taken}`;
    }),
  );

export const web = (more = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: nginx:1.0
${more}`;
export const settings = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  host: db.example
  mode: fast
`;

/** Where the fields of an object are first written: `data.host base/settings.yaml:6 value`. */
export const writtenOf = ({ start }: ObjectTrace): readonly string[] =>
  start.written.map(({ path, at }) => `${printFieldPath(path)} ${placeText(at)}`);

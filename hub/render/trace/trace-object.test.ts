import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../model/fleet.ts';
import { describeProblem } from '../../model/problem.ts';
import type { ObjectSelector, ObjectTrace, Written } from '../../model/trace.ts';
import { printFieldPath } from '../../model/trace-path.ts';
import { createMemoryTree } from '../memory-tree.ts';
import { createRenderer, type RenderRequest } from '../renderer.ts';

const cluster: Cluster = {
  name: 'eu-1',
  labels: { tier: 'gold' },
  region: 'eu',
  role: 'none',
  variables: { HOST: 'eu.example' },
  kubernetesVersion: '',
  paused: false,
  origin: { file: 'fleet/clusters.yaml', line: 12, commit: 'c' },
};
const renderer = createRenderer({ digestKey: new Uint8Array(32) });

type Files = Readonly<Record<string, string>>;

async function ask(files: Files, selector: ObjectSelector, source: Partial<RenderRequest['source']> = {}) {
  const tree = createMemoryTree(files);
  const all = { repository: '', ref: '', path: 'app', overlays: [], ...source };
  return renderer.trace({ source: all, cluster, tree }, selector);
}

async function trace(
  files: Files,
  kind: string,
  name: string,
  source: Partial<RenderRequest['source']> = {},
) {
  const result = await ask(files, { kind, name }, source);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result.traces[0]!;
}

const placeText = ({ source, file, line, field, holds }: Written): string =>
  [source === 'repository' ? '' : source, `${file}:${line}`, field, holds]
    .filter((part) => part !== '')
    .join(' ');

/** One line a change: `patches[0] app: spec.replicas 1 -> 3 at app/patch.yaml:5 value`. */
const stepsOf = ({ steps }: ObjectTrace): readonly string[] =>
  steps.flatMap(({ action, layer, changes }) =>
    changes.map(({ path, before, after, index, at }) => {
      const moved = before === undefined && after === undefined ? `to ${index}` : '';
      const change =
        moved || `${JSON.stringify(before) ?? 'nothing'} -> ${JSON.stringify(after) ?? 'nothing'}`;
      return `${action} ${layer}: ${printFieldPath(path)} ${change} at ${placeText(at)}`;
    }),
  );

const web = (more = ''): string => `apiVersion: apps/v1
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
const settings = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  host: db.example
  mode: fast
`;

describe('a traced object', () => {
  it('is told from the base up, with the line of each value', async () => {
    const files = {
      'base/web.yaml': `${settings}---\n${web()}`,
      'base/kustomization.yaml': 'resources: [web.yaml]\nnamePrefix: b-\n',
      'app/kustomization.yaml':
        'resources:\n- ../base\nnamespace: shop\nreplicas:\n- name: web\n  count: 5\n',
    };
    const found = await trace(files, 'Deployment', 'web');
    expect(found).toMatchObject({
      identity: { kind: 'Deployment', name: 'b-web', namespace: 'shop', apiVersion: 'apps/v1' },
      originId: 'apps/Deployment//web',
      way: ['app', 'base'],
      secret: false,
      start: {
        action: 'resources[0]',
        layer: 'base',
        configuredAt: { file: 'base/kustomization.yaml', line: 1 },
      },
    });
    expect(found.start.at).toMatchObject({ file: 'base/web.yaml', line: 9 });
    expect(found.start.written.map(({ path, at }) => `${printFieldPath(path)} ${at.line}`)).toEqual([
      'kind 10',
      'metadata.name 12',
      'spec.replicas 14',
      'spec.template.spec.containers[name=web].name 18',
      'spec.template.spec.containers[name=web].image 19',
    ]);
    expect(stepsOf(found)).toEqual([
      'namePrefix base: metadata.name "web" -> "b-web" at base/kustomization.yaml:2 part',
      'namespace app: metadata.namespace nothing -> "shop" at app/kustomization.yaml:3 value',
      'replicas[0] app: spec.replicas 1 -> 5 at app/kustomization.yaml:6 value',
    ]);
  });
});

/** Traces of what charts make: each object knows its template. */
import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../hub/model/problem.ts';
import type { ObjectTrace } from '../../../hub/model/trace.ts';
import { applyChanges } from '../../../hub/model/trace-chain.ts';
import { printFieldPath } from '../../../hub/model/trace-path.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import type { Json } from '../../../shared/manifest/object.ts';
import { cluster, type Files, helmSource, newRenderer, program } from './bed.ts';

const chart = (folder: string): Files => ({
  [`${folder}/Chart.yaml`]: 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  [`${folder}/values.yaml`]: 'image: web:1\n',
  [`${folder}/templates/config.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-config }\ndata: { image: {{ .Values.image }} }\n',
  [`${folder}/templates/hook.yaml`]:
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hook, annotations: { helm.sh/hook: pre-install } }\n',
});

async function trace(
  files: Files,
  name: string,
  source: ReturnType<typeof helmSource> | undefined,
): Promise<ObjectTrace> {
  const folder = { repository: '', ref: '', path: 'app', overlays: [] };
  const request = { source: source ?? folder, cluster, tree: createMemoryTree(files) };
  const renderer = newRenderer();
  const result = await renderer.trace(request, { kind: 'ConfigMap', name });
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  const rendered = await renderer.render(request);
  const [found] = result.traces;
  if (!rendered.ok || found === undefined) throw new Error('rendered to nothing');
  const entry = rendered.rendered.set.entries.find(({ key }) => key.name === found.identity.name);
  const content = rendered.rendered.objects.get(entry?.objectDigest ?? '')?.content;
  expect(canonicalJson(found.final)).toBe(content);
  const changes = found.steps.flatMap((step) => step.changes);
  const start = found.start.object as unknown as Json;
  expect(canonicalJson(applyChanges(start, changes, found.mergeKeys))).toBe(content);
  return found;
}

const stepsOf = ({ steps }: ObjectTrace): readonly string[] =>
  steps.flatMap(({ action, changes }) =>
    changes.map(({ path, at }) => `${action}: ${printFieldPath(path)} at ${at.file}:${at.line}`),
  );

describe.skipIf(program === undefined)('the trace of an object of a chart', () => {
  it("of an Application's chart names the template, hooks mapped", async () => {
    const found = await trace(chart('app/chart'), 'hook', helmSource());
    expect(found).toMatchObject({ way: ['app/chart'], steps: [] });
    expect(found.start).toMatchObject({
      ...{ kind: 'chart', action: 'helm', layer: 'app/chart' },
      configuredAt: { source: 'application', field: 'spec.source.helm' },
      at: { source: 'repository', file: 'app/chart/templates/hook.yaml', line: 0, oid: expect.any(String) },
    });
    expect(found.start.object.metadata.annotations).toMatchObject({ 'fairway.dev/hook': 'pre-sync' });
  });

  it('of helmCharts names the entry and the template, and what came after', async () => {
    const files = {
      ...chart('base/charts/web'),
      'base/kustomization.yaml': 'helmCharts:\n- name: web\n  releaseName: rel\n',
      'app/kustomization.yaml': 'resources: [../base]\nnamePrefix: eu-\ncommonAnnotations: {note: text}\n',
    };
    const found = await trace(files, 'rel-config', undefined);
    expect(found.way).toEqual(['app', 'base']);
    expect(found.start).toMatchObject({
      ...{ kind: 'chart', action: 'helmCharts[0]', layer: 'base' },
      configuredAt: { file: 'base/kustomization.yaml', line: 2 },
      at: { file: 'base/charts/web/templates/config.yaml', line: 0 },
    });
    // What the renderer notes for itself is not told.
    expect(found.start.object.metadata.annotations).toBeUndefined();
    expect(stepsOf(found)).toEqual([
      'namePrefix: metadata.name at app/kustomization.yaml:2',
      'commonAnnotations: metadata.annotations.note at app/kustomization.yaml:3',
    ]);
  });
});

/** Charts rendered by this program and by `helm template` itself, from the same files. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { createHelmProcess, type HelmProcessOptions } from '../../../hub/helm/helm-process.ts';
import { plainCluster } from '../../../hub/model/cluster.test-support.ts';
import type { Cluster, HelmSource } from '../../../hub/model/fleet.ts';
import { describeProblem } from '../../../hub/model/problem.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createRenderer, type Renderer, type RendererOptions } from '../../../hub/render/renderer.ts';
import { ensureBinary } from '../../cluster/binaries.ts';

export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** Undefined where there is neither helm nor Go; under CI that fails. */
export const program = process.env['FAIRWAY_HELM_BINARY'] ?? (await ensureBinary('helm'));

export const cluster: Cluster = {
  ...plainCluster,
  ...{ name: 'eu-1', region: 'eu', role: 'primary', labels: { tier: 'gold' }, variables: { size: 'large' } },
  kubernetesVersion: '1.36.3',
};

export const helmSource = (helm: Partial<HelmSource> = {}) => ({
  repository: '',
  ref: '',
  path: 'app',
  overlays: [],
  helm: {
    chart: 'chart',
    pin: undefined,
    releaseName: 'rel',
    namespace: 'web',
    valueFiles: [],
    values: {},
    includeCrds: true,
    ...helm,
  },
});

export function newRunner(options: Partial<HelmProcessOptions> = {}) {
  return createHelmProcess({ binary: program, path: process.env['PATH'] ?? '', ...options });
}

export function newRenderer(options: Partial<RendererOptions> = {}): Renderer {
  return createRenderer({ digestKey: new Uint8Array(32), helm: newRunner(), ...options });
}

export type Outcome = { readonly documents: readonly unknown[] } | { readonly failure: string };

export async function renderOurs(
  files: Files,
  helm: Partial<HelmSource> = {},
  of: Cluster = cluster,
  renderer = newRenderer(),
): Promise<Outcome> {
  const result = await renderer.render({
    source: helmSource(helm),
    cluster: of,
    tree: createMemoryTree(files),
  });
  if (!result.ok) return { failure: result.problems.map(describeProblem).join('\n') };
  const { set, objects } = result.rendered;
  return { documents: set.entries.map((entry) => JSON.parse(objects.get(entry.objectDigest)!.content)) };
}

/** Runs the program over the files written out as they are, with what the caller knows the request to mean. */
export async function renderTheirs(files: Files, args: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-chart-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      if (typeof content !== 'string' && !(content instanceof Uint8Array)) continue;
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const given = [
      'template',
      'rel',
      join(folder, 'app/chart'),
      '--namespace',
      'web',
      '--include-crds',
      '--skip-tests',
    ];
    return await new Promise((resolve) => {
      execFile(
        program!,
        [...given, ...args],
        { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) =>
          resolve(error === null ? { documents: documentsOf(stdout) } : { failure: stderr }),
      );
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function documentsOf(text: string): readonly unknown[] {
  return loadAll(text, { schema: CORE_SCHEMA }).filter((one) => one !== null && one !== undefined);
}

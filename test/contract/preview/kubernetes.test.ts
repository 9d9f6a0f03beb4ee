/** The table of `fairway validate` against what Kubernetes publishes: objects with every field filled in, made by its own tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../../hub/preview/checks/check-schema.ts';
import type { KubeObject } from '../../../shared/manifest/object.ts';
import { hasGo, missing } from '../../cluster/binaries.ts';
import { root } from '../../tools/source-files.ts';

const skip = !hasGo();
if (skip) missing('what Kubernetes publishes of its API');

/** Where a Go module lies, fetched if need be; Go's checksum database vouches for it. */
function moduleFolder(module: string): string {
  const text = execFileSync('go', ['mod', 'download', '-json', module], { cwd: '/', encoding: 'utf8' });
  return (JSON.parse(text) as { readonly Dir: string }).Dir;
}

describe.skipIf(skip)('the table of Kubernetes', () => {
  it('is what the script makes of the published documents', () => {
    const modules = [
      'k8s.io/kubernetes@v1.36.3',
      'k8s.io/api@v0.36.3',
      'k8s.io/apiextensions-apiserver@v0.36.3',
      'k8s.io/kube-aggregator@v0.36.3',
    ].map(moduleFolder);
    const script = join(root, 'hub/preview/tools/reduce-kubernetes.ts');
    const folder = dirname(modules[0] ?? '');
    const result = spawnSync('node', [script, folder, '1.36.3', '--check'], { encoding: 'utf8' });
    expect([result.status, result.stderr]).toEqual([0, '']);
  }, 300_000);

  it('finds nothing wrong with objects that have every field', () => {
    const folder = join(moduleFolder('k8s.io/api@v0.36.3'), 'testdata/HEAD');
    const files = readdirSync(folder).filter(
      (name) => name.endsWith('.json') && !name.includes('after_roundtrip'),
    );
    expect(files.length).toBeGreaterThan(100);
    const complaints = files.flatMap((name) => {
      const object = JSON.parse(readFileSync(join(folder, name), 'utf8')) as KubeObject;
      return checkSchema(object, new Map()).map(
        ({ path, message }) => `${name}: ${path.join('.')} ${message}`,
      );
    });
    expect(complaints).toEqual([]);
  });
});

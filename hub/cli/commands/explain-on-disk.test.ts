import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRenderer } from '../../render/renderer.ts';
import { explainOnDisk } from './explain-on-disk.ts';

const application = (name: string, placement: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: {name: ${name}}\nspec: {source: {path: app}, ${placement}: {clusters: [eu-1]}}\n`;

describe('explainOnDisk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairway-explain-'));
    await mkdir(join(folder, 'fleet'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([true, false])(
    'says which file of the fleet cannot be read when an application is not there',
    async (others) => {
      if (others) await writeFile(join(folder, 'fleet/a.yaml'), application('web', 'placement'));
      await writeFile(join(folder, 'fleet/b.yaml'), application('shop', 'placment'));
      const asked = explainOnDisk({
        ...{ application: 'shop', cluster: 'eu-1', object: { kind: 'Service', name: 's' }, field: '' },
        ...{ folder, fleetFolder: 'fleet', revision: undefined },
        tracer: createRenderer({ digestKey: new Uint8Array(32) }),
        remotes: { remoteTree: () => Promise.reject(new Error('not asked for')) },
        signal: new AbortController().signal,
      });
      await expect(asked).rejects.toMatchObject({
        code: 'not_found',
        details: { hint: expect.stringContaining('fleet/b.yaml:4') },
      });
    },
  );
});

/** From Git to the cluster: a Secret that SOPS encrypted, in an overlay that renames and labels it, opened by the agent with a key that only its cluster has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { encryptManifest } from '../../agent/secrets/encrypt.test-support.ts';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';
import { applicationFile, clusterFile } from './hub-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const password = 'velvet-rope-of-the-git-test';
const encoded = Buffer.from(password).toString('base64');
const clusters = ['one', 'two'] as const;

let bed: FleetBed | undefined;

beforeAll(async () => {
  const pairs = await Promise.all(
    clusters.map(async () => {
      const identity = await generateX25519Identity();
      return { identity, recipient: await identityToRecipient(identity) };
    }),
  );
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login' },
    stringData: { password },
  };
  const secret = await encryptManifest(
    manifest,
    pairs.map(({ recipient }) => recipient),
  );
  const overlay = {
    resources: ['../base'],
    namePrefix: 'eu-',
    namespace: 'default',
    labels: [{ pairs: { team: 'a' } }],
  };
  bed = await createFleetBed({
    clusters: [...clusters],
    files: {
      'fleet/clusters.yaml': clusterFile(...clusters),
      'fleet/shop.yaml': applicationFile('shop', 'path: apps/shop/overlay', clusters.join(', ')),
      'apps/shop/base/secret.yaml': stringify(secret),
      'apps/shop/base/kustomization.yaml': 'resources: [secret.yaml]\n',
      'apps/shop/overlay/kustomization.yaml': stringify(overlay),
    },
  });
  if (!bed) return;
  for (const [index, name] of clusters.entries()) {
    bed.kubectl(name, 'create', 'namespace', 'fairway-agent');
    const key = `--from-literal=keys.txt=${pairs[index]?.identity}`;
    bed.kubectl(name, '-n', 'fairway-agent', 'create', 'secret', 'generic', 'fairway-sops-age', key);
  }
  await bed.startHub();
  for (const name of clusters) await bed.startAgent(name);
  await bed.settle(await bed.repository.head(), { placements: 2 });
}, 240_000);

afterAll(() => bed?.close());

describe('a Secret encrypted with SOPS, from Git', () => {
  it('is plain in each cluster that has a key for it, under the name and labels of its overlay', (context) => {
    if (!bed) return context.skip(skipped);
    for (const name of clusters) {
      const live = JSON.parse(bed.kubectl(name, 'get', 'secret', 'eu-login', '-o', 'json').stdout);
      expect([live.data, live.metadata.labels.team]).toEqual([{ password: encoded }, 'a']);
    }
  });

  it('is ciphertext in the hub, whatever one asks it', async (context) => {
    if (!bed) return context.skip(skipped);
    const { api, token } = bed.addresses();
    const text = async (path: string) =>
      (await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${token}` } })).text();
    const asked = await Promise.all(
      [
        '/api/v1/assignments/one/shop/manifests',
        '/api/v1/objects?cluster=one',
        '/api/v1/objects/live?cluster=one&object=/Secret/default/eu-login',
        '/api/v1/applications/shop/clusters/one/adoption',
        '/api/v1/clusters/one/diagnostics',
        '/api/v1/events?limit=500',
      ].map(text),
    );
    const files = readdirSync(bed.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const kept = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
    expect(files.map(({ name }) => name)).toContain('fairway.db');
    for (const hidden of [password, encoded])
      for (const said of [...asked, ...kept, bed.logs()]) expect(said.includes(hidden)).toBe(false);
  });
});

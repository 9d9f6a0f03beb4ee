/** Manifests that the real program sops encrypts, with keys of the real age-keygen: rendered by the hub as ciphertext, opened by the agent's opener. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encryptManifest } from '../../../agent/secrets/encrypt.test-support.ts';
import { createSecretOpener } from '../../../agent/secrets/secret-opener.ts';
import { plainCluster } from '../../../hub/model/cluster.test-support.ts';
import type { Cluster } from '../../../hub/model/fleet.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { createRenderer } from '../../../hub/render/renderer.ts';
import { createFakeClock } from '../../../shared/clock/fake-clock.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { parseExactJson } from '../../../shared/manifest/exact-json.ts';
import { decryptedAnnotation } from '../../../shared/manifest/masking.ts';
import { ensureBinary } from '../../cluster/binaries.ts';

const sops = await ensureBinary('sops');
const keygen = await ensureBinary('age-keygen');

interface Pair {
  /** As age-keygen writes it, with its comments. */
  readonly file: string;
  readonly recipient: string;
}

const folder = mkdtempSync(join(tmpdir(), 'fairway-sops-'));
let own: Pair;
let other: Pair;

function generate(name: string): Pair {
  const path = join(folder, `${name}.agekey`);
  const run = spawnSync(keygen ?? '', ['-o', path], { encoding: 'utf8' });
  expect(run.status, run.stderr).toBe(0);
  return { file: readFileSync(path, 'utf8'), recipient: /age1\w+/.exec(run.stderr)?.[0] ?? '' };
}

beforeAll(() => {
  if (!sops || !keygen) return;
  own = generate('own');
  other = generate('other');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs sops in the folder of the test; fails the test where sops fails. */
function runSops(...args: readonly string[]): string {
  const env = { PATH: process.env['PATH'], HOME: folder, SOPS_AGE_KEY: own.file };
  const run = spawnSync(sops ?? '', args, { encoding: 'utf8', cwd: folder, env });
  expect(run.status, `sops ${args.join(' ')}: ${run.stderr}`).toBe(0);
  return run.stdout;
}

/** @returns the file's text after `sops encrypt` with these options. */
function encrypt(name: string, text: string, ...options: readonly string[]): string {
  writeFileSync(join(folder, name), text);
  const age = options.includes('--age') ? [] : ['--age', own.recipient];
  return runSops('encrypt', ...age, ...options, name);
}

const cluster: Cluster = { ...plainCluster, name: 'eu-1', region: 'eu' };

/** What the hub makes of the files, all ciphertext. */
async function render(files: Readonly<Record<string, string>>) {
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const tree = createMemoryTree(files);
  const renderer = createRenderer({ digestKey: new Uint8Array(32) });
  return renderer.render({ source, cluster, tree });
}

async function renderOne(files: Readonly<Record<string, string>>): Promise<string> {
  const result = await render(files);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  const [object, ...more] = [...result.rendered.objects.values()];
  expect(more).toEqual([]);
  return object?.content ?? '';
}

const openerOf = (...pairs: readonly Pair[]) =>
  createSecretOpener({
    readKeys: async () => new Map(pairs.map(({ file }, index) => [`${index}.agekey`, Buffer.from(file)])),
    namespace: 'fairway-agent',
    clock: createFakeClock(),
    log: silentLogger,
  });

/** What the agent would apply of the one object, without the note of what was decrypted. */
async function open(content: string, ...pairs: readonly Pair[]): Promise<unknown> {
  const opened = parseExactJson(await openerOf(...(pairs.length > 0 ? pairs : [own])).open(content)) as {
    metadata: { annotations?: Record<string, string> };
  };
  const { [decryptedAnnotation]: note, ...annotations } = opened.metadata.annotations ?? {};
  expect(note).toBeDefined();
  const { annotations: _, ...metadata } = opened.metadata;
  return {
    ...opened,
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
  };
}

const secret = `apiVersion: v1
kind: Secret
metadata:
    name: db
    namespace: shop
    labels: {app: shop}
type: Opaque
stringData:
    # who we are
    user: ada
    password: "p: #äöü 😀"
    number: "42"
    empty: ""
    several: |
        -----BEGIN KEY-----
        line two

        line four
    folded: >-
        one
        two
`;
const custom = `apiVersion: example.com/v1
kind: Database
metadata: {name: orders}
spec:
    replicas: 3
    ratio: 0.25
    big: 9007199254740993
    on: true
    off: false
    none: null
    text: "true"
    hosts: [a.example, b.example]
    users:
        - {name: ada, admin: true}
        - {name: bob, admin: false}
    nested: {deep: {deeper: {value: x}}}
`;
const regex = ['--encrypted-regex', '^(data|stringData|spec)$'];

describe.skipIf(!sops || !keygen)('what the program sops encrypts', () => {
  it.each([
    ['a Secret', secret],
    ['values of every type in a custom kind', custom],
  ])('%s is opened as it was, rendered or not', async (_what, text) => {
    const encrypted = encrypt('plain.yaml', text, ...regex);
    expect(encrypted).not.toMatch(/: ada|0\.25/);
    const content = await renderOne({ 'app/plain.yaml': encrypted });
    expect(content).toContain('ENC[AES256_GCM');
    expect(content).not.toContain('hunter');
    const wanted = load(text) as { spec?: { big?: unknown } };
    const opened = (await open(content)) as { spec?: { big?: unknown } };
    if (wanted.spec) {
      // js-yaml has lost its last digit.
      expect(String(opened.spec?.big)).toBe('9007199254740993');
      wanted.spec.big = opened.spec?.big;
    }
    expect(opened).toEqual(wanted);
    // What sops itself says of it.
    writeFileSync(join(folder, 'plain.enc.yaml'), encrypted);
    expect(load(runSops('decrypt', 'plain.enc.yaml'))).toEqual(load(text));
  });

  it('JSON is opened as it was', async () => {
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'json' },
      data: { 'a.conf': 'x = 1\ny = "2"\n', b: 'z' },
    });
    const encrypted = encrypt('object.json', text, '--encrypted-regex', '^data$');
    expect(await open(await renderOne({ 'app/object.json': encrypted }))).toEqual(JSON.parse(text));
    const listed = { 'app/object.json': encrypted, 'app/kustomization.yaml': 'resources: [object.json]\n' };
    expect(await open(await renderOne(listed))).toEqual(JSON.parse(text));
  });

  it('goes through names, namespaces and labels of kustomize, though the MAC no longer holds', async () => {
    const encrypted = encrypt('moved.yaml', secret, ...regex);
    const content = await renderOne({
      'app/kustomization.yaml':
        'resources: [moved.yaml]\nnamePrefix: eu-\nnamespace: far\nlabels: [{pairs: {team: a}}]\n',
      'app/moved.yaml': encrypted,
    });
    const plain = load(secret) as { metadata: Record<string, unknown> };
    expect(await open(content)).toEqual({
      ...plain,
      metadata: { ...plain.metadata, name: 'eu-db', namespace: 'far', labels: { app: 'shop', team: 'a' } },
    });
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, content);
    const env = { PATH: process.env['PATH'], SOPS_AGE_KEY: own.file };
    const run = spawnSync(sops ?? '', ['decrypt', broken], { encoding: 'utf8', env });
    expect(run.stderr).toContain('MAC mismatch');
  });

  it.each([
    ['a suffix that says what is encrypted', ['--encrypted-suffix', 'Data']],
    ['an expression of what is not', ['--unencrypted-regex', '^(apiVersion|kind|metadata|type)$']],
  ])('with %s', async (_what, options) => {
    const text = secret.replace('    # who we are\n', '');
    expect(await open(await renderOne({ 'app/a.yaml': encrypt('a.yaml', text, ...options) }))).toEqual(
      load(text),
    );
  });

  it('with a MAC over encrypted values only', async () => {
    writeFileSync(
      join(folder, 'mac.yaml'),
      `creation_rules: [{encrypted_regex: ^stringData$, mac_only_encrypted: true, age: ${own.recipient}}]\n`,
    );
    writeFileSync(join(folder, 'only.yaml'), secret);
    const encrypted = runSops('--config', 'mac.yaml', 'encrypt', 'only.yaml');
    expect(encrypted).toContain('mac_only_encrypted: true');
    expect(await open(await renderOne({ 'app/a.yaml': encrypted }))).toEqual(load(secret));
  });

  it.each([
    ['nothing that says what to leave', []],
    ['a suffix of what is not encrypted', ['--unencrypted-suffix', '_plain']],
  ])('with %s encrypts the names too, and is refused by what to do instead', async (_what, options) => {
    const encrypted = encrypt('names.yaml', secret, ...options);
    const result = await render({ 'app/names.yaml': encrypted });
    expect(result.ok).toBe(false);
    if (!result.ok)
      expect(result.problems[0]).toMatchObject({
        file: 'app/names.yaml',
        field: 'apiVersion',
        message: expect.stringContaining('SOPS has encrypted what says which object this is'),
      });
    await expect(openerOf(own).open(JSON.stringify(load(encrypted)))).rejects.toThrow(
      /is encrypted: what names an object must be readable; encrypt with --encrypted-regex/,
    );
  });

  it('is opened by each of several recipients, and by nobody else', async () => {
    const both = encrypt('both.yaml', secret, '--age', `${own.recipient},${other.recipient}`, ...regex);
    const content = await renderOne({ 'app/both.yaml': both });
    expect(await open(content, other)).toEqual(load(secret));
    expect(await open(content, own)).toEqual(load(secret));
    const mine = await renderOne({ 'app/mine.yaml': encrypt('mine.yaml', secret, ...regex) });
    await expect(openerOf(other).open(mine)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: `it is encrypted with SOPS for ${own.recipient}, and this cluster has other age keys (1) in Secret fairway-agent/fairway-sops-age`,
    });
  });

  it('is opened after sops has changed a value, and after it has turned the data key', async () => {
    writeFileSync(join(folder, 'edited.yaml'), encrypt('edit.yaml', secret, ...regex));
    runSops('set', 'edited.yaml', '["stringData"]["user"]', '"grace"');
    const edited = secret.replace('user: ada', 'user: grace');
    const before = readFileSync(join(folder, 'edited.yaml'), 'utf8');
    expect(await open(await renderOne({ 'app/a.yaml': before }))).toEqual(load(edited));
    runSops('rotate', '--in-place', 'edited.yaml');
    const after = readFileSync(join(folder, 'edited.yaml'), 'utf8');
    expect(after).not.toBe(before);
    expect(await open(await renderOne({ 'app/a.yaml': after }))).toEqual(load(edited));
  });

  it('is refused when values have been exchanged', async () => {
    const encrypted = encrypt('swap.yaml', secret, ...regex);
    const [user = ''] = /(?<=user: )ENC\[.*\]/.exec(encrypted) ?? [];
    const [password = ''] = /(?<=password: )ENC\[.*\]/.exec(encrypted) ?? [];
    const swapped = encrypted.replace(user, '@').replace(password, user).replace('@', password);
    const content = await renderOne({ 'app/swap.yaml': swapped });
    await expect(openerOf(own).open(content)).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringMatching(
        /^\/stringData\/\w+ was changed, moved or renamed after SOPS encrypted it$/,
      ),
    });
  });

  it('for groups of keys (Shamir) is refused by name', async () => {
    writeFileSync(
      join(folder, 'groups.yaml'),
      `creation_rules:\n  - encrypted_regex: ^stringData$\n    shamir_threshold: 2\n    key_groups:\n      - age: [${own.recipient}]\n      - age: [${other.recipient}]\n`,
    );
    writeFileSync(join(folder, 'shared.yaml'), secret);
    const encrypted = runSops('--config', 'groups.yaml', 'encrypt', 'shared.yaml');
    const content = await renderOne({ 'app/shared.yaml': encrypted });
    await expect(openerOf(own, other).open(content)).rejects.toMatchObject({
      code: 'unsupported',
      message:
        'it is encrypted with SOPS for groups of keys (key_groups): encrypt it for age recipients alone',
    });
  });

  it.each([
    ['dotenv', 'settings.env', 'PASSWORD=hunter2\nUSER=ada\n', 'envs: [settings.env]'],
    ['binary', 'blob.bin', 'hunter2\u0000\u0001', 'files: [blob.bin]'],
    ['INI', 'app.ini', '[db]\npassword = hunter2\n', 'files: [app.ini]'],
  ])(
    'a generator of an encrypted %s file is refused: nobody opens it before it is rendered',
    async (type, name, text, from) => {
      const encrypted = encrypt(name, text, '--input-type', type.toLowerCase());
      expect(encrypted).not.toContain('hunter2');
      const result = await render({
        'app/kustomization.yaml': `secretGenerator: [{name: s, ${from}}]\n`,
        [`app/${name}`]: encrypted,
      });
      expect(result.ok).toBe(false);
      if (!result.ok) expect(result.problems[0]?.message).toMatch(/SOPS/);
    },
  );

  it('has the form that our tests make themselves', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'ours' },
      stringData: { a: 'x', n: 3 },
    };
    writeFileSync(
      join(folder, 'ours.json'),
      JSON.stringify(await encryptManifest(manifest, [own.recipient])),
    );
    expect(JSON.parse(runSops('decrypt', '--ignore-mac', 'ours.json'))).toEqual(manifest);
  });
});

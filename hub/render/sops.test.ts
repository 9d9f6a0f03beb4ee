import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { Cluster } from '../model/fleet.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';
import { findBroken, isSealed } from './sops.ts';
import { isSopsFile } from './sops-file.ts';

const cluster: Cluster = {
  ...{ name: 'c', labels: {}, region: '', role: 'none', variables: {}, kubernetesVersion: '', paused: false },
  origin: { file: '', line: 0, commit: '' },
};
const cipher = (text: string) => `ENC[AES256_GCM,data:${btoa(text)},iv:aXY=,tag:dGFn,type:str]`;
const block = `sops:
    age:
        - recipient: age1qqqq
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdl
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-21T10:00:00Z"
    mac: ${cipher('mac')}
    encrypted_regex: ^(data|stringData)$
    version: 3.11.0
`;
const secret = `apiVersion: v1
kind: Secret
metadata:
    name: db
stringData:
    password: ${cipher('password')}
    user: ${cipher('user')}
${block}`;
const plain = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {user: app}\n';

const render = async (kustomization: string, more: Readonly<Record<string, string>> = {}) => {
  const tree = createMemoryTree({
    'app/kustomization.yaml': `resources: [db.yaml, settings.yaml]\n${kustomization}`,
    'app/db.yaml': secret,
    'app/settings.yaml': plain,
    ...more,
  });
  const source = { repository: '', ref: '', path: 'app', overlays: [] };
  const result = await createRenderer({ digestKey: new Uint8Array(32) }).render({ source, cluster, tree });
  if (!result.ok) return result.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  return [...result.rendered.objects.values()].map(({ content }) => JSON.parse(content) as KubeObject);
};
const sealedOf = async (kustomization: string) =>
  (await render(kustomization)).find((one): one is KubeObject => typeof one !== 'string' && isSealed(one));

describe('an object that SOPS has encrypted', () => {
  it('keeps its values and its block through what a kustomization does to all', async () => {
    const before = await sealedOf('');
    const after = await sealedOf(
      'namespace: shop\nnamePrefix: p-\nnameSuffix: -s\ncommonAnnotations: {a: b}\nlabels: [{pairs: {l: v}}]\n' +
        'patches:\n- target: {kind: Secret}\n  patch: \'[{"op": "add", "path": "/metadata/labels", "value": {"c": "d"}}]\'\n',
    );
    expect(after?.metadata).toMatchObject({
      name: 'p-db-s',
      namespace: 'shop',
      annotations: { a: 'b' },
      labels: { c: 'd', l: 'v' },
    });
    expect(after).toMatchObject({ stringData: before?.['stringData'], sops: before?.['sops'] });
  });

  const json = (...operations: readonly object[]) => JSON.stringify(JSON.stringify(operations));
  const remove = { op: 'remove', path: '/stringData/user' };
  const merge = (rest: string) =>
    JSON.stringify(`{apiVersion: v1, kind: Secret, metadata: {name: db}, ${rest}}`);
  const plugin = {
    apiVersion: 'builtin',
    kind: 'PatchTransformer',
    metadata: { name: 't' },
    target: { kind: 'Secret' },
  };

  it.each([
    ['a merge', `patches: [{patch: ${merge('stringData: {user: me}')}}]`, 'stringData.user'],
    ['an addition', `patches: [{patch: ${merge('data: {more: eA==}')}}]`, 'data.more'],
    ['a removal', `patches: [{target: {name: db}, patch: ${json(remove)}}]`, 'stringData.user'],
    [
      'a move',
      `patches: [{target: {name: db}, patch: ${json({ op: 'move', from: '/stringData/user', path: '/stringData/login' })}}]`,
      'stringData.user',
    ],
    [
      'another block',
      `patches: [{target: {name: db}, patch: ${json({ op: 'replace', path: '/sops/mac', value: 'x' })}}]`,
      'sops',
    ],
    ['no block', `patches: [{target: {name: db}, patch: ${json({ op: 'remove', path: '/sops' })}}]`, 'sops'],
    ['an older merge', `patchesStrategicMerge: [${merge('stringData: {user: null}')}]`, 'stringData.user'],
    [
      'an older JSON patch',
      `patchesJson6902: [{target: {version: v1, kind: Secret, name: db}, patch: ${json(remove)}}]`,
      'stringData.user',
    ],
    [
      'a replacement',
      'replacements: [{source: {kind: ConfigMap, fieldPath: data.user}, targets: [{select: {kind: Secret}, fieldPaths: [stringData.user]}]}]',
      'stringData.user',
    ],
    [
      'a transformer',
      `transformers: [${JSON.stringify(JSON.stringify({ ...plugin, patch: JSON.stringify([remove]) }))}]`,
      'stringData.user',
    ],
  ])('is not changed by %s', async (_name, kustomization, path) => {
    const [said] = await render(kustomization);
    expect(said).toMatch(/^app\/kustomization.yaml:2: /);
    expect(said).toContain(`this changes ${path} of Secret db (app/db.yaml:1)`);
  });

  it('gives no value of it to another object', async () => {
    const copy =
      'replacements: [{source: {kind: Secret, fieldPath: stringData.user}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.user]}]}]';
    expect(await render(copy)).toEqual([
      expect.stringContaining('puts a value that SOPS has encrypted into ConfigMap settings'),
    ]);
  });

  it('may be taken out', async () => {
    const removal =
      'patches: [{patch: "{$patch: delete, apiVersion: v1, kind: Secret, metadata: {name: db}}"}]';
    expect(await render(removal)).toEqual([expect.objectContaining({ kind: 'ConfigMap' })]);
  });

  it('is no patch, and nothing is generated into it', async () => {
    const patch = secret.replace('name: db', 'name: settings').replace('kind: Secret', 'kind: ConfigMap');
    expect(await render('patches: [{path: patch.yaml}]\n', { 'app/patch.yaml': patch })).toEqual([
      expect.stringMatching(/^app\/patch.yaml:1: the patch is encrypted with SOPS/),
    ]);
    expect(await render('secretGenerator: [{name: db, behavior: merge, literals: [a=b]}]\n')).toEqual([
      expect.stringContaining('nothing can be generated into it'),
    ]);
  });

  it('says what it is', async () => {
    const whole = secret.replace('kind: Secret', `kind: ${cipher('Secret')}`);
    expect(await render('', { 'app/db.yaml': whole })).toEqual([
      expect.stringMatching(/^app\/db.yaml:1: SOPS has encrypted what says which object this is/),
    ]);
  });
});

describe('findBroken', () => {
  const object = (more: Record<string, unknown>, rules: Record<string, unknown>) =>
    ({
      apiVersion: 'v1',
      kind: 'Foo',
      metadata: { name: 'f' },
      ...more,
      sops: { mac: 'm', ...rules },
    }) as unknown as KubeObject;

  it('goes by the rules of the block', () => {
    const cases: readonly (readonly [Record<string, unknown>, string | undefined])[] = [
      [{ encrypted_regex: '^spec$' }, 'spec.note'],
      [{ encrypted_regex: '^data$' }, undefined],
      [{ encrypted_suffix: '_secret' }, undefined],
      [{ unencrypted_regex: '^note$' }, undefined],
      [{ unencrypted_regex: '^other$' }, 'spec.note'],
      [{ unencrypted_suffix: 'note' }, undefined],
    ];
    for (const [rules, broken] of cases)
      expect(findBroken(object({ spec: {} }, rules), object({ spec: { note: 'plain' } }, rules))).toBe(
        broken,
      );
  });

  it('takes a list in another order for the same, since the index is not sealed in', () => {
    const rules = { encrypted_regex: '^keys$' };
    const [one, other] = [cipher('a'), cipher('b')];
    expect(
      findBroken(object({ keys: [one, other] }, rules), object({ keys: [other, one] }, rules)),
    ).toBeUndefined();
  });
});

describe('isSopsFile', () => {
  const mac = cipher('mac');
  it.each([
    ['YAML', `a: ${cipher('x')}\nsops:\n  version: 3.11.0\n  mac: ${mac}\n`],
    ['JSON', JSON.stringify({ a: cipher('x'), sops: { mac } })],
    ['JSON of any content', JSON.stringify({ data: cipher('x'), sops: { mac } }, null, '\t')],
    ['dotenv', `A=${cipher('x')}\nsops_mac=${mac}\nsops_version=3.11.0\n`],
    ['INI', `[main]\na = ${cipher('x')}\n\n[sops]\nmac = ${mac}\nversion = 3.11.0\n`],
  ])('knows %s', async (_name, text) => {
    expect(isSopsFile(new TextEncoder().encode(text))).toBe(true);
    for (const field of ['files: [f]', 'files: [k=f]', 'envs: [f]', 'env: f'])
      for (const generator of ['secretGenerator', 'configMapGenerator'])
        expect(await render(`${generator}:\n- name: g\n  ${field}\n`, { 'app/f': text })).toEqual([
          expect.stringMatching(/^app\/kustomization.yaml:3: "f" is encrypted with SOPS/),
        ]);
  });

  it.each([
    ['what speaks of it', 'sops: see the handbook\nmac: address\n'],
    ['a program', '#!/bin/sh\nsops --decrypt x | grep "ENC["\n'],
    ['settings of SOPS', 'creation_rules:\n- encrypted_regex: ^data$\n'],
    ['nothing', ''],
  ])('does not take %s for one', (_name, text) => {
    expect(isSopsFile(new TextEncoder().encode(text))).toBe(false);
  });
});

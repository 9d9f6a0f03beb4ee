import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../shared/manifest/object.ts';
import { plainCluster as cluster } from '../model/cluster.test-support.ts';
import { createMemoryTree } from './memory-tree.ts';
import { createRenderer } from './renderer.ts';
import { findBroken, isSealed } from './sops.ts';
import { isSopsFile } from './sops-file.ts';

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

  it('takes no plain value where its block says that values are encrypted', async () => {
    expect(await render(`patches: [{patch: ${merge('data: {more: eA==}')}}]`)).toEqual([
      expect.stringContaining(
        'this sets data.more of Secret db (app/db.yaml:1) in plain text, where its sops block says',
      ),
    ]);
  });

  it('is broken by the entry that is named', async () => {
    const target = 'target: {version: v1, kind: Secret, name: db}';
    const harmless = json({ op: 'add', path: '/metadata/labels', value: { a: 'b' } });
    const cases = [
      `patchesStrategicMerge:\n- ${merge('type: a')}\n- ${merge('data: {more: eA==}')}\n`,
      `patchesJson6902:\n- {${target}, patch: ${harmless}}\n- {${target}, patch: ${json(remove)}}\n`,
      'replacements:\n- {sourceValue: a, targets: [{select: {name: settings}, fieldPaths: [data.user]}]}\n' +
        '- {sourceValue: a, targets: [{select: {name: db}, fieldPaths: [stringData.user]}]}\n',
      `transformers:\n- ${JSON.stringify(JSON.stringify({ ...plugin, patch: JSON.stringify([{ op: 'add', path: '/metadata/labels', value: {} }]) }))}\n` +
        `- ${JSON.stringify(JSON.stringify({ ...plugin, patch: JSON.stringify([remove]) }))}\n`,
    ];
    for (const text of cases)
      expect(await render(text), text).toEqual([expect.stringMatching(/^app\/kustomization.yaml:4: /)]);
    const rules = secret.replace('^(data|stringData)$', '^(data|stringData|labels)$');
    expect(await render('namePrefix: p-\ncommonLabels: {a: b}\n', { 'app/db.yaml': rules })).toEqual([
      expect.stringMatching(/^app\/kustomization.yaml:3: this sets metadata.labels.a of Secret (?:p-)?db/),
    ]);
  });

  it('is no value of a var', async () => {
    const text =
      'vars:\n- {name: PW, objref: {apiVersion: v1, kind: Secret, name: db}, fieldref: {fieldPath: stringData.password}}\n';
    expect(await render(text)).toEqual([
      'app/kustomization.yaml:3: the var PW names a value that SOPS has encrypted (stringData.password of Secret db): it is opened in the cluster only, and nowhere else',
    ]);
    expect(await render(text.replace('stringData.password', 'metadata.name'))).toHaveLength(2);
  });

  it('gives no part of a value away', async () => {
    const copy =
      'replacements: [{source: {kind: Secret, fieldPath: stringData.user, options: {delimiter: ",", index: 1}}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.user]}]}]';
    expect(await render(copy)).toEqual([expect.stringContaining('cannot be taken apart')]);
  });

  it('is no list, whose items would come without the block', async () => {
    const item = secret.slice(0, secret.indexOf('sops:')).replace(/^/gm, '  ');
    const list = `apiVersion: v1\nkind: List\nitems:\n-${item.slice(1).trimEnd()}\n${block}`;
    expect(await render('', { 'app/db.yaml': list })).toEqual([
      expect.stringMatching(/^app\/db.yaml:1: SOPS has encrypted this List as one/),
    ]);
  });

  it('is not applied as it is written when its block was lost, unless it says so', async () => {
    const lost = secret.replace(block, '');
    expect(await render('', { 'app/db.yaml': lost })).toEqual([
      expect.stringMatching(
        /^app\/db.yaml:1: SOPS has encrypted this value, but its object has no sops block/,
      ),
    ]);
    const own = lost.replace('name: db', 'name: db\n    annotations: {fairway.dev/sops: disabled}');
    expect(await render('', { 'app/db.yaml': own })).toHaveLength(2);
    const asText = {
      'app/db.yaml': plain.replace('settings', 'db').replace('app}', '"a: ENC[AES256_GCM,data:x]"}'),
    };
    expect(await render('', asText)).toHaveLength(2);
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
    const noted = secret.replace('name: db', `name: db\n    annotations: {a: "${cipher('a')}"}`);
    for (const text of [whole, noted])
      expect(await render('', { 'app/db.yaml': text })).toEqual([
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
      // As Go spells flags; what it alone can read; comments, which are gone.
      [{ encrypted_regex: '(?i)^SPEC$' }, 'spec.note'],
      [{ encrypted_regex: '(?i)^data$' }, undefined],
      [{ encrypted_regex: '\\Qdata\\E(?P<x>y)?' }, undefined],
      [{ encrypted_comment_regex: 'secret' }, undefined],
    ];
    for (const [rules, broken] of cases)
      expect(findBroken(object({ spec: {} }, rules), object({ spec: { note: 'plain' } }, rules))?.path).toBe(
        broken,
      );
  });

  it('comes to an end with an expression that would try for ever, and leaves one that Go does not have', () => {
    const long = `${'a'.repeat(300)}b`;
    const brokenBy = (rules: Record<string, unknown>, key: string) =>
      findBroken(object({}, rules), object({ [key]: 'plain' }, rules))?.path;
    expect(brokenBy({ encrypted_regex: '((a+))+c' }, long)).toBeUndefined();
    expect(brokenBy({ encrypted_regex: '((a+))+b' }, long)).toBe(long);
    expect(brokenBy({ encrypted_regex: '(a|a)*c' }, 'a'.repeat(2_000))).toBeUndefined();
    expect(brokenBy({ encrypted_regex: '(a+)+b' }, long)).toBe(long);
    for (const left of ['(?=a)', 'a'.repeat(600)])
      expect(brokenBy({ encrypted_regex: left }, long), left).toBeUndefined();
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

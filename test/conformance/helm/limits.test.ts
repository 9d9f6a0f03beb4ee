/** What a chart may not do: differ from run to run, take for ever, read or call anything outside itself. With the real helm. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HelmRequest, HelmRunner } from '../../../hub/render/helm/helm-runner.ts';
import { createMemoryTree } from '../../../hub/render/memory-tree.ts';
import { cluster, type Files, helmSource, newRenderer, newRunner, program, renderOurs } from './bed.ts';
import { archive, chart, configMap } from './charts.ts';

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'fairway-limits-'));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

async function failure(files: Files, helm = {}, options = {}): Promise<string> {
  const renderer = newRenderer({ helm: newRunner({ temporary, ...options }) });
  const outcome = await renderOurs(files, helm, cluster, renderer);
  // Whatever happened, nothing is left behind.
  expect(readdirSync(temporary)).toEqual([]);
  return 'failure' in outcome ? outcome.failure : '';
}

const one = (data: string, more: Files = {}): Files =>
  chart({ 'templates/a.yaml': configMap('a', data), ...more });

describe.skipIf(program === undefined)('charts that hang on chance or time', () => {
  it.each([
    ['{{ randAlphaNum 10 }}'],
    ['{{ uuidv4 }}'],
    ['{{ now | date "2006-01-02" }}'],
    ['{{ now.Year }}'],
    ['{{ (now).Unix }}'],
    ['{{ date "15:04" now }}'],
    ['{{ htpasswd "a" "b" }}'],
    ['"{{ shuffle "abcdefghijklmnopqrstuvwxyz" }}"'],
    ['{{ ago (toDate "2006-01-02" "2020-01-01") }}'],
    ['{{ tpl .Values.template . }}'],
  ])('are refused: %s', async (expression) => {
    const said = await failure(one(`  v: ${expression}\n`, { 'values.yaml': 'template: "{{ now }}"\n' }));
    expect(said).toContain(
      'app/chart/templates/a.yaml: data.v: ConfigMap a is another each time the chart is rendered',
    );
  });

  it('are refused for a certificate in a Secret, without a word of it', async () => {
    const secret =
      'apiVersion: v1\nkind: Secret\nmetadata: {name: tls}\ndata:\n  crt: {{ (genSelfSignedCert "a" nil nil 1).Cert | b64enc }}\n';
    const said = await failure(chart({ 'templates/tls.yaml': secret }));
    expect(said).toBe(
      'app/chart/templates/tls.yaml: data.crt: Secret tls is another each time the chart is rendered (a random value, or the time): every render would roll out anew; state the value',
    );
  });

  it('are let be when the output is the same all the same', async () => {
    const harmless =
      '  v: {{ $_ := now }}{{ $now := "x" }}{{ $now }} {{ "now" }} {{ .Values.now }} {{/* now */}}\n';
    expect(await failure(one(harmless, { 'values.yaml': 'now: y\n' }))).toBe('');
  });
});

describe.skipIf(program === undefined)('limits of a run', () => {
  it('ends what takes too long', async () => {
    const endless = '{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n';
    const said = await failure(chart({ 'templates/a.yaml': endless }), {}, { timeoutMs: 1_000 });
    expect(said).toBe('app/chart: helm template took longer than 1 s and was ended');
  });

  it('ends what takes too much memory', async () => {
    const greedy =
      '{{ $x := list }}{{ range until 100000000 }}{{ $x = append $x (list 1 2 3 4 5 6 7 8) }}{{ end }}\n';
    const said = await failure(
      chart({ 'templates/a.yaml': greedy }),
      {},
      { memoryBytesMax: 256 * 1024 * 1024 },
    );
    expect(said).toBe('app/chart: helm template took more than 268435456 bytes of memory, or crashed');
  });

  it('ends what writes too much', async () => {
    const said = await failure(one('  v: {{ repeat 100000 "x" }}\n'), {}, { outputBytesMax: 10_000 });
    expect(said).toBe('app/chart: helm template wrote more than 10000 bytes and was ended');
  });

  it('stops when it is told to', async () => {
    const endless = '{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n';
    const renderer = newRenderer({ helm: newRunner({ temporary }) });
    const tree = createMemoryTree(chart({ 'templates/a.yaml': endless }));
    const running = renderer.render({ source: helmSource(), cluster, tree }, AbortSignal.timeout(700));
    await expect(running).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe.skipIf(program === undefined)('nothing outside the chart', () => {
  it('is called by a values schema', async () => {
    let calls = 0;
    const server = createServer((_request, response) => {
      calls += 1;
      response.end('true');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/schema.json`;
    const schema = JSON.stringify({ properties: { a: { $ref: url } } });
    try {
      for (const files of [
        one('  v: x\n', { 'values.schema.json': schema }),
        one('  v: x\n', {
          'charts/sub-1.0.0.tgz': archive('sub', {
            'Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
            'values.schema.json': schema,
          }),
        }),
      ])
        expect(await failure(files)).toContain('is another document, and nothing outside the chart is read');
      expect(calls).toBe(0);
    } finally {
      server.close();
    }
  });

  it('is read by a values schema', async () => {
    for (const target of ['file:///etc/hostname', '/etc/hostname', '../secret.json', 'secret.json']) {
      const schema = JSON.stringify({ allOf: [{ $ref: target }] });
      expect(await failure(one('  v: x\n', { 'values.schema.json': schema }))).toContain(
        `app/chart/values.schema.json: allOf.0.$ref: ${JSON.stringify(target)} is another document`,
      );
    }
  });

  it('is read by way of a symbolic link that leaves the repository; one within it is followed', async () => {
    const out = one('  v: x\n', { 'templates/b.yaml': { link: '../../../../etc/passwd' } });
    expect(await failure(out)).toContain(
      'app/chart/templates/b.yaml: a symbolic link that leads out of the repository',
    );
    const absolute = one('  v: x\n', { 'templates/b.yaml': { link: '/etc/passwd' } });
    expect(await failure(absolute)).toContain('leads out of the repository');
    const endless = one('  v: x\n', { 'templates/loop': { link: '..' } });
    expect(await failure(endless)).toContain('a symbolic link to a folder it lies in');
    const inside: Files = {
      ...one('  v: x\n', { 'templates/b.yaml': { link: '../../shared/b.yaml' } }),
      'app/shared/b.yaml': configMap('shared', '  v: x\n'),
    };
    const rendered = await renderOurs(inside);
    expect('documents' in rendered && rendered.documents).toHaveLength(2);
  });

  it('is written or read by a path in an archive', async () => {
    const files = one('  v: x\n', { 'charts/sub-1.0.0.tgz': archive('..', { '../../x': 'y' }) });
    expect(await failure(files)).toContain('an archive with a path that leads out of it');
    const linked = one('  v: x\n', {
      'charts/sub-1.0.0.tgz': archive('sub', { 'Chart.yaml': '', 'templates/passwd.yaml': '' }, '2'),
    });
    const rendered = await renderOurs(linked);
    expect('documents' in rendered && rendered.documents).toHaveLength(1);
  });

  it('comes with the environment: a private folder, and nothing that the hub knows', async () => {
    const spy = join(temporary, 'helm');
    writeFileSync(
      spy,
      '#!/bin/sh\n[ "$1" = version ] && echo spy && exit 0\n/usr/bin/env >&2; /usr/bin/stat -c "mode %a" . >&2; exit 1\n',
    );
    chmodSync(spy, 0o755);
    expect(statSync(spy).isFile()).toBe(true);
    process.env['FAIRWAY_TEST_SECRET'] = 'hunter2';
    const runner = newRunner({ binary: spy, temporary });
    const request: HelmRequest = {
      chart: new Map(),
      valueFiles: [],
      releaseName: 'r',
      namespace: 'n',
      kubeVersion: '',
      apiVersions: [],
      includeCrds: true,
      skipTests: true,
      skipHooks: false,
    };
    const outcome = await runner.template(request);
    const said = outcome.ok ? '' : outcome.message;
    expect(said).toContain('mode 700');
    expect(said).not.toContain('hunter2');
    expect(said).toContain('HTTPS_PROXY=http://127.0.0.1:9');
    delete process.env['FAIRWAY_TEST_SECRET'];
  });
});

describe.skipIf(program === undefined)('what is said and remembered', () => {
  it('tells to vendor a missing dependency', async () => {
    const files = chart({ 'templates/a.yaml': '' }, 'dependencies:\n- {name: redis, version: 1.0.0}\n');
    expect(await failure(files)).toBe(
      'app/chart/Chart.yaml: dependencies[0]: the chart redis is not in charts/: run "helm dependency build app/chart" and commit what it puts there',
    );
  });

  it('names the template of an error, and value files by their own names', async () => {
    expect(await failure(chart({ 'templates/a.yaml': '{{ fail "no size" }}' }))).toContain(
      'demo/templates/a.yaml:1:3',
    );
    const files = { ...one('  v: x\n'), 'app/v.yaml': 'a: [' };
    const said = await failure(files, { valueFiles: ['v.yaml'] });
    expect(said).toContain('app/v.yaml');
    expect(said).not.toContain(temporary);
  });

  it('needs value files whose names have no variable, and refuses encrypted ones', async () => {
    expect(await failure(one('  v: x\n'), { valueFiles: ['nope.yaml'] })).toContain(
      'there is no file app/nope.yaml',
    );
    expect(await failure(one('  v: x\n'), { valueFiles: ['{{cluster.labels.nope}}.yaml'] })).toContain(
      'has no value for {{cluster.labels.nope}}',
    );
    const files = { ...one('  v: x\n'), 'app/v.yaml': 'a: ENC[x]\nsops:\n  mac: y\n' };
    expect(await failure(files, { valueFiles: ['v.yaml'] })).toContain('encrypted with SOPS');
  });

  it('says what to do where there is no helm', async () => {
    expect(await failure(one('  v: x\n'), {}, { binary: 'helm-of-nowhere' })).toBe(
      'spec.source.helm: the helm program is not there: install Helm 4 on the PATH of the hub, or name it by helm.binary in its configuration',
    );
  });

  it('seals Secrets and maps hooks and weights', async () => {
    const secret = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ .Values.p }}}\n`;
    const hook = (name: string, hooks: string) =>
      configMap(name, '  v: x\n', `    helm.sh/hook: ${hooks}\n    helm.sh/hook-weight: "-5"\n`);
    const tree = createMemoryTree(
      chart({
        'values.yaml': 'p: hunter2\n',
        'templates/s.yaml': secret,
        'templates/pre.yaml': hook('pre', 'pre-install, pre-upgrade'),
        'templates/post.yaml': hook('post', 'post-upgrade,post-rollback'),
        'templates/gone.yaml': hook('gone', 'pre-delete'),
        'templates/test.yaml': hook('test', 'test'),
      }),
    );
    const result = await newRenderer().render({ source: helmSource(), cluster, tree });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { set, objects } = result.rendered;
    const shown = set.entries.map(({ key, hook: phase, wave }) => [key.name, phase, wave]);
    expect(shown.sort()).toEqual([
      ['post', 'post-sync', -5],
      ['pre', 'pre-sync', -5],
      ['s', undefined, 0],
    ]);
    expect([...objects.values()].filter((object) => object.secret)).toHaveLength(1);
    expect(await failure(chart({ 'templates/a.yaml': hook('a', 'pre-install,post-install') }))).toContain(
      'a hook both before and after',
    );
  });

  it('runs equal inputs once, and again for another chart, value, version or Kubernetes', async () => {
    const real = newRunner();
    let runs = 0;
    let version = 'one';
    const counting: HelmRunner = {
      version: async () => version,
      template: (request, signal) => {
        runs += 1;
        return real.template(request, signal);
      },
    };
    const renderer = newRenderer({ helm: counting });
    const files = { ...one('  v: {{ .Values.r }}\n'), 'app/eu.yaml': 'r: eu\n', 'app/us.yaml': 'r: us\n' };
    const source = helmSource({ valueFiles: ['{{cluster.region}}.yaml'] });
    const render = async (of: Partial<typeof cluster>, from: Files = files) => {
      const tree = createMemoryTree(from);
      const result = await renderer.render({ source, cluster: { ...cluster, ...of }, tree });
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      return result.rendered;
    };
    const first = await render({ name: 'a' });
    for (let index = 0; index < 50; index += 1) expect(await render({ name: `c${index}` })).toBe(first);
    expect(runs).toBe(2);
    await render({ region: 'us' });
    await render({ kubernetesVersion: '1.35.0' });
    await render({}, { ...files, 'app/chart/templates/b.yaml': configMap('b', '  v: x\n') });
    expect(runs).toBe(8);
    // Asked anew for each commit.
    version = 'two';
    await render({ name: 'a' });
    expect(runs).toBe(10);
  });

  it('runs a chart that fails once for all clusters', async () => {
    let runs = 0;
    const failing: HelmRunner = {
      version: async () => 'v',
      template: async () => {
        runs += 1;
        return { ok: false, reason: 'failed', message: 'helm template: no' };
      },
    };
    const renderer = newRenderer({ helm: failing });
    for (const name of ['a', 'b', 'c'])
      expect(await renderOurs(one('  v: x\n'), {}, { ...cluster, name }, renderer)).toHaveProperty('failure');
    // The second is that with another clock.
    expect(runs).toBe(2);
  });

  it('lets a chart run into a limit once a commit, whatever the values', async () => {
    let runs = 0;
    const slow: HelmRunner = {
      version: async () => 'v',
      template: async () => {
        runs += 1;
        return { ok: false, reason: 'timeout', message: 'too long' };
      },
    };
    const renderer = newRenderer({ helm: slow });
    const files = { ...one('  v: x\n'), 'app/a.yaml': 'a: 1\n', 'app/b.yaml': 'a: 2\n' };
    const source = helmSource({ valueFiles: ['{{cluster.name}}.yaml'] });
    const tree = createMemoryTree(files);
    for (const name of ['a', 'b', 'c']) {
      const result = await renderer.render({ source, cluster: { ...cluster, name }, tree });
      expect(!result.ok && result.problems[0]!.message).toBe('too long');
    }
    expect(runs).toBe(2);
    await renderer.render({ source, cluster, tree: createMemoryTree(files) });
    expect(runs).toBe(4);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runFairway } from '../run-fairway.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-write-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function writeFleet(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const head = 'apiVersion: fairway.dev/v1alpha1\n';
const clusterFile = (name: string, region: string) =>
  `${head}kind: Cluster\nmetadata: {name: ${name}}\nspec: {region: ${region}}\n`;
const applicationFile = (name: string) =>
  `${head}kind: Application\nmetadata: {name: ${name}}\nspec:\n  source: {path: ${name}, overlays: ["{{cluster.region}}"]}\n  placement: {clusters: [one, two, three]}\n`;
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

const fleet = {
  'fleet/one.yaml': clusterFile('one', 'eu'),
  'fleet/two.yaml': clusterFile('two', 'us'),
  'fleet/three.yaml': clusterFile('three', 'eu'),
  'fleet/web.yaml': applicationFile('web'),
  'web/eu/a.yaml': `${configMap('a')}---\n${configMap('b')}`,
  'web/us/a.yaml': `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n`,
};

const render = (...args: readonly string[]) =>
  runFairway(['render', '--path', folder, ...args], { home: folder, cwd: folder });
const write = (...args: readonly string[]) => render('--write', 'out', ...args);

describe('fairway render --write', () => {
  it('writes each set of the fleet as render prints it, values of Secrets masked', async () => {
    await writeFleet(fleet);
    const { code, out } = await write();
    expect(code).toBe(0);
    expect(out).toContain('3 sets with 5 objects written');
    for (const cluster of ['one', 'two', 'three']) {
      const shown = await render('--application', 'web', '--cluster', cluster);
      expect(readFileSync(join(folder, 'out', cluster, 'web.yaml'), 'utf8')).toBe(shown.out);
    }
    expect(readFileSync(join(folder, 'out', 'two', 'web.yaml'), 'utf8')).not.toContain('hunter2');
  });

  it('writes what can be rendered, and tells of the rest once, at the end', async () => {
    await writeFleet({ ...fleet, 'web/eu/a.yaml': 'kind: [' });
    await mkdir(join(folder, 'out', 'one'), { recursive: true });
    writeFileSync(join(folder, 'out', 'one', 'web.yaml'), 'before');
    const { code, out, err } = await write();
    expect(code).toBe(6);
    expect(out).toContain('1 sets with 1 objects written');
    expect(err.match(/web\/eu\/a\.yaml/g)).toHaveLength(1);
    expect(readFileSync(join(folder, 'out', 'one', 'web.yaml'), 'utf8')).toBe('before');
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['one', 'two']);
  });

  it('tells a problem as the first cluster has it, also where a name is a part of other words', async () => {
    const { 'web/eu/a.yaml': _eu, ...rest } = fleet;
    await writeFleet({ ...rest, 'fleet/one.yaml': clusterFile('e', 'eu') });
    const { code, err } = await write('--application', 'web');
    expect(code).toBe(6);
    expect(err).toContain('no folder to build for cluster');
    expect(err).toContain('looked for web/eu');
    expect(err).not.toContain('*');
  });

  it('is started with the settings that the bench of its memory has', () => {
    const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
    const flagsOf = (text: string, name: string) =>
      [...(text.split(name)[1]?.split(/\n\s*\],/)[0] ?? '').matchAll(/'(--[\w=-]+)'/g)].map(
        ([, flag]) => flag,
      );
    const started = flagsOf(read('hub/cli/bin.js'), 'flags: [\n');
    expect(started.length).toBeGreaterThan(5);
    expect(flagsOf(read('test/bench/kit/render-order.ts'), 'oneShotSettingsFor')).toEqual(started);
  });

  it('writes of one cluster only what it is asked for, and refuses names that are not there', async () => {
    await writeFleet(fleet);
    expect((await write('--cluster', 'three')).out).toContain('1 sets with 2 objects');
    expect(readdirSync(join(folder, 'out'))).toEqual(['three']);
    const { code, err } = await write('--application', 'wep');
    expect(code).toBe(3);
    expect(err).toContain('There is no Application wep in the fleet folder.');
  });
});

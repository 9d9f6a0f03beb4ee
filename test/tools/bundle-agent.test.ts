import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentEnv, agentFlags } from './agent-settings.ts';
import { bundleAgent } from './bundle-agent.ts';
import { root } from './source-files.ts';

describe('the agent in release form', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-bundle-'));
  let launcher = '';

  beforeAll(async () => {
    launcher = await bundleAgent(join(folder, 'agent'));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const env = { PATH: process.env['PATH'], FAIRWAY_NODE: process.execPath };

  it('runs by its launcher, from any folder', () => {
    const run = spawnSync(launcher, ['--help'], { env, cwd: tmpdir(), encoding: 'utf8', timeout: 30_000 });
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('fairway agent');
    expect(run.status).toBe(0);
  });

  it('has the same flags and settings in its launcher, and the settings in the systemd unit', () => {
    const text = readFileSync(launcher, 'utf8');
    const [command = ''] = text.slice(text.indexOf('exec ')).split('"$(dirname');
    expect(command.match(/--[a-z][^ ]*/g)).toEqual([...agentFlags]);
    for (const [name, value] of Object.entries(agentEnv))
      expect(text).toContain(`${name}="\${${name}:-${value}}"`);
    const unit = readFileSync(join(root, 'deploy/systemd/fairway-agent.service'), 'utf8');
    const settings = Object.entries(agentEnv).map(([name, value]) => `${name}=${value}`);
    expect(unit).toContain(`Environment=${settings.join(' ')}`);
  });

  it('loads neither undici nor the Kubernetes client before they are needed', () => {
    const program = pathToFileURL(join(dirname(launcher), 'agent.mjs')).href;
    const script = `const before = new Set(process.moduleLoadList); await import(${JSON.stringify(program)});
      console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))))`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    const loaded = JSON.parse(run.stdout) as readonly string[];
    expect(loaded).toContain('NativeModule http2');
    expect(loaded.filter((name) => /undici|child_process/.test(name))).toEqual([]);
  });
});

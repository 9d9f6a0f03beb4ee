/** Every word that an operator has for rollouts, typed as people type it, at a hub that is a process: what it says, how it ends, and what it does when it is said twice. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRollout } from '../../hub/api/schemas/rollout.ts';
import { exitCodes } from '../../hub/cli/exit-codes.ts';
import { root } from '../tools/source-files.ts';
import { clusterFile, configMap, createHubBed, type HubBed } from './hub-bed.ts';
import { createObedientAgents } from './obedient-agents.ts';

const names = ['ap-1', 'eu-1', 'us-1'];
const fleet = names
  .map(
    (name) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: { region: ${name.slice(0, 2)} }\n`,
  )
  .join('---\n');
const strategy = (approvers = '') => `apiVersion: fairway.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: steps }
spec:
  waves:
    - { name: first, take: 1, approval: { when: before${approvers} } }
    - { name: second, take: 1, soak: 1h }
    - { name: rest }
`;
const application = `apiVersion: fairway.dev/v1alpha1
kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web }
  placement: { clusters: [${names.join(', ')}] }
  rollout: { strategy: steps }
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let bed: HubBed;
const agents = createObedientAgents(() => bed);

function fairway(args: readonly string[], token = bed.addresses().token): Promise<Ended> {
  const env = { ...process.env, FAIRWAY_SERVER: bed.addresses().api, FAIRWAY_TOKEN: token, NO_COLOR: '1' };
  const child = spawn(process.execPath, [join(root, 'hub/cli/main.ts'), ...args], { env });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => stdout.push(String(chunk)));
  child.stderr.on('data', (chunk) => stderr.push(String(chunk)));
  return new Promise((resolve) =>
    child.on('close', (code) => resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') })),
  );
}
/** What is typed after `fairway rollout`, the exit code, and a part of what is said: on standard output where it is done, else on standard error. */
async function types(line: string, code: keyof typeof exitCodes, said: string): Promise<string> {
  const ended = await fairway(['rollout', ...line.split(' ')]);
  const [heard, silent] = code === 'ok' ? [ended.stdout, ended.stderr] : [ended.stderr, ended.stdout];
  expect(ended.code, `${line}\n${heard}${silent}`).toBe(exitCodes[code]);
  expect(silent, line).toBe('');
  expect(heard, line).toContain(said);
  return heard;
}
/** One that an operator gives a reason for. */
const says = (line: string, code: keyof typeof exitCodes, said: string) =>
  types(`${line} --reason tested`, code, said);
const rollout = () => bed.api().get<ApiRollout>('/api/v1/applications/web/rollout');
const reached = (what: string, holds: (now: ApiRollout) => boolean) =>
  bed.wait(what, async () => {
    const now = await rollout().catch(() => undefined);
    return now && holds(now) ? now : undefined;
  });
const release = async (value: string) => {
  const commit = await bed.merge({ 'apps/web/map.yaml': configMap('web', value) }, value);
  return reached(
    `the release of ${value}`,
    ({ revisionId, message }) => revisionId === commit && message !== '',
  );
};

beforeAll(async () => {
  bed = await createHubBed();
  await bed.merge({ 'fleet/clusters.yaml': fleet, 'fleet/steps.yaml': strategy() }, 'start');
  await bed.start();
  await agents.connect(names);
  await bed.merge({ 'fleet/web.yaml': application }, 'web is placed');
  await release('v1');
}, 120_000);

afterAll(async () => {
  await agents.stop();
  await bed?.close();
});

const resolved = (commit: string) =>
  bed.wait('the commit to be resolved', async () => {
    const { items } = await bed
      .api()
      .get<{ items: { commit: string; state: string }[] }>('/api/v1/revisions');
    return items.some((one) => one.commit === commit && one.state !== 'Pending') ? true : undefined;
  });

/** Events of what people did: one for each word that did something. */
const audited = async () => (await bed.api().events('types=audit.rollout')).length;

describe('the words for rollouts', { timeout: 120_000 }, () => {
  it('tell where one stands and what would help, and that there is none', async () => {
    await types('status', 'ok', 'waits for wave first: an approval');
    const { releaseId } = await rollout();
    const shown = await types('status web', 'ok', 'fairway rollout approve web --reason TEXT');
    expect(shown).toContain(`rollout ${releaseId}, revision`);
    expect(shown).toMatch(/^second {2}Waiting, 0\/1 healthy, waits on the wave before it$/m);
    await types('status nothing', 'notFound', 'There is no application "nothing"');
    await types('plan main', 'ok', 'the rollout that is under way takes them there');
    await types('plan no-such-branch', 'notFound', 'there is no branch, tag or commit no-such-branch');
    await types('timeline nope', 'notFound', 'There is no application "nope", and none was rolled out.');
    await types('history nope', 'notFound', 'There is no application "nope"');
  });

  it('are refused with why where they do not apply, and leave no trace', async () => {
    const before = { audited: await audited(), told: agents.told.length };
    await types('approve web', 'usage', "required option '--reason <text>' not specified");
    await says('exclude web', 'usage', "required option '--cluster <name>' not specified");
    await says('approve nothing', 'notFound', 'there is no application nothing');
    await says(
      'approve web --wave nope',
      'notFound',
      'the rollout has no wave nope; it has first, second, rest',
    );
    await says('approve web --rollout other', 'conflict', 'this is not rollout other, but');
    await says('promote web', 'conflict', 'wave first has not begun, so there is no soak to skip');
    await says('retry web --cluster eu-1', 'notFound', 'the rollout has not reached eu-1');
    await says('exclude web --cluster mars-1', 'notFound', 'mars-1 takes no part in the rollout');
    await resolved(await bed.merge({ 'fleet/steps.yaml': strategy(', approvers: [bob]') }, 'bob alone'));
    await says('approve web', 'notPermitted', 'wave first is approved by bob, not by first');
    await resolved(await bed.merge({ 'fleet/steps.yaml': strategy() }, 'anybody'));
    expect({ audited: await audited(), told: agents.told.length }).toEqual(before);
  });

  it('do what they say once, though they are said twice', async () => {
    const before = await audited();
    for (const _ of [1, 2]) await says('pause web', 'ok', 'web: Paused: tested');
    for (const _ of [1, 2])
      await says('resume web', 'ok', 'web: Progressing: waits for wave first: an approval');
    const { releaseId } = await rollout();
    for (const _ of [1, 2])
      await says(`approve web --wave first --rollout ${releaseId}`, 'ok', 'web: Progressing');
    await reached('the soak', ({ message }) => message.includes('its soak'));
    await says('approve web', 'ok', 'waits for wave second: its soak');
    await says('reject web --wave first', 'conflict', 'wave first was approved by first');
    for (const _ of [1, 2]) await says('exclude web --cluster us-1', 'ok', 'its soak');
    await types('status web', 'ok', 'us-1  Excluded');
    await says('retry web --cluster us-1', 'ok', 'its soak');
    await says('promote web', 'ok', 'web: Progressing');
    await reached('the end', ({ phase }) => phase === 'Complete');
    await says('promote web', 'ok', 'web: Complete');
    await says('abort web', 'conflict', 'the rollout has ended: it is Complete');
    expect(agents.since(0)).toEqual(['ap-1=v1', 'eu-1=v1', 'us-1=v1']);
    // pause, resume, approve, exclude, retry, promote.
    expect(await audited()).toBe(before + 6);
  });

  it('take back what failed, begin it anew and give it up, and the timeline tells who and why', async () => {
    await release('bad1');
    await says('approve web', 'ok', 'web: Progressing');
    await reached('the stop', ({ phase }) => phase === 'Paused');
    await types('status web', 'ok', 'fairway rollout exclude web --cluster NAME --reason TEXT');
    await says('resume web', 'conflict', 'ap-1 failed: retry or exclude them, or roll back');
    await says('rollback web', 'ok', 'web: RollingBack: tested');
    await reached('the way back', ({ phase }) => phase === 'RolledBack');
    await says('rollback web', 'ok', 'web: RolledBack: tested');
    await says(
      'retry web --cluster ap-1',
      'conflict',
      'it was taken back: retry all of it, without a cluster',
    );
    await says('retry web', 'ok', 'web: Progressing');
    await reached('an approval', ({ message }) => message.includes('an approval'));
    for (const _ of [1, 2]) await says('abort web', 'ok', 'web: Aborted: tested');
    const [, newest = ''] = (await types('history web', 'ok', 'Aborted')).split('\n');
    const told = await types(`timeline web ${newest.split(' ')[0]} --clusters`, 'ok', 'rollback: tested');
    expect(told.match(/ action .*/g)?.map((line) => line.trim().split(/ {2,}/).at(-1))).toEqual([
      ...['approve first: tested', 'rollback: tested', 'retry: tested', 'abort: tested'],
    ]);
    expect(told).toContain('ap-1 failed (Unhealthy): /ConfigMap/default/web: the image cannot be pulled');
    expect(agents.since(3)).toEqual(['ap-1=bad1', 'ap-1=v1']);
  });

  it('stop it where an approval is refused, once, and nothing goes out', async () => {
    const [before, from] = [await audited(), agents.told.length];
    await release('v2');
    await reached('an approval', ({ message }) => message.includes('an approval'));
    for (const _ of [1, 2]) await says('reject web --wave first', 'ok', 'web: Paused');
    await types('status web', 'ok', 'tested');
    await says('resume web', 'ok', 'web: Progressing');
    await says('reject web', 'ok', 'web: Paused');
    expect(agents.since(from)).toEqual([]);
    expect(await audited()).toBe(before + 3);
  });

  it('lift every gate in an emergency for who may, and for nobody else', async () => {
    const tokenOf = async (scope: string) =>
      (await bed.api().post<{ token: string }>('/api/v1/access-tokens', { name: scope, scope })).token;
    const lift = ['sync', 'web', '--all-at-once', '--reason', 'a hole'];
    // One more that is away: nobody ever heard of its agent.
    await resolved(
      await bed.merge(
        {
          'fleet/clusters.yaml': `${fleet}---\n${clusterFile('away-1')}`,
          'fleet/web.yaml': application.replace('ap-1,', 'away-1, ap-1,'),
        },
        'one that is away',
      ),
    );
    const [before, from] = [await audited(), agents.told.length];
    const waits = await release('v3');
    expect(waits.waves.flatMap(({ clusters }) => clusters.map(({ cluster }) => cluster))).toContain('away-1');
    const refused = await fairway(lift, await tokenOf('operate'));
    expect(refused).toMatchObject({ code: exitCodes.notPermitted, stdout: '' });
    expect(refused.stderr).toContain('Token "operate" has scope operate; this needs emergency.');
    expect({ audited: await audited(), told: agents.since(from) }).toEqual({ audited: before, told: [] });
    const emergency = await tokenOf('emergency');
    for (const _ of [1, 2]) {
      const lifted = await fairway(lift, emergency);
      expect(lifted).toMatchObject({ code: exitCodes.ok, stderr: '' });
      // Said again, it may have ended by then.
      expect(lifted.stdout).toMatch(/^web: (Progressing|Complete), all at once/);
    }
    await bed.wait('all to have it', () => (agents.since(from).length >= names.length ? true : undefined));
    expect([...agents.since(from)].sort()).toEqual(['ap-1=v3', 'eu-1=v3', 'us-1=v3']);
    const [event, ...others] = (await bed.api().events('types=audit.rollout')).slice(
      0,
      (await audited()) - before,
    );
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      actor: 'emergency',
      message: 'all-at-once of the rollout of web: a hole',
    });
    // It was assigned while it was away: it has it as soon as it comes.
    expect(await bed.manifests('away-1', 'web')).toContain('v3');
    await agents.connect(['away-1']);
    await bed.wait('away-1 to have it', () => agents.since(from).includes('away-1=v3') || undefined);
    await reached('the end', ({ phase }) => phase === 'Complete');
  });
});

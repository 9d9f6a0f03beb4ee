/** A release from a commit to a cluster with its controllers: a migration before it, waves, a check after it; the agent killed on the way. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const head = 'apiVersion: fairway.dev/v1alpha1\n';

function job(name: string, hook: string, rest: string, annotations = ''): string {
  return `apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  annotations: { ${hook}${annotations} }
spec:
  ${rest}
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: "migrate:1" }]
`;
}
function deployment(name: string, version: string, wave: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  annotations: { fairway.dev/wave: "${wave}" }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: "${name}:${version}" }] }
`;
}
const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';
/** Fails within seconds by the Job controller's own hand: its pod fits nowhere. */
const doomed = 'activeDeadlineSeconds: 1';

function shop(version: string, migrate = 'backoffLimit: 1'): string {
  return [
    namespace,
    job('migrate', 'argocd.argoproj.io/hook: PreSync', migrate, `, version: "${version}"`).replace(
      'restartPolicy: Never',
      `restartPolicy: Never\n      nodeSelector: { ${migrate === doomed ? 'no.such/node: here' : 'kubernetes.io/hostname: node-0'} }`,
    ),
    deployment('db', version, 0),
    deployment('web', version, 1),
    job('smoke', 'fairway.dev/hook: post-sync', 'backoffLimit: 1', `, version: "${version}"`),
  ].join('---\n');
}

let bed: FleetBed | undefined;
beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['whole'],
    whole: ['whole'],
    files: {
      'fleet/whole.yaml': `${head}kind: Cluster\nmetadata: { name: whole }\nspec: { region: here }\n`,
      'fleet/shop.yaml': `${head}kind: Application\nmetadata: { name: shop }\nspec:\n  source: { path: apps/shop }\n  placement: { clusters: [whole] }\n  sync: { namespace: shop }\n`,
      'apps/shop/all.yaml': shop('1'),
    },
  });
  if (!bed) return;
  await bed.startHub();
  await bed.startAgent('whole');
}, 240_000);
afterAll(() => bed?.close());

const placement = async () => (await bed?.api().placements())?.[0];
const imageOf = (name: string) =>
  bed?.kubectl(
    'whole',
    '-n',
    'shop',
    'get',
    'deployment',
    name,
    '-o',
    'jsonpath={.spec.template.spec.containers[0].image}',
  ).stdout;
const jobs = (base: string) =>
  (bed?.kubectl('whole', '-n', 'shop', 'get', 'jobs', '-o', 'name').stdout ?? '')
    .split('\n')
    .filter((name) => name.includes(`/${base}-`));

function cli(...args: readonly string[]): string {
  const { api, token } = bed!.addresses();
  const env = { ...process.env, FAIRWAY_SERVER: String(api), FAIRWAY_TOKEN: token, NO_COLOR: '1' };
  const { stdout, stderr } = spawnSync(process.execPath, ['hub/cli/main.ts', ...args], {
    env,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

describe('a release', () => {
  it('runs its migration, then goes wave by wave, then is checked', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.wait(
      'the release to be healthy',
      async () => {
        const now = await placement();
        // The acknowledgement and the report come by streams of their own.
        const told = now?.sync === 'Synced' && now.health === 'Current';
        return told && now.stage === 'Healthy' ? true : undefined;
      },
      120_000,
    );
    expect(cli('status', 'shop')).toMatch(
      /Job smoke +whole +shop +Succeeded +ran as Job shop\/smoke-\w+ in /,
    );
    expect(jobs('migrate')).toHaveLength(1);
    expect(jobs('smoke')).toHaveLength(1);
    const lines = bed
      .kubectl(
        'whole',
        '-n',
        'shop',
        'get',
        'jobs,deployments',
        '-o',
        'jsonpath={range .items[*]}{.metadata.name} {.metadata.creationTimestamp} {.status.completionTime}{"\\n"}{end}',
      )
      .stdout.trim()
      .split('\n')
      .map((line) => line.split(' '));
    const timesOf = (name: string) => lines.find(([one]) => one?.startsWith(name)) ?? [];
    const [, , migrated] = timesOf('migrate-');
    const [, db] = timesOf('db');
    const [, web] = timesOf('web');
    const [, smoke] = timesOf('smoke-');
    // To the second.
    const order = [migrated, db, web, smoke];
    expect(order.every((time) => time !== undefined && time !== '')).toBe(true);
    expect(order).toEqual([...order].sort());
  }, 180_000);

  it('whose migration fails leaves the old version, and says why, to people too', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.merge({ 'apps/shop/all.yaml': shop('2', doomed) }, 'shop: 2');
    const failed = await bed.wait(
      'the failure to be told',
      async () => {
        const now = await placement();
        return now?.sync === 'Failed' ? now : undefined;
      },
      90_000,
    );
    expect(failed.message).toMatch(/pre-sync hook Job shop\/migrate failed: .*DeadlineExceeded/);
    expect(imageOf('db')).toBe('db:1');
    expect(cli('status', 'shop')).toContain('pre-sync hook Job shop/migrate failed');
    expect(cli('status', 'shop')).toMatch(
      /Job migrate +whole +shop +Failed +Job shop\/migrate-\w+: DeadlineExceeded/,
    );
    expect(cli('get', 'objects', '--application', 'shop')).toMatch(/Job\s+shop\s+migrate\s+Failed/);
    const { length } = jobs('migrate');
    const pods = bed.kubectl('whole', '-n', 'shop', 'get', 'pods', '-o', 'name').stdout;
    expect([length, pods.includes('web')]).toEqual([1, true]);
  }, 180_000);

  it('goes on where it was when the agent is killed on the way, with each hook run once', async (context) => {
    if (!bed) return context.skip(skipped);
    const before = { migrate: jobs('migrate'), smoke: jobs('smoke') };
    await bed.merge({ 'apps/shop/all.yaml': shop('3') }, 'shop: 3');
    await bed.wait('the migration to begin', () =>
      jobs('migrate').some((name) => !before.migrate.includes(name)) ? true : undefined,
    );
    await bed.killAgent('whole', 'SIGKILL');
    await bed.startAgent('whole', { token: false });
    await bed.wait(
      'the release to be healthy',
      async () => ((await placement())?.stage === 'Healthy' && imageOf('web') === 'web:3' ? true : undefined),
      120_000,
    );
    expect(jobs('migrate').filter((name) => !before.migrate.includes(name))).toHaveLength(1);
    expect(jobs('smoke').filter((name) => !before.smoke.includes(name))).toHaveLength(1);
  }, 180_000);
});

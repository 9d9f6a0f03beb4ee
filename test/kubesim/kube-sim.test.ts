import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../shared/clock/fake-clock.ts';
import { waitFor } from '../cluster/control-plane.ts';
import { at, listAt, textAt } from './kinds/access.ts';
import { createKubeSim, createKubeSimFleet, type KubeSim, type KubeSimOptions } from './kube-sim.ts';
import type { Json } from './schema/types.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function start(options: KubeSimOptions = {}): Promise<KubeSim> {
  const sim = await createKubeSim(options);
  open.push(sim);
  return sim;
}

interface Reply {
  readonly code: number;
  readonly body: Json;
  readonly headers: Headers;
}

async function call(
  sim: Pick<KubeSim, 'url' | 'token'>,
  method: string,
  path: string,
  body?: Json,
  contentType = 'application/json',
): Promise<Reply> {
  const response = await fetch(`${sim.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${sim.token}`, 'content-type': contentType },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { code: response.status, body: JSON.parse(text) as Json, headers: response.headers };
}

const configMap = (name: string, value = '1'): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { a: value },
});
const CONFIG = '/api/v1/namespaces/default/configmaps';
const APPLY = 'application/apply-patch+yaml';

/** Collects a watch's events until its stream ends. */
function follow(
  sim: Pick<KubeSim, 'url' | 'token'>,
  path: string,
): { readonly events: Json[]; readonly ended: Promise<void> } {
  const events: Json[] = [];
  const read = async () => {
    const response = await fetch(`${sim.url}${path}`, { headers: { authorization: `Bearer ${sim.token}` } });
    let rest = '';
    for await (const chunk of response.body!) {
      const lines = `${rest}${Buffer.from(chunk).toString()}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) events.push(JSON.parse(line) as Json);
    }
  };
  return { events, ended: read() };
}

const deployment = (image: string): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});
const WEB = '/apis/apps/v1/namespaces/default/deployments/web?fieldManager=t&force=true';
const conditionOf = (sim: KubeSim, type: string) =>
  listAt(sim.get('apps/deployments', 'default/web') ?? null, 'status', 'conditions').find(
    (one) => textAt(one, 'type') === type,
  ) ?? null;

describe('createKubeSim', () => {
  it('refuses a request without the token', async () => {
    const sim = await start();
    expect((await call({ url: sim.url, token: 'other' }, 'GET', '/api')).code).toBe(401);
    expect((await call(sim, 'GET', '/api')).code).toBe(200);
  });

  it('fails the next request that fits, once', async () => {
    const sim = await start();
    sim.failNext({ verb: 'list', resource: 'configmaps' }, 429);
    expect((await call(sim, 'GET', '/api/v1/secrets')).code).toBe(200);
    const failed = await call(sim, 'GET', '/api/v1/configmaps');
    expect([failed.code, failed.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await call(sim, 'GET', '/api/v1/configmaps')).code).toBe(200);
  });

  it('shows each page of a list as of the first page', async () => {
    const sim = await start();
    for (const name of ['a', 'b', 'c']) await call(sim, 'POST', CONFIG, configMap(name));
    const first = await call(sim, 'GET', `${CONFIG}?limit=2`);
    await call(sim, 'DELETE', `${CONFIG}/c`);
    const token = encodeURIComponent(textAt(first.body, 'metadata', 'continue'));
    const second = await call(sim, 'GET', `${CONFIG}?limit=2&continue=${token}`);
    expect(listAt(second.body, 'items').map((item) => textAt(item, 'metadata', 'name'))).toEqual(['c']);
    sim.compact();
    await call(sim, 'POST', CONFIG, configMap('d'));
    expect((await call(sim, 'GET', `${CONFIG}?limit=2&continue=${token}`)).code).toBe(410);
  });

  it('tells a watch that its version is too old', async () => {
    const sim = await start();
    const from = textAt((await call(sim, 'GET', CONFIG)).body, 'metadata', 'resourceVersion');
    await call(sim, 'POST', CONFIG, configMap('a'));
    sim.compact();
    const { events, ended } = follow(sim, `${CONFIG}?watch=true&resourceVersion=${from}`);
    await ended;
    expect(events.map((event) => [textAt(event, 'type'), at(event, 'object', 'code')])).toEqual([
      ['ERROR', 410],
    ]);
  });

  it('ends watches on request, and shows objects leaving a selection as deleted', async () => {
    const sim = await start();
    const { events, ended } = follow(sim, `${CONFIG}?watch=true&labelSelector=app%3Da`);
    await waitFor('the watch', () => sim.openWatches() === 1);
    await call(
      sim,
      'PATCH',
      `${CONFIG}/x?fieldManager=t`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', labels: { app: 'a' } } },
      APPLY,
    );
    await call(
      sim,
      'PATCH',
      `${CONFIG}/x?fieldManager=t`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
      APPLY,
    );
    await waitFor('two events', () => events.length === 2);
    expect(sim.dropWatches()).toBe(1);
    await ended;
    expect(events.map((event) => textAt(event, 'type'))).toEqual(['ADDED', 'DELETED']);
  });

  it('writes down who wrote what', async () => {
    const sim = await start();
    await call(sim, 'PATCH', `${CONFIG}/x?fieldManager=t`, configMap('x'), APPLY);
    expect(sim.audit()).toMatchObject([{ verb: 'patch', manager: 't', path: `${CONFIG}/x`, code: 201 }]);
    expect(sim.requestCounts()).toEqual({ patch: 1 });
  });

  it('serves a custom kind as soon as it is defined, and no longer than that', async () => {
    const sim = await start();
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.dev' },
      spec: {
        group: 'example.dev',
        scope: 'Cluster',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true }],
      },
    };
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    expect((await call(sim, 'POST', definitions, definition)).code).toBe(201);
    const widget = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'w' }, list: [1] };
    expect((await call(sim, 'POST', '/apis/example.dev/v1/widgets', widget)).code).toBe(201);
    expect(listAt((await call(sim, 'GET', '/apis/example.dev/v1')).body, 'resources')).toHaveLength(1);
    await call(sim, 'DELETE', `${definitions}/widgets.example.dev`);
    expect(sim.objects('example.dev/widgets')).toEqual([]);
  });

  it('takes the contents of a namespace with it, and keeps objects with finalizers until they are gone', async () => {
    const sim = await start();
    await call(sim, 'POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
    await call(sim, 'POST', '/api/v1/namespaces/shop/configmaps', configMap('x'));
    await call(sim, 'DELETE', '/api/v1/namespaces/shop');
    expect([sim.get('/configmaps', 'shop/x'), sim.get('/namespaces', 'shop')]).toEqual([
      undefined,
      undefined,
    ]);
    await call(sim, 'POST', CONFIG, {
      ...(configMap('y') as object),
      metadata: { name: 'y', finalizers: ['example.com/x'] },
    });
    await call(sim, 'DELETE', `${CONFIG}/y`);
    expect(textAt(sim.get('/configmaps', 'default/y') ?? null, 'metadata', 'deletionTimestamp')).not.toBe('');
    await call(
      sim,
      'PATCH',
      `${CONFIG}/y`,
      { metadata: { finalizers: null } },
      'application/merge-patch+json',
    );
    expect(sim.get('/configmaps', 'default/y')).toBeUndefined();
  });
});

describe('the simulated deployment controller', () => {
  it('reports a rollout some time after the change, and a broken image as overdue', async () => {
    const clock = createFakeClock();
    const sim = await start({ clock, readyAfterMs: 50, progressDeadlineMs: 1000 });
    await call(sim, 'PATCH', WEB, deployment('nginx:1'), APPLY);
    expect(at(sim.get('apps/deployments', 'default/web') ?? null, 'status')).toEqual({});
    await clock.advance(50);
    expect(at(sim.get('apps/deployments', 'default/web') ?? null, 'status')).toMatchObject({
      observedGeneration: 1,
      readyReplicas: 2,
    });
    await call(sim, 'PATCH', WEB, deployment('nginx:broken'), APPLY);
    await clock.advance(50);
    expect([
      textAt(conditionOf(sim, 'Available'), 'status'),
      textAt(conditionOf(sim, 'Progressing'), 'reason'),
    ]).toEqual(['True', 'ReplicaSetUpdated']);
    await clock.advance(1000);
    expect(textAt(conditionOf(sim, 'Progressing'), 'reason')).toBe('ProgressDeadlineExceeded');
  });
});

describe('createKubeSimFleet', () => {
  it('serves and watches 200 clusters of 20 objects each from one server', async () => {
    const fleet = await createKubeSimFleet({ count: 200 });
    open.push(fleet);
    const watches = fleet.sims.map((sim) => follow(sim, `${CONFIG}?watch=true`));
    await waitFor('all watches', () => fleet.sims.every((sim) => sim.openWatches() === 1));
    for (let i = 0; i < 20; i++)
      await Promise.all(
        fleet.sims.map((sim) =>
          call(sim, 'PATCH', `${CONFIG}/c-${i}?fieldManager=t`, configMap(`c-${i}`, sim.name), APPLY),
        ),
      );
    await waitFor('all events', () => watches.every((watch) => watch.events.length === 20));
    for (const [i, watch] of watches.entries())
      expect(new Set(watch.events.map((event) => textAt(event, 'object', 'data', 'a')))).toEqual(
        new Set([fleet.sims[i]!.name]),
      );
    expect(fleet.sims.map((sim) => sim.objects('/configmaps').length)).toEqual(fleet.sims.map(() => 20));
  }, 60_000);
});

describe('the program', () => {
  it('prints where it is and ends with its parent', async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'main.ts'), '--name', 'eu-1', '--with-parent'],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const told = JSON.parse(line) as { name: string; url: string; token: string };
    expect(told.name).toBe('eu-1');
    expect((await call(told, 'GET', '/version')).code).toBe(200);
    child.stdin.end();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });
});

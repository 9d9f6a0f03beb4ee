/** Questions to a real agent: a live object with a Secret's values masked, a log, and what is said when there is no answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleetBed, type FleetBed } from './fleet-bed.ts';
import { applicationFile, clusterFile, configMap } from './hub-bed.ts';

const skipped = 'needs Go or KUBEBUILDER_ASSETS';
const value = 'secret-of-the-query-test';
const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: login, namespace: default }\nstringData: { token: ${value} }\n`;

let bed: FleetBed | undefined;

beforeAll(async () => {
  bed = await createFleetBed({
    clusters: ['one'],
    files: {
      'fleet/clusters.yaml': clusterFile('one'),
      'fleet/own.yaml': applicationFile('own', 'path: apps/own'),
      'apps/own/map.yaml': configMap('own', 'own 1'),
      'apps/own/secret.yaml': secret,
    },
  });
  if (!bed) return;
  await bed.startHub();
  await bed.startAgent('one');
  await bed.settle(await bed.repository.head(), { placements: 1 });
}, 240_000);

afterAll(() => bed?.close());

const ask = async (path: string, token = bed?.addresses().token) => {
  const response = await fetch(`${bed?.addresses().api}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, text: await response.text() };
};
const live = (object: string, more = '') =>
  ask(`/api/v1/objects/live?cluster=one&object=${encodeURIComponent(object)}${more}`);
const logsOf = (pod: string, token?: string) =>
  ask(`/api/v1/clusters/one/logs?namespace=default&pod=${pod}`, token);

describe('questions to an agent', () => {
  it('show an object as it is in the cluster now', async (context) => {
    if (!bed) return context.skip(skipped);
    expect(JSON.parse((await live('/ConfigMap/default/own')).text)).toMatchObject({
      found: true,
      manifest: { data: { value: 'own 1' }, metadata: { managedFields: [{ manager: 'fairway' }] } },
    });
    bed.kubectl('one', 'create', 'configmap', 'by-hand', '--from-literal=key=value');
    expect(JSON.parse((await live('/ConfigMap/default/by-hand', '&apiVersion=v1')).text)).toMatchObject({
      found: true,
      manifest: { data: { key: 'value' } },
    });
    expect(JSON.parse((await live('/ConfigMap/default/none', '&apiVersion=v1')).text)).toMatchObject({
      found: false,
      manifest: null,
    });
  });

  it('never show the values of a Secret, its own or another', async (context) => {
    if (!bed) return context.skip(skipped);
    const other = 'a-value-made-by-hand';
    bed.kubectl('one', 'create', 'secret', 'generic', 'by-hand', `--from-literal=key=${other}`);
    const encoded = [value, other].map((text) => Buffer.from(text).toString('base64'));
    for (const [name, key] of [
      ['login', 'token'],
      ['by-hand', 'key'],
    ] as const) {
      const { status, text } = await live(`/Secret/default/${name}`, '&apiVersion=v1');
      expect(status).toBe(200);
      expect(Object.keys(JSON.parse(text).manifest.data)).toEqual([key]);
      for (const hidden of [value, other, ...encoded]) expect(text).not.toContain(hidden);
    }
    for (const hidden of [value, other, ...encoded]) expect(bed.logs()).not.toContain(hidden);
  });

  it('give a log no more than an operator, and say why there is none', async (context) => {
    if (!bed) return context.skip(skipped);
    const made = await bed
      .api()
      .post<{ token: string }>('/api/v1/access-tokens', { name: 'reader', scope: 'read' });
    expect((await logsOf('nobody', made.token)).status).toBe(403);
    const liveAsReader = (name: string) =>
      ask(`/api/v1/objects/live?cluster=one&apiVersion=v1&object=/ConfigMap/default/${name}`, made.token);
    expect((await liveAsReader('own')).status).toBe(200);
    // What the fleet does not hold is no reader's.
    expect((await liveAsReader('by-hand')).status).toBe(403);
    const missing = await logsOf('nobody');
    expect([missing.status, JSON.parse(missing.text)]).toEqual([
      404,
      expect.objectContaining({ detail: expect.stringContaining('nobody') }),
    ]);
    // Nobody can be asked for the log of a pod whose node is gone; the API server says so.
    const spec = { nodeName: 'gone', containers: [{ name: 'a', image: 'example/a' }] };
    const overrides = JSON.stringify({ apiVersion: 'v1', spec });
    bed.kubectl('one', 'create', 'serviceaccount', 'default');
    const created = bed.kubectl('one', 'run', 'lost', '--image=example/a', `--overrides=${overrides}`);
    expect(created.stderr).toBe('');
    const lost = await logsOf('lost');
    expect(lost.status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(lost.text).detail).toContain('gone');
    const audited = await bed.api().events('types=audit.query&cluster=one');
    expect(audited.map(({ object }) => object)).toEqual(
      expect.arrayContaining(['/Pod/default/nobody', '/Secret/default/login']),
    );
  });

  it('say so when the agent is away', async (context) => {
    if (!bed) return context.skip(skipped);
    await bed.killAgent('one');
    const fleet = bed;
    const answer = await bed.wait('the hub to notice', async () => {
      const { sessions } = await fleet.api().get<{ sessions: number }>('/api/v1/hub');
      return sessions === 0 ? live('/ConfigMap/default/own') : undefined;
    });
    expect([answer.status, JSON.parse(answer.text).detail]).toEqual([
      503,
      'the agent of one is not connected',
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRenderer, type Renderer } from '../../render/renderer.ts';
import { type Bed, createBed, errorOf } from '../../source/git-bed.test-support.ts';
import { createTestStore, type TestStore } from '../../store/sqlite/test-store.test-support.ts';
import { createPreview, type DiffRequest } from './preview.ts';

let bed: Bed;
let opened: TestStore;
beforeEach(async () => {
  [bed, opened] = [await createBed(), await createTestStore()];
  const clusters = Array.from(
    { length: 20 },
    (_, at) =>
      `apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: c-${at}}\nspec: {region: eu}\n`,
  );
  const application =
    'apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec: {source: {path: web}, placement: {selector: {}}, rollout: {strategy: all-at-once}}\n';
  await bed.repository.commit(
    {
      'fleet/all.yaml': [...clusters, application].join('---\n'),
      'web/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    },
    { message: 'one' },
  );
  await bed.repository.push();
});
afterEach(async () => {
  await opened.close();
  await bed.close();
});

const request: DiffRequest = { from: 'main', to: 'main', application: undefined, cluster: undefined };
const never = () => new AbortController().signal;

function previewOf(onRender: () => void | Promise<void>) {
  const real = createRenderer({ digestKey: new Uint8Array(32) });
  const renderer: Renderer = {
    ...real,
    async renderAll(wanted, signal) {
      await onRender();
      return real.renderAll(wanted, signal);
    },
  };
  return createPreview({
    store: opened.store,
    source: bed.source,
    renderer,
    root: { key: '@main', url: bed.url, ref: 'main' },
    folder: 'fleet',
    atOnceMax: 1,
  });
}

describe('createPreview', () => {
  it('ends with the client, and gives its place to the next', async () => {
    const client = new AbortController();
    let renders = 0;
    const preview = previewOf(() => {
      renders += 1;
      if (renders === 2) client.abort();
    });
    expect((await errorOf(preview.diff(request, client.signal))).code).toBe('cancelled');
    expect(renders).toBe(2);
    expect((await preview.diff(request, never())).differs).toBe(false);
  });

  it('lets no more in than it may, and others have their turn meanwhile', async () => {
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const preview = previewOf(() => {
      entered.resolve();
      return leave.promise;
    });
    const first = preview.diff(request, never());
    await entered.promise;
    expect(await errorOf(preview.diff(request, never()))).toMatchObject({
      code: 'resource_exhausted',
      retryAfterMs: 2_000,
    });
    leave.resolve();
    let turns = 0;
    const count = () => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await first;
    clearImmediate(timer);
    // Rendering has a thread of its own; each comparison is a turn.
    expect(turns).toBeGreaterThan(20);
  });

  it('adds nothing to the store', async () => {
    await previewOf(() => undefined).diff(request, never());
    expect(await opened.store.sources.list()).toEqual([]);
    expect(await opened.store.releases.assignments({})).toEqual([]);
    expect((await opened.store.fleet.load()).resources).toEqual([]);
  });
});

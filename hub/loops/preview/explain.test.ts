import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Blame } from '../../model/blame.ts';
import { createRenderer } from '../../render/renderer.ts';
import type { GitSource } from '../../source/git-source.ts';
import { createLoopBed, type LoopBed } from '../loop-bed.test-support.ts';
import { createExplainer, type ExplainQuestion } from './explain.ts';
import type { Tracer } from './explain-tree.ts';

const cluster =
  'apiVersion: fairway.dev/v1alpha1\nkind: Cluster\nmetadata: {name: eu-1}\nspec: {region: eu}\n';
const application = (source: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec: {source: {${source}}, placement: {clusters: [eu-1]}, rollout: {strategy: all-at-once}}\n`;
const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  mode: calm\n';
const files = {
  'fleet/clusters.yaml': cluster,
  'fleet/web.yaml': application('path: apps/web'),
  'apps/web/map.yaml': map,
};

const signal = new AbortController().signal;
const question: ExplainQuestion = {
  application: 'web',
  cluster: 'eu-1',
  object: { kind: 'ConfigMap', name: 'settings' },
  field: 'data.mode',
  revision: undefined,
};

describe('createExplainer', () => {
  let bed: LoopBed;
  const renderer = createRenderer({ digestKey: new Uint8Array(32) });
  const create = (
    parts: { readonly source?: Partial<GitSource>; readonly tracer?: Tracer; atOnceMax?: number } = {},
  ) =>
    createExplainer({
      store: bed.store,
      source: { ...bed.source, ...parts.source },
      tracer: parts.tracer ?? renderer,
      root: bed.root,
      folder: 'fleet',
      ...(parts.atOnceMax === undefined ? {} : { atOnceMax: parts.atOnceMax }),
    });
  beforeEach(async () => {
    bed = await createLoopBed();
  });
  afterEach(() => bed.close());

  it('says that the hub has not read its repository yet', async () => {
    await expect(create().explain(question, signal)).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('explains what was resolved last, not what was fetched since', async () => {
    const resolved = await bed.commit(files);
    await bed.resolve();
    await bed.commit({ ...files, 'apps/web/map.yaml': map.replace('calm', 'wild') });
    const explanation = await create().explain(question, signal);
    expect(explanation.fields[0]?.value).toBe('"calm"');
    expect(explanation.revision).toEqual({ name: '', commit: resolved, repository: '' });
    const later = await create().explain({ ...question, revision: 'main' }, signal);
    expect([later.fields[0]?.value, later.revision.name]).toEqual(['"wild"', 'main']);
  });

  it('leaves the author open where the history does not say', async () => {
    await bed.commit(files);
    await bed.resolve();
    const explanation = await create().explain(question, signal);
    expect(explanation.fields[0]?.steps[0]?.at).toMatchObject({
      file: 'apps/web/map.yaml',
      line: 5,
      commit: null,
    });
  });

  it('asks for the lines of all files of a repository at once, and no others', async () => {
    await bed.commit({ ...files, 'apps/web/b.yaml': map.replace('settings', 'other') });
    await bed.resolve();
    const asked: string[] = [];
    const blame: GitSource['blame'] = async (request): Promise<Blame> => {
      asked.push(...request.files.map(({ path, lines }) => `${path}:${[...lines].join()}`));
      return new Map();
    };
    await create({ source: { blame } }).explain(question, signal);
    expect(asked).toEqual(['apps/web/map.yaml:5,1']);
  });

  it('refuses a question too many, and takes the next when one is answered', async () => {
    await bed.commit(files);
    await bed.resolve();
    const gate = Promise.withResolvers<void>();
    const tracer: Tracer = {
      async trace(...args) {
        await gate.promise;
        return renderer.trace(...args);
      },
    };
    const explainer = create({ tracer, atOnceMax: 1 });
    const first = explainer.explain(question, signal);
    await expect(explainer.explain(question, signal)).rejects.toMatchObject({ code: 'resource_exhausted' });
    gate.resolve();
    expect((await first).state).toBe('set');
    expect((await explainer.explain(question, signal)).state).toBe('set');
  });

  it('reads no repository for a commit that nobody has taken over', async () => {
    await bed.commit(files);
    await bed.resolve();
    const elsewhere =
      'apiVersion: fairway.dev/v1alpha1\nkind: Repository\nmetadata: {name: other}\nspec: {url: "https://git.example/private.git"}\n';
    await bed.commit({
      ...files,
      'fleet/other.yaml': elsewhere,
      'fleet/web.yaml': application('repository: other, path: apps/web'),
    });
    const fetched: string[] = [];
    const fetch: GitSource['fetch'] = async (request) => {
      fetched.push(request.url);
      return bed.source.fetch(request);
    };
    const asked = create({ source: { fetch } }).explain({ ...question, revision: 'main' }, signal);
    await expect(asked).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('not followed'),
    });
    expect(fetched).toEqual([bed.root.url]);
  });

  it('says what is not there, and what may have been meant', async () => {
    await bed.commit({ ...files, 'fleet/us.yaml': cluster.replace('eu-1', 'us-1') });
    await bed.resolve();
    const nowhere = 'f'.repeat(40);
    const explainer = create({ source: { fetch: () => bed.source.commit(bed.root.url, nowhere) as never } });
    for (const [change, message] of [
      [{ application: 'wep' }, 'Did you mean web?'],
      [{ cluster: 'eu-11' }, 'Did you mean eu-1?'],
      [{ cluster: 'us-1' }, 'web is not placed in us-1: it is placed in eu-1.'],
      [{ object: { kind: 'ConfigMap', name: 'nothing' } }, 'nothing'],
      [{ field: 'data.mod' }, 'Did you mean data.mode?'],
      [{ field: 'immutables' }, 'Did you mean immutable?'],
      [{ revision: nowhere }, nowhere],
    ] as const)
      await expect(explainer.explain({ ...question, ...change }, signal), message).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(message),
      });
    const unset = await explainer.explain({ ...question, field: 'immutable' }, signal);
    expect(unset.state).toBe('unset');
  });

  it('says in which line of an Application a variable is stated', async () => {
    const substituted = application('path: apps/web').replace(
      ', placement',
      ', substitute: {\n  variables: {\n    MODE: calm}}, placement',
    );
    await bed.commit({
      ...files,
      'fleet/web.yaml': substituted,
      'apps/web/map.yaml': map.replace('calm', `\${MODE}`),
    });
    await bed.resolve();
    const { fields } = await create().explain(question, signal);
    expect(fields[0]?.steps[1]).toMatchObject({
      after: '"calm"',
      at: { source: 'application', file: 'fleet/web.yaml', line: 6, field: 'spec.substitute.variables.MODE' },
    });
  });

  it('says of a field of a kind without a schema that neither Git nor a schema has it', async () => {
    const custom = 'apiVersion: example.com/v1\nkind: Database\nmetadata: {name: db}\nspec: {size: 3}\n';
    await bed.commit({ ...files, 'apps/web/db.yaml': custom });
    await bed.resolve();
    const asked = { ...question, object: { kind: 'database', name: 'db', group: 'v1.example.com' } };
    await expect(create().explain({ ...asked, field: 'spec.retention' }, signal)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(
        'Nothing in Git sets it, and whether a Database of example.com/v1 may',
      ),
    });
  });

  it('says what keeps the application from being rendered', async () => {
    await bed.commit({ ...files, 'apps/web/kustomization.yaml': 'resources: [gone.yaml]\n' });
    await bed.resolve();
    await expect(create().explain(question, signal)).rejects.toMatchObject({
      message: expect.stringContaining('apps/web/kustomization.yaml:1'),
    });
  });
});

import { describe, expect, it } from 'vitest';
import { keyText, type ObjectKey } from '../../shared/manifest/object.ts';
import {
  createManifestSet,
  createTarget,
  defaultSyncOptions,
  type ManifestEntry,
} from '../../shared/manifest/target.ts';
import type { ApiResource } from '../kube/kube-client.ts';
import { planSync, type SyncPlanInput } from './plan-sync.ts';

function entry(kind: string, name: string, parts: Partial<ManifestEntry> = {}, group = ''): ManifestEntry {
  const key: ObjectKey = { group, kind, namespace: '', name };
  return { objectDigest: `digest-${name}`, key, apiVersion: 'v1', originId: keyText(key), wave: 0, ...parts };
}
function resource(kind: string): ApiResource | undefined {
  if (kind === 'Boat') return undefined;
  return {
    group: '',
    version: 'v1',
    kind,
    resource: kind.toLowerCase(),
    namespaced: kind !== 'Namespace',
    verbs: [],
  };
}
function plan(entries: readonly ManifestEntry[], parts: Partial<SyncPlanInput> = {}) {
  return planSync({
    target: createTarget({
      set: createManifestSet(entries),
      sync: { ...defaultSyncOptions, namespace: 'shop' },
      health: [],
      dependsOn: [],
      deletionPolicy: 'prune',
      removed: false,
    }),
    application: 'a',
    applySetId: 'set-a',
    resolve: (_apiVersion, kind) => resource(kind),
    appliedDigest: () => undefined,
    livePartOf: () => undefined,
    holder: () => 'a',
    applicationOf: (id) => (id.startsWith('set-') ? id.slice(4) : undefined),
    definitions: new Map(),
    ...parts,
  });
}
const names = (stages: ReturnType<typeof plan>['stages']) =>
  stages.map((stage) => stage.map(({ key }) => key.name));

describe('planSync', () => {
  it('orders by wave, then kind, and puts what does not need each other in one stage', () => {
    const { stages } = plan([
      entry('Deployment', 'late', { wave: 1 }),
      entry('Deployment', 'web'),
      entry('Secret', 'b'),
      entry('ConfigMap', 'a'),
      entry('Namespace', 'shop'),
      entry('Service', 'early', { wave: -1 }),
    ]);
    expect(names(stages)).toEqual([['early'], ['shop'], ['a', 'b'], ['web'], ['late']]);
  });

  it('lets what hooks need go first: namespaces, definitions, and what their pods name and is not there', () => {
    const config = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'late' };
    const entries = [
      entry('Job', 'migrate', { hook: 'pre-sync' }),
      entry('ConfigMap', 'early', { wave: -5 }),
      entry('Namespace', 'shop', { wave: 3 }),
      entry('ConfigMap', 'late', { wave: 2 }),
    ];
    const parts = { references: [config, { ...config, name: 'elsewhere' }] };
    expect(names(plan(entries, parts).stages)).toEqual([['shop'], ['late'], ['early']]);
    const there = { ...parts, livePartOf: ({ name }: ObjectKey) => (name === 'late' ? 'set-a' : undefined) };
    expect(names(plan(entries, there).stages)).toEqual([['shop'], ['early'], ['late']]);
  });

  it("gives namespaced objects the application's namespace and lets them need it", () => {
    const { objects } = plan([entry('Namespace', 'shop'), entry('ConfigMap', 'a')]);
    expect(objects.map(({ keyText: text }) => text)).toEqual(['/Namespace//shop', '/ConfigMap/shop/a']);
    expect(objects[1]?.needs).toEqual(['/Namespace//shop']);
  });

  it('lets an object of a kind defined in the set need the definition', () => {
    const definitions = new Map([['x.io/Boat', 'the definition']]);
    const { objects } = plan([entry('Boat', 'one', {}, 'x.io')], { definitions });
    expect(objects[0]).toMatchObject({ verb: 'apply', needs: ['the definition'] });
  });

  it('keeps what is known to be applied', () => {
    const { objects } = plan([entry('ConfigMap', 'a'), entry('ConfigMap', 'b')], {
      appliedDigest: (text) => (text.endsWith('/a') ? 'digest-a' : 'older'),
    });
    expect(objects.map(({ verb }) => verb)).toEqual(['keep', 'apply']);
  });

  it('refuses what another application holds, naming it, and what another ApplySet has', () => {
    const held = plan([entry('ConfigMap', 'a')], { holder: () => 'b' }).objects[0];
    expect(held).toMatchObject({ verb: 'refuse' });
    expect(held?.message).toContain('held by the application b');
    const foreign = plan([entry('ConfigMap', 'a')], { livePartOf: () => 'applyset-other' }).objects[0];
    expect(foreign?.message).toContain('another ApplySet');
  });

  it('takes over what an application of ours no longer desires', () => {
    const { objects } = plan([entry('ConfigMap', 'a')], { livePartOf: () => 'set-b' });
    expect(objects[0]?.verb).toBe('apply');
  });
});

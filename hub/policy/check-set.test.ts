import { describe, expect, it } from 'vitest';
import { createManifestSet, type ManifestSet } from '../../shared/manifest/target.ts';
import { checkClaims } from './check-claims.ts';
import { checkSet, defaultSetLimits } from './check-set.ts';

function setOf(...objects: readonly string[]): ManifestSet {
  return createManifestSet(
    objects.map((text) => {
      const [kind = '', namespace = '', name = ''] = text.split('/');
      return {
        objectDigest: text,
        key: { group: '', kind, namespace, name },
        apiVersion: 'v1',
        originId: text,
        wave: 0,
      };
    }),
  );
}

const check = (set: ManifestSet, objects = new Map<string, { content: string }>()) =>
  checkSet({
    set,
    objects,
    defaultNamespace: 'default',
    limits: { ...defaultSetLimits, objectsMax: 3, objectBytesMax: 10, problemsMax: 2 },
  }).map(({ message }) => message);

describe('checkSet', () => {
  it('lets an ordinary set pass', () => {
    expect(check(setOf('ConfigMap/shop/a', 'ConfigMap/shop/b'))).toEqual([]);
  });

  it("refuses objects of the agent's namespace and that namespace itself", () => {
    expect(check(setOf('Secret/fairway-agent/x'))).toEqual([
      "Secret fairway-agent/x belongs to the agent's own namespace, which an application may not change: use another",
    ]);
    expect(check(setOf('Namespace//fairway-agent'))).toHaveLength(1);
  });

  it("refuses objects that get the agent's namespace from the application", () => {
    const set = setOf('Pod//x', 'Pod/shop/y', 'PersistentVolume//z');
    expect(
      checkSet({ set, objects: new Map(), defaultNamespace: 'fairway-agent' }).map(({ message }) => message),
    ).toEqual([
      "Pod x belongs to the agent's own namespace, which an application may not change: use another",
    ]);
  });

  it('finds an object that is there twice, once with the default namespace left out', () => {
    expect(check(setOf('ConfigMap/default/a', 'ConfigMap//a'))).toEqual([
      'ConfigMap a is there twice: keep one of them',
    ]);
  });

  it('bounds the number of objects, their size in bytes and the problems told', () => {
    expect(check(setOf('A//1', 'A//2', 'A//3', 'A//4'))).toEqual([
      'renders 4 objects, more than 3: split the application',
    ]);
    const content = 'äöüäöü';
    expect(check(setOf('A/x/1'), new Map([['A/x/1', { content }]]))).toEqual([
      'A x/1 is 12 bytes, more than 10, which the API server would refuse: make it smaller',
    ]);
    expect(check(setOf('A//1', 'A//1', 'A//1'))).toHaveLength(2);
    expect(check(setOf('A/fairway-agent/1', 'A/fairway-agent/2', 'A/fairway-agent/3'))[2]).toBe(
      'and 1 more problems of this kind',
    );
  });
});

describe('checkClaims', () => {
  const claim = (application: string, set: ManifestSet, inForce?: ManifestSet) => ({
    application,
    set,
    inForce,
    defaultNamespace: 'default',
  });
  const both = setOf('ConfigMap/shop/a');

  it('names the first to the second, by name where nobody has it yet', () => {
    const problems = checkClaims([claim('web', both), claim('api', both)]);
    expect([...problems.keys()]).toEqual(['web']);
    expect(problems.get('web')?.[0]?.message).toBe(
      'ConfigMap shop/a belongs to Application api in this cluster: take it out of one of the two',
    );
  });

  it('lets whoever has it now keep it', () => {
    expect([...checkClaims([claim('web', both, both), claim('api', both)]).keys()]).toEqual(['api']);
  });

  it('sees no conflict in a hand-over within one revision', () => {
    expect(checkClaims([claim('web', setOf(), both), claim('api', both)]).size).toBe(0);
  });

  it('finds a cluster-scoped object in two applications whatever their default namespaces', () => {
    const set = setOf('Namespace//shop');
    const claims = [claim('a', set), { ...claim('b', set), defaultNamespace: 'other' }];
    expect([...checkClaims(claims).keys()]).toEqual(['b']);
    const ours = setOf('ConfigMap//x');
    expect(checkClaims([claim('a', ours), { ...claim('b', ours), defaultNamespace: 'other' }]).size).toBe(0);
  });

  it('takes an object without a namespace for one of the default namespace', () => {
    expect([
      ...checkClaims([claim('a', setOf('ConfigMap//x')), claim('b', setOf('ConfigMap/default/x'))]).keys(),
    ]).toEqual(['b']);
  });
});

/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is tested */
import { describe, expect, it } from 'vitest';
import type { JsonObject, KubeObject } from '../../../shared/manifest/object.ts';
import { describeProblem } from '../../model/problem.ts';
import { createResource } from '../resource.ts';
import { createSubstituter, type SubstituteRequest } from './substitute.ts';
import { variablesOf } from './variables.ts';

const cluster = {
  name: 'eu-1',
  region: 'eu',
  role: 'primary',
  labels: { tier: 'gold', 'example.com/tier': 'silver' },
  variables: { REPLICAS: '3', HOST: 'eu-1.example', EMPTY: '', 'db-host': 'db', SPLIT: 'one\ntwo' },
  kubernetesVersion: '1.36.3',
} as const;
const variables = variablesOf(cluster, { HOST: 'elsewhere', OWN: 'own' });

const foo = (spec: JsonObject, metadata: JsonObject = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Foo', metadata: { name: 'web', ...metadata }, spec }) as unknown as KubeObject;

function run(object: KubeObject, options: Partial<SubstituteRequest> = {}) {
  const resource = createResource(object, { file: 'app/a.yaml', line: 7 });
  return createSubstituter().substitute([resource], { variables, optional: false, ...options });
}

function filled(spec: JsonObject, options: Partial<SubstituteRequest> = {}): unknown {
  const result = run(foo(spec), options);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  return (result.resources[0]!.object as unknown as { spec: unknown }).spec;
}

function refused(object: KubeObject, options: Partial<SubstituteRequest> = {}): readonly string[] {
  const result = run(object, options);
  return result.ok ? [] : result.problems.map(describeProblem);
}

describe('createSubstituter', () => {
  it('fills in variables of the Cluster, the Application and the hub itself', () => {
    expect(
      filled({
        host: '${HOST}',
        own: '${OWN}',
        built: '${FAIRWAY_CLUSTER_NAME} ${FAIRWAY_CLUSTER_REGION} ${FAIRWAY_CLUSTER_ROLE}',
        version: 'v${FAIRWAY_CLUSTER_KUBERNETES_VERSION}',
        labels: '${FAIRWAY_CLUSTER_LABEL_TIER}-${FAIRWAY_CLUSTER_LABEL_EXAMPLE_COM_TIER}',
        split: '${SPLIT}',
      }),
    ).toEqual({
      host: 'eu-1.example',
      own: 'own',
      built: 'eu-1 eu primary',
      version: 'v1.36.3',
      labels: 'gold-silver',
      split: 'onetwo',
    });
  });

  it('makes a number of a value that is one, but a text where Kubernetes takes nothing else', () => {
    const object = {
      ...foo({
        replicas: '${REPLICAS}',
        template: { metadata: { labels: { replicas: '${REPLICAS}' } } },
        containers: [{ env: [{ name: 'N', value: '${REPLICAS}' }] }],
      }),
      metadata: { name: 'web', annotations: { replicas: '${REPLICAS}' } },
      data: { replicas: '${REPLICAS}' },
    } as unknown as KubeObject;
    const result = run(object);
    expect(result.ok && result.resources[0]!.object).toEqual({
      apiVersion: 'v1',
      kind: 'Foo',
      metadata: { name: 'web', annotations: { replicas: '3' } },
      data: { replicas: '3' },
      spec: {
        replicas: 3,
        template: { metadata: { labels: { replicas: '3' } } },
        containers: [{ env: [{ name: 'N', value: '3' }] }],
      },
    });
  });

  it('names file, object and field of each variable that is not there, and says what would help', () => {
    const object = foo({ a: '${host}', list: ['x', { 'b.c': '${MISSING}' }], dash: '${db_host}' });
    expect(refused(object)).toEqual([
      'app/a.yaml:7: spec.a: Foo web: there is no variable host; did you mean HOST?',
      "app/a.yaml:7: spec.list[1][b.c]: Foo web: there is no variable MISSING; state it in the Cluster's variables, give a default as in ${MISSING:-default}, or set spec.substitute.optional",
      'app/a.yaml:7: spec.dash: Foo web: there is no variable db_host; db-host cannot be named here: use letters, digits and _ alone',
    ]);
    expect(refused(object, { optional: true })).toEqual([]);
  });

  it('says what is wrong with a form that cannot be read', () => {
    expect(refused(foo({ a: 'echo ${1#}', b: '${HOST' }))).toEqual([
      'app/a.yaml:7: spec.a: Foo web: expected something before "}" in a "${...}"',
      'app/a.yaml:7: spec.b: Foo web: the "${HOST" is not closed as expected: found "the end" for a "}"',
    ]);
    expect(refused(foo({ a: '${HOST:+x}', b: '${HOST+x}' }))).toEqual([
      'app/a.yaml:7: spec.a: Foo web: the form "${HOST:+...}" is not supported',
      'app/a.yaml:7: spec.b: Foo web: the form "${HOST+...}" is not supported',
    ]);
  });

  it('takes a default without a colon, and lets a variable be required with a reason', () => {
    expect(filled({ a: '${MISSING-x}', b: '${HOST-x}', c: '${HOST:?needed}' })).toEqual({
      a: 'x',
      b: 'eu-1.example',
      c: 'eu-1.example',
    });
    expect(refused(foo({ a: '${EMPTY:?say which}' }))[0]).toContain('needs a value for ${EMPTY}: say which');
  });

  it('leaves out an object that says so, and one with nothing to fill in as it is', () => {
    const disabled = foo({ a: '${MISSING}' }, { annotations: { 'fairway.dev/substitute': 'disabled' } });
    const flux = foo(
      { a: '${MISSING}' },
      { labels: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' } },
    );
    const plain = foo({ a: '$(MISSING) $HOME {}' });
    for (const object of [disabled, flux, plain]) {
      const result = run(object);
      expect(result.ok && result.resources[0]!.object).toBe(object);
    }
  });

  it('refuses to change what SOPS has signed', () => {
    const object = { ...foo({ a: '${HOST}' }), sops: { mac: 'ENC[x]' } } as unknown as KubeObject;
    expect(refused(object)[0]).toContain('is encrypted with SOPS');
  });

  it('keeps origin and place of an object whose name it fills in, and refuses a name that is no text', () => {
    const named = (name: string) => ({ ...foo({}), metadata: { name } }) as unknown as KubeObject;
    const result = run(named('web-${FAIRWAY_CLUSTER_NAME}'));
    expect(result.ok && result.resources[0]).toMatchObject({
      originId: '/Foo//web-${FAIRWAY_CLUSTER_NAME}',
      object: { metadata: { name: 'web-eu-1' } },
    });
    expect(refused(named('${REPLICAS}'))[0]).toContain(
      'after substitution: expected a text: put it in quotes',
    );
  });

  it('gives clusters with the same values the same object', () => {
    const substituter = createSubstituter();
    const resource = createResource(foo({ a: '${HOST}' }), { file: 'a', line: 1 });
    const [one, other] = [variables, new Map([...variables, ['OTHER', 'x']])].map((given) => {
      const result = substituter.substitute([resource], { variables: given, optional: false });
      return result.ok ? result.resources[0]!.object : undefined;
    });
    expect(one).toBe(other);
    expect(substituter.variablesIn([resource])).toEqual(['HOST']);
  });

  it('bounds what a text may grow to, and how deep it may be nested', () => {
    const big = new Map([['A', 'x'.repeat(4_096)]]);
    expect(refused(foo({ a: '${A}'.repeat(300) }), { variables: big })[0]).toContain('grows to more than');
    expect(refused(foo({ a: '${A:='.repeat(100) + '}'.repeat(100) }))[0]).toContain('nested more than 50');
  });

  it('never puts a value of a variable into a message', () => {
    const secret = new Map([['S', 'hunter2: {']]);
    const text = refused(foo({ a: '${S}', b: '${S^}${T}' }), { variables: secret }).join('\n');
    expect(text).toContain('is no valid YAML once its variables are filled in');
    expect(text).not.toContain('hunter2');
  });
});

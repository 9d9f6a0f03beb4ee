import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveFactName } from '../../shared/manifest/cluster-facts.ts';
import { fingerprintValue, placeOfValue } from '../../shared/manifest/fingerprint.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import {
  defaultFreshness,
  type Expectation,
  type ParityDifference,
  type ParityGroup,
} from '../model/parity.ts';
import { assessReadiness } from './assess-readiness.ts';
import { compareObject } from './compare-object.ts';
import { compareUnowned } from './compare-unowned.ts';
import { createExpectationBook } from './expectations.ts';
import type { ClusterFacts } from './finding.ts';
import {
  configMap,
  deployment,
  digestOf,
  driftOf,
  expectationOf,
  pairOf,
  type SideSpec,
} from './fixture.test-support.ts';
import { createNormaliser } from './normalise.ts';

const names = ['a', 'b', 'c', 'd'];
/** More fields than are told of one object. */
const bulk = Array.from({ length: 220 }, (_, at) => `a${at}`);
type Data = Readonly<Record<string, string>>;

/** A side as it was made, and what is really there: by the recipe itself, not by the code under test. */
interface Made {
  readonly spec: SideSpec;
  readonly live: Data | undefined;
}

const data = fc.dictionary(fc.constantFrom(...names), fc.constantFrom('x', 'y'), { maxKeys: 4 });
const changes = fc.dictionary(
  fc.constantFrom(...names),
  fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
  {
    minKeys: 1,
    maxKeys: 3,
  },
);

/** What somebody did by hand to what an apply came to: only fields that are really other now count as drift. */
function driftedFrom(applied: Data, base: Data, changed: Readonly<Record<string, string | undefined>>) {
  const real = Object.entries(changed).filter(([name, value]) => base[name] !== value);
  const live: Record<string, string> = { ...base };
  for (const [name, value] of real)
    if (value === undefined) delete live[name];
    else live[name] = value;
  const text = (value: string | undefined) => (value === undefined ? undefined : JSON.stringify(value));
  const fields = real.map(([name, value]) => ({
    ...{ path: `/data/${name}`, desired: text(applied[name]), live: text(value) },
  }));
  const drift: Drift | undefined = real.length === 0 ? undefined : { ...driftOf({}), fields };
  return { drift, live };
}

/** An admission webhook writes the values of some keys in its own way. */
function admitted(applied: Data, keys: readonly string[]): Data {
  return Object.fromEntries(
    Object.entries(applied).map(([name, value]) => [name, keys.includes(name) ? `admitted ${value}` : value]),
  );
}

const sideWith = (many: fc.Arbitrary<Data>): fc.Arbitrary<Made> =>
  fc
    .record({
      ...{ wanted: data, older: fc.option(data), changed: fc.option(changes), absent: fc.nat(9), many },
      keys: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray(names)),
    })
    .map(({ wanted: few, older, changed, absent, many: more, keys }): Made => {
      if (absent === 0) return { spec: {}, live: undefined };
      const wanted = { ...few, ...more };
      const applied = older ? { ...older, ...more } : wanted;
      const base = admitted(applied, keys);
      const { drift, live } = changed
        ? driftedFrom(applied, base, changed)
        : { drift: undefined, live: base };
      const spec = { wanted: configMap(wanted), applied: configMap(applied), drift };
      return { spec: { ...spec, more: { liveDigest: digestOf(configMap(base)) } }, live };
    });

const side = sideWith(fc.constant({}));
const largeSide = sideWith(
  fc.constantFrom('x', 'y').map((value) => Object.fromEntries(bulk.map((name) => [name, value]))),
);

const pathsOf = (name: string) => (name === 'bulk' ? bulk : [name]).map((one) => `/data/${one}`);
const expectations = fc
  .uniqueArray(fc.constantFrom(...names, 'only', 'bulk'), { maxLength: 3 })
  .map((chosen) =>
    chosen.map((name) =>
      name === 'only'
        ? expectationOf(name, { type: 'only', side: 'primary' })
        : expectationOf(name, { type: 'fields', paths: pathsOf(name) }),
    ),
  );

const run = (primary: Made, standby: Made, declared: readonly Expectation[]) => {
  const liveOf = (on: 'primary' | 'standby') => {
    const { live } = on === 'primary' ? primary : standby;
    return live && configMap(live);
  };
  const { pair, context } = pairOf(primary.spec, standby.spec, declared, { liveOf });
  return compareObject(pair, context).differences;
};

/** By brute force: the fields of both maps, one by one. */
function oracle(primary: Made, standby: Made, declared: readonly Expectation[]): boolean {
  const [left, right] = [primary.live, standby.live];
  const allowed = new Set(declared.map(({ name }) => name));
  if (!left || !right) return left === right || (left !== undefined && allowed.has('only'));
  return (
    names.every((name) => left[name] === right[name] || allowed.has(name)) &&
    bulk.every((name) => left[name] === right[name] || allowed.has('bulk'))
  );
}

/** As the report of the group says. */
function isWhole(differences: readonly ParityDifference[]): boolean {
  const pair = { standby: 'two', objects: 1, differences, presence: [], catchUpMs: undefined };
  return assessReadiness({ group, pairs: [pair], problems: [], before: undefined, nowMs: 0 }).whole;
}
const group: ParityGroup = {
  ...{ name: 'pair', primary: 'one', standbys: { clusters: ['two'], region: undefined }, owner: 'team' },
  ...{ applications: { names: [], selector: undefined }, expectations: [], variables: {} },
  ...{ freshness: defaultFreshness, origin: { file: 'fleet/pair.yaml', line: 1, commit: '' } },
};
const open = (differences: readonly ParityDifference[]) =>
  differences.filter((one) => one.class !== 'declared').map(({ path }) => path);

describe('parity, for any pair', () => {
  it('is whole if and only if what is there is equal after what was declared', () => {
    fc.assert(
      fc.property(side, side, expectations, (primary, standby, declared) => {
        expect(isWhole(run(primary, standby, declared))).toBe(oracle(primary, standby, declared));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is so also of objects that differ in more fields than are told', () => {
    fc.assert(
      fc.property(largeSide, largeSide, expectations, (primary, standby, declared) => {
        expect(isWhole(run(primary, standby, declared))).toBe(oracle(primary, standby, declared));
      }),
      { numRuns: 300 },
    );
  });

  it('tells each difference once, with one class and an id of its own', () => {
    fc.assert(
      fc.property(side, side, expectations, (primary, standby, declared) => {
        const differences = run(primary, standby, declared);
        expect(new Set(differences.map(({ id }) => id)).size).toBe(differences.length);
        expect(new Set(differences.map(({ path }) => path)).size).toBe(differences.length);
      }),
    );
  });

  it('hides by an expectation only what it is about', () => {
    fc.assert(
      fc.property(side, side, expectations, (primary, standby, declared) => {
        const bare = run(primary, standby, []);
        const covered = run(primary, standby, declared);
        expect(covered.map(({ id }) => id)).toEqual(bare.map(({ id }) => id));
        const about = new Set(declared.map(({ name }) => (name === 'only' ? '' : `/data/${name}`)));
        const hidden = open(bare).filter((path) => !open(covered).includes(path));
        for (const path of hidden) expect(about.has(path)).toBe(true);
      }),
    );
  });

  it('tells the same fields the other way round', () => {
    const mirrored: Readonly<Record<string, string>> = { missing: 'extra', extra: 'missing' };
    const fieldsOf = (differences: readonly ParityDifference[]) =>
      differences.map((one) => `${one.path} ${mirrored[one.class] ?? one.class}`).sort();
    const plain = (differences: readonly ParityDifference[]) =>
      differences.map((one) => `${one.path} ${one.class}`).sort();
    fc.assert(
      fc.property(side, side, (primary, standby) => {
        expect(fieldsOf(run(primary, standby, []))).toEqual(plain(run(standby, primary, [])));
      }),
    );
  });

  it('is whole of fields that nobody applies if and only if both agents say the same of all that are listed', () => {
    const paths = ['/spec/a', '/spec/b'] as const;
    const entry = fc.option(fc.dictionary(fc.constantFrom(...paths), fc.constantFrom(1, 2)), {
      nil: undefined,
    });
    const { pair } = pairOf({ wanted: deployment(1) }, { wanted: deployment(1) });
    const factsOf = (values: Readonly<Record<string, number>> | undefined): ClusterFacts => ({
      values: new Map([
        [
          'unowned',
          values === undefined
            ? {}
            : {
                [liveFactName(pair.application, pair.originId)]: Object.fromEntries(
                  Object.entries(values).map(([path, value]) => [path, { value, manager: 'x' }]),
                ),
              },
        ],
      ]),
      ...{ gaps: new Map(), saltedFor: 'eu' },
    });
    fc.assert(
      fc.property(
        entry,
        entry,
        fc.subarray([...paths]),
        fc.subarray([...paths]),
        (left, right, listed, allowed) => {
          const declared = allowed.map((path) => expectationOf(path, { type: 'fields', paths: [path] }));
          const same = (value: Json) => value;
          const differences = compareUnowned({
            ...{
              primary: 'one',
              standby: 'two',
              fields: listed.map((path) => ({ kind: 'Deployment', path })),
            },
            ...{ facts: { primary: factsOf(left), standby: factsOf(right) }, pairs: [pair] },
            ...{ normalisers: { primary: same, standby: same }, book: createExpectationBook(declared) },
          });
          const equal = listed.every((path) => left?.[path] === right?.[path] || allowed.includes(path));
          expect(isWhole(differences)).toBe(left === undefined || right === undefined || equal);
        },
      ),
    );
  });
});

const registries = { primary: 'north.example.com', standby: 'south.example.com' } as const;
const shape = fc.record({ replicas: fc.nat(3), host: fc.constantFrom('own', 'other', 'common') });
type Shape = typeof shape extends fc.Arbitrary<infer Of> ? Of : never;

/** A Deployment as it is there: its image comes from the registry of the cluster's own region, of the other's, or of all. */
function deploymentOf({ replicas, host }: Shape, on: 'primary' | 'standby') {
  const other = on === 'primary' ? 'standby' : 'primary';
  const registry = host === 'common' ? 'example.com' : registries[host === 'own' ? on : other];
  return deployment(replicas, `${registry}/web:1`);
}

const kinds = {
  fewer: expectationOf('fewer', {
    ...{ type: 'rule', paths: ['/spec/replicas'] },
    holds: 'standby.spec.replicas <= primary.spec.replicas',
  }),
  cold: expectationOf('cold', { type: 'scaledToZero' }),
  image: expectationOf('image', {
    ...{ type: 'fields', paths: ['/spec/template/spec/containers/*/image'] },
  }),
};

/** In plain words: how many may run where, and which registry is whose. */
function isAlike(primary: Shape, standby: Shape, declared: ReadonlySet<string>, isWord: boolean): boolean {
  const fewer = declared.has('fewer') && standby.replicas <= primary.replicas;
  const cold = declared.has('cold') && standby.replicas === 0;
  const text = (one: Shape, on: 'primary' | 'standby') =>
    one.host === 'common' ? 'common' : one.host === 'own' ? on : on === 'primary' ? 'standby' : 'primary';
  const same = text(primary, 'primary') === text(standby, 'standby');
  const mine = isWord && primary.host === 'own' && standby.host === 'own';
  return (primary.replicas === standby.replicas || fewer || cold) && (same || mine || declared.has('image'));
}

describe('parity, for any pair of Deployments', () => {
  it('is whole if and only if rules, zero replicas and words for the same thing account for all', () => {
    const names = fc.uniqueArray(fc.constantFrom('fewer', 'cold', 'image' as const));
    fc.assert(
      fc.property(
        shape,
        shape,
        names,
        fc.boolean(),
        fc.boolean(),
        (primary, standby, chosen, isWord, late) => {
          const declared = chosen.map((name) => kinds[name as keyof typeof kinds]);
          const words = (on: 'primary' | 'standby') =>
            createNormaliser({
              variables: new Map(isWord ? [['registry', registries[on]]] : []),
              names: new Map(),
            });
          const there = deploymentOf(standby, 'standby');
          // What is there counts, whatever Git wants by now.
          const side = late ? { wanted: deployment(7), applied: there } : { wanted: there };
          const { pair, context } = pairOf({ wanted: deploymentOf(primary, 'primary') }, side, declared, {
            normalisers: { primary: words('primary'), standby: words('standby') },
          });
          const whole = isWhole(compareObject(pair, context).differences);
          expect(whole).toBe(isAlike(primary, standby, new Set(chosen), isWord));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

const salt = new Uint8Array(32);
const held = fc.record({
  value: fc.constantFrom('one', 'two'),
  how: fc.constantFrom('data', 'stringData', 'sealed data', 'sealed stringData'),
  told: fc.boolean(),
});
type Held = typeof held extends fc.Arbitrary<infer Of> ? Of : never;
const encode = (text: string) => Buffer.from(text).toString('base64');

/** A Secret as Git has it; where it is encrypted, the same value is another text in each cluster. */
function secretOf({ value, how }: Held, on: string): KubeObject {
  const [field = ''] = how.split(' ').slice(-1);
  const text = field === 'data' ? encode(value) : value;
  const sealed = how.startsWith('sealed');
  const written = sealed ? `ENC[AES256_GCM,data:${on} ${encode(value)},iv:a,tag:b,type:str]` : text;
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace: 'shop' } },
    ...{ [field]: { a: written }, ...(sealed && { sops: { mac: 'm' } }) },
  };
}

describe('parity, for any pair of Secrets', () => {
  it('is whole if and only if both hold the same, written and encrypted in whatever way, and agents have said so', () => {
    fc.assert(
      fc.property(held, held, (primary, standby) => {
        const wanted = { primary: secretOf(primary, 'one'), standby: secretOf(standby, 'two') };
        const { pair, context } = pairOf({ wanted: wanted.primary }, { wanted: wanted.standby });
        const place = placeOfValue(pair.application, pair.originId, '/data/a');
        const says = ({ how, told, value }: Held) =>
          told && how.startsWith('sealed')
            ? { [`/${how.slice('sealed '.length)}/a`]: fingerprintValue(salt, place, encode(value)) }
            : undefined;
        const sealedOf = (digest: string) =>
          digest === digestOf(wanted.primary) ? says(primary) : says(standby);
        const { differences } = compareObject(pair, { ...context, salt, sealedOf });
        const known = [primary, standby].every(({ how, told }) => told || !how.startsWith('sealed'));
        expect(isWhole(differences)).toBe(known && primary.value === standby.value);
        for (const text of ['one', 'two'].map(encode))
          expect(JSON.stringify(differences)).not.toContain(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Object pairs for tests, made of what Git wants, what was applied and what was changed by hand. */
import { canonicalJson, digestText } from '../../shared/manifest/canonical.ts';
import type { Drift } from '../../shared/manifest/health.ts';
import { type KubeObject, keyOf, keyText } from '../../shared/manifest/object.ts';
import type { ObjectObservation } from '../model/observation.ts';
import type { Expectation, ExpectationKind } from '../model/parity.ts';
import type { PairContext } from './compare-object.ts';
import { createExpectationBook } from './expectations.ts';
import type { ObjectPair, SideObject } from './object-pair.ts';

export interface SideSpec {
  /** What Git wants; undefined: no such object. */
  readonly wanted?: KubeObject | undefined;
  /** What was applied. Default: what is wanted. Null: nothing is there. */
  readonly applied?: KubeObject | null | undefined;
  readonly drift?: Drift | undefined;
  readonly more?: Partial<ObjectObservation>;
}

export function configMap(data: Readonly<Record<string, string>>, name = 'settings'): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
}

export function deployment(replicas: number, image = 'web:1', name = 'web'): KubeObject {
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'shop' } },
    spec: { replicas, template: { spec: { containers: [{ name: 'web', image }] } } },
  };
}

export function driftOf(
  fields: Readonly<Record<string, string | undefined>>,
  kind: Drift['kind'] = 'changed',
): Drift {
  return {
    fields: Object.entries(fields).map(([path, live]) => ({
      path,
      desired: '"before"',
      ...(live !== undefined && { live: JSON.stringify(live) }),
    })),
    managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: 1_000 }],
    ...{ kind, foundAtMs: 2_000 },
  };
}

export function expectationOf(
  name: string,
  kind: ExpectationKind,
  part: Partial<Expectation> = {},
): Expectation {
  return {
    ...{ name, owner: `owner of ${name}`, reason: `reason of ${name}`, expiresAtMs: undefined, kind },
    scope: { applications: [], kinds: [], namespaces: [], names: [] },
    ...part,
  };
}

export interface PairBed {
  readonly pair: ObjectPair;
  readonly context: PairContext;
}

export function digestOf(object: KubeObject): string {
  return digestText(canonicalJson(object));
}

function sideOf(cluster: string, spec: SideSpec, contents: Map<string, KubeObject>): SideObject | undefined {
  const { wanted, drift, more } = spec;
  const applied = spec.applied === undefined ? wanted : spec.applied;
  const object = wanted ?? applied;
  if (!object) return undefined;
  for (const one of [wanted, applied]) if (one) contents.set(digestOf(one), one);
  const observed: ObjectObservation | undefined = applied
    ? {
        ...{ cluster, application: 'web', key: keyOf(applied), objectDigest: digestOf(applied), drift },
        ...{
          liveDigest: digestOf(applied),
          reason: '',
          message: '',
        },
        ...{ syncStatus: drift ? 'Drifted' : 'Synced', healthStatus: 'Current' },
        ...{ lastAction: 'unchanged', generation: 1, timeMs: 1 },
        ...more,
      }
    : undefined;
  return {
    ...{ key: keyOf(object), apiVersion: object.apiVersion, observed, assignedAtMs: 500 },
    wanted: wanted && digestOf(wanted),
  };
}

export function pairOf(
  primary: SideSpec,
  standby: SideSpec,
  expectations: readonly Expectation[] = [],
  part: Partial<PairContext> = {},
): PairBed {
  const contents = new Map<string, KubeObject>();
  const [left, right] = [sideOf('one', primary, contents), sideOf('two', standby, contents)];
  const key = (left ?? right)?.key ?? keyOf(configMap({}));
  return {
    pair: { application: 'web', originId: keyText(key), origin: key, primary: left, standby: right },
    context: {
      ...{ primary: 'one', standby: 'two', schemaOf: () => undefined, liveOf: () => undefined },
      contentOf: (digest) => contents.get(digest),
      normalisers: { primary: (value) => value, standby: (value) => value },
      book: createExpectationBook(expectations),
      ignore: [],
      ...{ salt: new Uint8Array(32), sealedOf: () => undefined },
      ...part,
    },
  };
}

import { describe, expect, it } from 'vitest';
import type { ParityGroup } from '../model/parity.ts';
import { describeProblem } from '../model/problem.ts';
import { readResource } from './read-resource.ts';
import { readYamlDocuments } from './yaml-document.ts';

const text = (spec: string) =>
  `apiVersion: fairway.dev/v1alpha1\nkind: ParityGroup\nmetadata: {name: pair}\nspec:\n${spec}`;
const least = '  primary: eu-1\n  standbys: {clusters: [eu-2]}\n';

function read(spec: string) {
  const [document] = readYamlDocuments(text(spec));
  if (!document) throw new Error('there is no document');
  return readResource(document, 'fleet/dr.yaml', 'c');
}

function group(spec: string): ParityGroup {
  const result = read(spec);
  if (!('kind' in result) || result.kind !== 'ParityGroup') throw new Error(JSON.stringify(result));
  return result.value;
}

function refused(spec: string): readonly string[] {
  const result = read(spec);
  return 'kind' in result ? [] : result.map(describeProblem);
}

const expectation = (fields: string, more = 'owner: ann, reason: because') =>
  `${least}  expectations:\n    - {name: a, ${more}, ${fields}}\n`;

describe('readResource, of parity groups', () => {
  it('reads how its failovers go, and after what silence its primary fences itself', () => {
    expect(group(`${least}  failover: {fencing: {after: 2m}}\n`).failover).toEqual({
      ...{ strategy: 'failover', commit: 'commit' },
      fencing: { afterMs: 120_000 },
    });
    expect(group(`${least}  failover: {commit: branch}\n`).failover).toEqual({
      ...{ strategy: 'failover', commit: 'branch' },
    });
  });

  it('fills in defaults: all applications, nothing declared', () => {
    expect(group(least)).toEqual({
      ...{ name: 'pair', primary: 'eu-1', standbys: { clusters: ['eu-2'], region: undefined }, owner: '' },
      applications: { names: [], selector: undefined },
      ...{ expectations: [], variables: {} },
      freshness: {
        ...{ reportWithinMs: 120_000, lagWithinMs: 900_000, backupWithinMs: 86_400_000 },
        certificateMs: 14 * 86_400_000,
      },
      origin: { file: 'fleet/dr.yaml', line: 1, commit: 'c' },
    });
  });

  it('reads an objective, and refuses what leaves nothing to miss', () => {
    const day = 86_400_000;
    expect(group(`${least}  objective: {target: 99.95, window: 7d}\n`).objective).toEqual({
      ...{ share: 0.9995, windowMs: 7 * day },
    });
    expect(group(`${least}  objective: {}\n`).objective).toEqual({ share: 0.999, windowMs: 30 * day });
    expect(refused(`${least}  objective: {target: 100}\n`)[0]).toContain('spec.objective.target');
    expect(refused(`${least}  objective: {window: 5m}\n`)[0]).toContain('expected at least 1d');
  });

  it('reads each kind of expectation', () => {
    const kindOf = (fields: string) => group(expectation(fields)).expectations[0]?.kind;
    expect(kindOf('fields: {paths: [/spec/replicas]}')).toEqual({
      type: 'fields',
      paths: ['/spec/replicas'],
    });
    expect(kindOf('rule: {paths: [/a], holds: primary.a == standby.a}')).toEqual({
      ...{ type: 'rule', paths: ['/a'], holds: 'primary.a == standby.a' },
    });
    expect(kindOf('only: standby')).toEqual({ type: 'only', side: 'standby' });
    expect(kindOf('scaledToZero: true')).toEqual({ type: 'scaledToZero' });
    const [timed] = group(
      expectation('only: primary, expires: "2026-12-31T00:00:00Z", match: {kinds: [Job]}'),
    ).expectations;
    expect(timed).toMatchObject({
      expiresAtMs: Date.UTC(2026, 11, 31),
      scope: { kinds: ['Job'], names: [] },
    });
  });

  it.each([
    ['no primary', '  standbys: {clusters: [b]}\n', 'fleet/dr.yaml:4: spec.primary: is required'],
    [
      'no standby',
      '  primary: a\n  standbys: {}\n',
      'fleet/dr.yaml:6: spec.standbys: expected clusters, the names of the standbys, or region',
    ],
    [
      'a primary that stands by for itself',
      '  primary: a\n  standbys: {clusters: [b, a]}\n',
      'fleet/dr.yaml:6: spec.standbys.clusters[1]: a is the primary',
    ],
    [
      'an expectation of no kind',
      expectation('match: {kinds: [Job]}'),
      'fleet/dr.yaml:8: spec.expectations[0]: expected exactly one of fields, rule, only, scaledToZero, found none',
    ],
    [
      'an expectation of two kinds',
      expectation('only: primary, scaledToZero: true'),
      'fleet/dr.yaml:8: spec.expectations[0]: expected exactly one of fields, rule, only, scaledToZero, found only and scaledToZero',
    ],
    [
      'an expectation that nobody owns',
      expectation('only: primary', 'reason: because'),
      'fleet/dr.yaml:8: spec.expectations[0].owner: is required',
    ],
    [
      'a rule that is no CEL',
      expectation('rule: {paths: [/a], holds: stanby.a == 1}'),
      'fleet/dr.yaml:8: spec.expectations[0].rule.holds: unknown name stanby; known are primary, standby',
    ],
    [
      'a path that is none',
      expectation('fields: {paths: [spec.replicas]}'),
      'fleet/dr.yaml:8: spec.expectations[0].fields.paths[0]: expected a path such as /spec/replicas',
    ],
    [
      'a time without a zone',
      expectation('only: primary, expires: "2026-12-31T00:00:00"'),
      'fleet/dr.yaml:8: spec.expectations[0].expires: expected a time with its zone',
    ],
    [
      'two expectations of one name',
      `${least}  expectations:\n    - {name: a, owner: x, reason: y, only: primary}\n    - {name: a, owner: x, reason: y, only: standby}\n`,
      'fleet/dr.yaml:9: spec.expectations[1].name: a is taken by spec.expectations[0]',
    ],
    [
      'a variable that no cluster states',
      `${least}  variables: {region: "{{cluster.regoin}}"}\n`,
      'fleet/dr.yaml:7: spec.variables.region: unknown variable {{cluster.regoin}}',
    ],
    [
      'a variable that is the same everywhere',
      `${least}  variables: {region: eu}\n`,
      'fleet/dr.yaml:7: spec.variables.region: is the same in every cluster',
    ],
    [
      'a path of an unowned field that goes into a list',
      `${least}  compare: {unowned: [{kind: Pod, path: "/spec/containers/[name=web]/image"}]}\n`,
      'fleet/dr.yaml:7: spec.compare.unowned[0].path: expected a path of names such as /spec/replicas',
    ],
    [
      'an unowned field that is listed twice',
      `${least}  compare:\n    unowned:\n      - {kind: Deployment, path: /spec/replicas}\n      - {kind: Deployment, path: /spec/replicas}\n`,
      'fleet/dr.yaml:10: spec.compare.unowned[1].path: /spec/replicas of Deployment is listed twice',
    ],
    [
      'an unowned field without its kind',
      `${least}  compare: {unowned: [{path: /spec/replicas}]}\n`,
      'fleet/dr.yaml:7: spec.compare.unowned[0].kind',
    ],
    [
      'a field that is not known',
      `${least}  standby: b\n`,
      'fleet/dr.yaml:7: spec.standby: unknown field; did you mean standbys?',
    ],
  ])('refuses %s, with its line', (_name, spec, message) => {
    expect(refused(spec).join('\n')).toContain(message);
  });
});

/**
 * Rules of an application for kinds that no rule here knows, or knows otherwise: CEL texts `current`, `inProgress`, `failed`, each true or false. Deletion, an unobserved
 * generation and `Stalled` come first, as everywhere; then `inProgress`, `failed` and `current` are asked in this order. Where none is true the object is on its way, or,
 * where `current` is not given, current.
 */
import { type CelProgram, type CelTruth, truthOf } from '../cel/cel.ts';
import { compileCel } from '../cel/compile.ts';
import { isSensitive } from '../manifest/masking.ts';
import { groupOf, type KubeObject } from '../manifest/object.ts';
import type { HealthRule } from '../manifest/target.ts';
import { conditionsOf, current, type Judge, progress, verdict } from './fields.ts';
import { genericHealth } from './health.ts';

/** The object, and its members by themselves: expressions written for Flux's `healthCheckExprs` work as they are. */
const healthVariables = ['object', 'metadata', 'spec', 'status', 'data'] as const;

const verdicts = { inProgress: 'InProgress', failed: 'Failed', current: 'Current' } as const;
type Field = keyof typeof verdicts;
const order: readonly Field[] = ['inProgress', 'failed', 'current'];

/** What is wrong with a text of a rule, in words that begin with its place; undefined: nothing. */
export function checkHealthExpression(text: string): string | undefined {
  const made = compileCel(text, { variables: healthVariables });
  if (made.ok) return undefined;
  const { line, column, message } = made.problem;
  return `line ${line}, column ${column}: ${message}`;
}

function bindingsOf(object: KubeObject) {
  // Which manager wrote what is large, and nobody's health.
  const { managedFields: _managers, ...metadata } = object.metadata;
  const whole = { ...object, metadata };
  return { object: whole, metadata, spec: object['spec'], status: object['status'], data: object['data'] };
}

/** The object's own words for its state: those of `Ready`, else of the first condition that is not True. */
function wordsOf(object: KubeObject): string {
  const conditions = conditionsOf(object);
  const ready = conditions.find(({ type }) => type === 'Ready');
  const first = conditions.find(({ status, message }) => status !== 'True' && message !== '');
  return ready?.message || first?.message || '';
}

/** A rule as a judge. Texts are parsed once; one that does not parse or evaluate gives Unknown, with the reason. */
export function createRuleJudge(rule: HealthRule): Judge {
  const programs = order
    .filter((field) => rule[field] !== '')
    .map((field): readonly [Field, CelProgram | string] => {
      const made = compileCel(rule[field], { variables: healthVariables });
      return [field, made.ok ? made.program : made.problem.message];
    });
  return (object) => {
    const generic = genericHealth(object);
    if (generic) return generic;
    const bindings = bindingsOf(object);
    for (const [field, program] of programs) {
      const truth: CelTruth =
        typeof program === 'string' ? { ok: false, message: program } : truthOf(program.evaluate(bindings));
      if (!truth.ok)
        return verdict(
          'Unknown',
          'HealthRuleError',
          `${field}: ${isSensitive(object) ? 'cannot be evaluated' : truth.message}`,
        );
      if (truth.value)
        return verdict(verdicts[field], field === 'current' ? '' : 'HealthRule', saidOf(field, object));
    }
    return rule.current === ''
      ? current
      : progress(wordsOf(object) || 'its rule for current is not met', 'HealthRule');
  };
}

function saidOf(field: Field, object: KubeObject): string {
  if (field === 'current') return '';
  return wordsOf(object) || `its rule for ${field} is met`;
}

/** The rule for an object: of its very apiVersion, else of another version of its group. */
export function findHealthRule(
  rules: readonly HealthRule[],
  object: Pick<KubeObject, 'apiVersion' | 'kind'>,
): HealthRule | undefined {
  const ofKind = rules.filter(({ kind }) => kind === object.kind);
  const group = groupOf(object.apiVersion);
  return (
    ofKind.find(({ apiVersion }) => apiVersion === object.apiVersion) ??
    ofKind.find(({ apiVersion }) => groupOf(apiVersion) === group)
  );
}

/** Verdicts with the rules of applications: shared/health, and for the kinds that an application's `health` names its CEL texts. */

import type { Judge } from '../../shared/health/fields.ts';
import { judgeHealth, needsFullObject } from '../../shared/health/health.ts';
import type { Health } from '../../shared/manifest/health.ts';
import { groupOf, type KubeObject } from '../../shared/manifest/object.ts';
import type { HealthRule } from '../../shared/manifest/target.ts';

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

export interface HealthJudge {
  /** @param application whose object it is; undefined: nobody's rules count. */
  judge(object: KubeObject, application: string | undefined): Health;
  /** Whether verdicts on the kind need more than metadata. */
  needsFullObject(group: string, kind: string): boolean;
  /**
   * Takes over what an application says; none forgets it. The CEL library is loaded with the first rule. Returns the kinds on which verdicts may be
   * others now: their watches have to look again.
   */
  learn(application: string, rules: readonly HealthRule[]): Promise<readonly GroupKind[]>;
}

interface Learned {
  readonly text: string;
  readonly rules: readonly HealthRule[];
  readonly find: (object: KubeObject) => Judge | undefined;
}

function kindsOf(rules: readonly HealthRule[]): readonly GroupKind[] {
  return rules.map(({ apiVersion, kind }) => ({ group: groupOf(apiVersion), kind }));
}

async function compileRules(rules: readonly HealthRule[]): Promise<Learned['find']> {
  const { createRuleJudge, findHealthRule } = await import('../../shared/health/evaluate-rules.ts');
  const judges = new Map(rules.map((rule) => [rule, createRuleJudge(rule)]));
  return (object) => {
    const rule = findHealthRule(rules, object);
    return rule && judges.get(rule);
  };
}

export function createHealthJudge(): HealthJudge {
  const learned = new Map<string, Learned>();
  return {
    judge(object, application) {
      const rule = application === undefined ? undefined : learned.get(application)?.find(object);
      return rule ? rule(object) : judgeHealth(object);
    },
    needsFullObject(group, kind) {
      if (needsFullObject(group, kind)) return true;
      return [...learned.values()].some(({ rules }) =>
        kindsOf(rules).some((one) => one.group === group && one.kind === kind),
      );
    },
    async learn(application, rules) {
      const before = learned.get(application);
      const text = JSON.stringify(rules);
      if (text === (before?.text ?? '[]')) return [];
      if (rules.length === 0) learned.delete(application);
      else learned.set(application, { text, rules, find: await compileRules(rules) });
      return kindsOf([...(before?.rules ?? []), ...rules]);
    },
  };
}

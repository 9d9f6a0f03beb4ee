import { parseKeyText } from '../../../shared/manifest/object.ts';
import type { ApplyPorts } from '../../apply/execute-applies.ts';
import { executeApplies } from '../../apply/execute-applies.ts';
import type { PlannedObject, SyncPlan } from '../../apply/plan-sync.ts';
import type { AgentContext, ApplicationState } from '../context.ts';

/**
 * While a new version waits, the one before stays: what it has and the new one has not is kept known, and healed. Deleting it is for when the new one is
 * applied. @returns its keys.
 */
export async function healFormer(
  context: AgentContext,
  state: ApplicationState,
  plan: SyncPlan,
  ports: ApplyPorts,
): Promise<readonly string[]> {
  const planned = new Set(plan.objects.map(({ keyText }) => keyText));
  const former = [...state.records].filter(
    ([text]) => !planned.has(text) && context.claims.claimedBy(text, state.application) === undefined,
  );
  const objects = former
    .filter(
      ([text, { objectDigest }]) => state.reapply.has(text) && ports.objectText(objectDigest) !== undefined,
    )
    .map(([text, { key, apiVersion, objectDigest }]): PlannedObject => {
      const entry = { objectDigest, key: parseKeyText(text) ?? key, apiVersion, originId: text, wave: 0 };
      return {
        entry,
        key,
        keyText: text,
        verb: 'apply',
        message: '',
        needs: [],
        recorded: objectDigest,
        heal: true,
        early: false,
      };
    });
  if (objects.length > 0) await executeApplies({ stages: [objects], objects }, ports);
  return former.map(([text]) => text);
}

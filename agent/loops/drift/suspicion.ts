import type { AppliedRecord } from '../../model/record.ts';
import { isSuspicious } from '../../observe/facts.ts';
import type { AgentContext } from '../context.ts';

function isOlder(seen: string, known: string): boolean {
  // Resource versions of one resource are ordered numbers (KEP-5504); anything else counts as news.
  return /^\d+$/.test(seen) && /^\d+$/.test(known) && BigInt(seen) <= BigInt(known);
}

/** Whether the watch's last word still differs from what we know: our own apply may have answered it already. */
export function stillSuspected(context: AgentContext, record: AppliedRecord, text: string): boolean {
  const seen = context.observer.get(record.key.group, record.key.kind, text);
  if (!seen) return true;
  if (
    seen.facts.uid === record.facts.uid &&
    isOlder(seen.facts.resourceVersion, record.facts.resourceVersion)
  )
    return false;
  return isSuspicious(record.facts, seen.facts);
}

/** More than a new version of an object that has no generation, which may be its status. */
export function isLikelyDrift(context: AgentContext, { key, facts }: AppliedRecord, text: string): boolean {
  const seen = context.observer.get(key.group, key.kind, text)?.facts;
  if (!seen) return true;
  const names = ['uid', 'own', 'metadata', 'foreign', 'generation'] as const;
  return names.some((name) => seen[name] !== facts[name]);
}

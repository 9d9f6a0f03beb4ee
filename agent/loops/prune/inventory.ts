/** The inventory's parent in step with a set: it names all that may come to be before anything does, and less once the rest is gone. */
import { toFairwayError } from '../../../shared/error/error.ts';
import { groupOf, keyText } from '../../../shared/manifest/object.ts';
import { defaultPruneLimit } from '../../../shared/manifest/target.ts';
import { effectiveKey } from '../../apply/effective-object.ts';
import { formatGroupKind, formatParent, type ParentContent, saveParent } from '../../apply/parent.ts';
import { isBeyondLimit, isOurs } from '../../apply/plan-prune.ts';
import type { DesiredApplication } from '../../model/desired.ts';
import { formatHookMemory } from '../../model/hook-memory.ts';
import { formatMark } from '../../model/marks.ts';
import type { AgentContext, ApplicationState } from '../context.ts';
import { assertNotOutdated } from '../fence.ts';
import { beginHooks } from '../release/release.ts';
import { findUnwatched, planApplicationPrune, watchInventory } from './prune-phase.ts';

/** The kinds a set needs, as the parent names them, and their namespaces. */
export function contentOf(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): ParentContent {
  const { entries } = desired.target.set;
  const namespaces = entries.map((entry) => {
    const resource = context.resources.find(entry.apiVersion, entry.key.kind);
    return effectiveKey(entry, resource, desired.target.sync.namespace).namespace;
  });
  const groupKinds = entries.map(({ apiVersion, key }) => formatGroupKind(groupOf(apiVersion), key.kind));
  const mark = formatMark(desired);
  // A target that is applied already, given again, is no reason to write.
  const isMarked = state.marked === mark || state.appliedDigest === desired.target.digest;
  return {
    application: desired.application,
    groupKinds: [...new Set(groupKinds)].sort(),
    namespaces: [...new Set(namespaces)].filter((name) => name !== '').sort(),
    mark: (isMarked ? state.parent?.mark : undefined) ?? mark,
    hooks: state.hooks && formatHookMemory(state.hooks),
  };
}

/** Saves the inventory's parent, if it is to say something else than it does. */
export async function writeParent(
  context: AgentContext,
  state: ApplicationState,
  content: ParentContent,
  signal: AbortSignal,
): Promise<void> {
  const text = (parent: ParentContent) => JSON.stringify(formatParent(parent, context.namespace));
  if (!state.parent || text(state.parent) !== text(content))
    await saveParent(context.kube, content, context.namespace, signal);
  // The annotation leaves out the agent's own namespace, which is to be watched like the others.
  state.parent = content;
}

/** Marks a new target where all agents of the cluster see it without a request of its own, if there is such a place; else the parent bears the mark. */
async function markTarget(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
): Promise<void> {
  const settle = context.marks?.settle;
  if (!settle || state.appliedDigest === desired.target.digest) return;
  try {
    await settle();
    state.marked = formatMark(desired);
  } catch (caught) {
    // Told in the log by who could not write it.
    context.log.debug('a target is marked on its parent', { error: toFairwayError(caught) });
  }
}

/**
 * How many objects there are, where the target would delete too many of them. Counted before anything of it is made: what it brings is no reason to delete more, and neither is an
 * agent that starts anew, or the next target.
 */
async function countBefore(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<number | undefined> {
  const known = state.parent?.objectsBefore;
  const { sync, set, digest } = desired.target;
  if (known !== undefined || !state.parent || state.appliedDigest === digest) return known;
  await watchInventory(context, state, signal);
  if (findUnwatched(context, state)) return undefined;
  const keys = new Set(
    set.entries.map((entry) => {
      const resource = context.resources.find(entry.apiVersion, entry.key.kind);
      return keyText(effectiveKey(entry, resource, sync.namespace));
    }),
  );
  const { deletes, later, retained } = planApplicationPrune(context, state, keys, sync.prune, keys);
  const going = deletes.length + later.length;
  const seen = context.observer.members(state.applySetId).filter(isOurs);
  const there = new Set(seen.map(({ key }) => keyText(key)));
  // The watch may be behind what was applied a moment ago.
  const staying = [...keys].filter((text) => there.has(text) || state.records.has(text)).length;
  const others = staying + retained.length;
  return isBeyondLimit(going, others, sync.pruneLimit ?? defaultPruneLimit) ? going + others : undefined;
}

/** Before the first write the parent names all that may come to be: an agent that dies midway leaves nothing unlisted. */
export async function prepareInventory(
  context: AgentContext,
  desired: DesiredApplication,
  state: ApplicationState,
  signal: AbortSignal,
): Promise<void> {
  await assertNotOutdated(context, desired, state, signal);
  await markTarget(context, desired, state);
  beginHooks(desired, state);
  const wanted = contentOf(context, desired, state);
  const objectsBefore = await countBefore(context, desired, state, signal);
  const merge = (a: readonly string[] = [], b: readonly string[]) => [...new Set([...a, ...b])].sort();
  const union = {
    application: desired.application,
    groupKinds: merge(state.parent?.groupKinds, wanted.groupKinds),
    namespaces: merge(state.parent?.namespaces, wanted.namespaces),
    mark: wanted.mark,
    hooks: wanted.hooks,
    objectsBefore,
  };
  await writeParent(context, state, union, signal);
  await watchInventory(context, state, signal);
}

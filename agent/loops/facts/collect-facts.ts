/**
 * Answers what a cluster is besides the objects of its applications. A hub that wants to know of changes says so: then what can be watched is watched, what has changed is told,
 * and nothing is read twice; that ends when nobody has asked for a while. What may not be read is told as such; the rest is collected all the same.
 */
import { FairwayError } from '../../../shared/error/error.ts';
import { digestJson } from '../../../shared/manifest/canonical.ts';
import {
  type FactGap,
  type FactSection,
  factSections,
  type SectionFacts,
  type UnownedField,
} from '../../../shared/manifest/cluster-facts.ts';
import type { DesiredState } from '../../model/desired.ts';
import { createFingerprints } from '../../observe/held-values.ts';
import { boundGaps, gapOf } from './fact-gaps.ts';
import { createFactLists, type FactListsPorts } from './fact-lists.ts';
import { collectSection, createFactView, type FactView } from './fact-sections.ts';
import { createFactValues } from './fact-values.ts';
import { createGroupBook } from './group-facts.ts';
import { createNotices } from './notices.ts';
import { createSealedFacts, type SealedFactsPorts } from './sealed-facts.ts';
import { createUnownedFacts } from './unowned-facts.ts';
import { createUnownedWatches } from './unowned-watches.ts';

export interface FactsQuestion {
  /** Key of fingerprints: the same for all clusters of a parity group. */
  readonly salt: Uint8Array;
  /** What the hub knows already, by digest. */
  readonly known: Readonly<Record<string, string>>;
  /** Changes are to be told. Default false: what nobody watches is listed anew. */
  readonly watch?: boolean;
  /** Default none. */
  readonly unowned?: readonly UnownedField[];
}

export interface FactsPorts extends Omit<FactListsPorts, 'onChange' | 'onPods' | 'namespaces'> {
  readonly desired: Pick<DesiredState, 'applications' | 'object' | 'subscribe'>;
  readonly reveal: SealedFactsPorts['reveal'];
  /** The agent's own. */
  readonly namespace: string;
}

export interface FactCollector {
  /** Every section; the values of those alone that the hub does not know yet. */
  collect(question: FactsQuestion, signal: AbortSignal): Promise<readonly SectionFacts[]>;
  /** Called when something that is watched has changed, a moment later and not too often. */
  onChange(listener: () => void): () => void;
  /** Open watches of kinds. */
  readonly watches: number;
  /** For good: questions that come after it are refused. */
  stop(): void;
}

/** Namespaces whose objects are looked at. */
const namespacesMax = 2_000;

/** They are of managed namespaces. */
const namespaced: ReadonlySet<FactSection> = new Set([
  ...(['capacity', 'quotas', 'limits', 'podSecurity', 'images'] as const),
  ...(['secrets', 'configMaps', 'unmanaged', 'certificates', 'backups'] as const),
]);

function managedNamespaces(desired: FactsPorts['desired']): readonly string[] {
  const names = new Set<string>();
  for (const { target } of desired.applications().values())
    for (const { key } of target.set.entries) names.add(key.namespace || target.sync.namespace);
  return [...names].filter((name) => name !== '').sort();
}

async function tellSection(
  section: FactSection,
  view: FactView,
  known: FactsQuestion['known'],
  left: readonly FactGap[],
): Promise<SectionFacts> {
  try {
    const { values, gaps } = await collectSection(section, view);
    const digest = digestJson(values);
    return {
      ...{ section, digest, values: known[section] === digest ? undefined : values, failure: '' },
      gaps: boundGaps([...gaps, ...left]),
    };
  } catch (caught) {
    view.signal.throwIfAborted();
    const gap = gapOf('', caught);
    return { section, digest: '', values: undefined, failure: gap.message, gaps: [gap] };
  }
}

export function createFactCollector(ports: FactsPorts): FactCollector {
  const { clock, desired, kube } = ports;
  const [notices, ofPods] = [createNotices(clock), createNotices(clock)];
  let names: readonly string[] | undefined;
  let stopped = false;
  const allNamespaces = () => {
    names ??= managedNamespaces(desired);
    return names;
  };
  const namespaces = () => allNamespaces().slice(0, namespacesMax);
  const listPorts = { ...ports, namespaces, onChange: notices.changed, onPods: ofPods.changed };
  const lists = createFactLists(listPorts);
  const values = createFactValues(listPorts, lists);
  const unowned = createUnownedWatches(listPorts);
  const groups = createGroupBook(clock, lists, (salt) => ({
    fingerprints: createFingerprints(salt),
    sealed: createSealedFacts(ports, salt),
    unowned: createUnownedFacts(listPorts, lists, unowned, salt),
  }));
  const unsubscribe = desired.subscribe(() => {
    names = undefined;
    if (!lists.watching) return;
    notices.changed();
    // What was given to the cluster now will run other pods: where they are not watched.
    lists.hasten({ group: '', kind: 'Pod' });
  });
  const leftOut = (): readonly FactGap[] => {
    const more = allNamespaces().length - namespacesMax;
    const message = `${more} namespaces beyond the first ${namespacesMax}, by name, are left out`;
    return more > 0 ? [{ kind: '', reason: 'bound', message }] : [];
  };

  return {
    async collect({ salt, known, watch = false, unowned: fields = [] }, signal) {
      if (stopped) throw new FairwayError('cancelled', 'the agent is stopping');
      const group = groups.asked(salt, watch);
      const parts = { lists, kube, namespaces: namespaces(), unowned: fields, group, signal };
      const view = createFactView(parts, values);
      const sections: SectionFacts[] = [];
      for (const section of factSections)
        sections.push(await tellSection(section, view, known, namespaced.has(section) ? leftOut() : []));
      return sections;
    },
    onChange(listener) {
      const ends = [notices.subscribe(listener), ofPods.subscribe(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
    get watches() {
      return lists.watches;
    },
    stop() {
      stopped = true;
      unsubscribe();
      notices.stop();
      ofPods.stop();
      groups.stop();
    },
  };
}

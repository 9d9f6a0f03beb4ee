import type { FactSection } from '../../shared/manifest/cluster-facts.ts';
import type { Expectation } from '../model/parity.ts';
import { splitPath } from './field-path.ts';

/** What of a pair was not looked at. */
export interface Unseen {
  /** Objects that were compared. */
  readonly objects: number;
  /** Applications that could not be compared, with why. Default none. */
  readonly failures?: ReadonlyMap<string, string>;
  /** Clusters of which nothing is known besides their applications. Default none. */
  readonly factsUnknown?: readonly string[];
  /** Sections of which one of the agents does not tell all. Default none. */
  readonly gaps?: readonly FactSection[];
  /** Live objects of which only their agents can tell what differs were not all had yet. Default false. */
  readonly asking?: boolean;
}

/** Sections that are told of objects. */
const ofObjectsAlone: ReadonlySet<FactSection> = new Set(['sealed', 'unowned']);

/** Whether an expectation that covers nothing which was found may cover something which was not looked at: nobody can say that it is stale then. Pure. */
export function mayCoverUnseen({ scope, kind }: Expectation, unseen: Unseen): boolean {
  const { objects, failures = new Map<string, string>(), factsUnknown = [], gaps = [], asking } = unseen;
  if (objects === 0 || factsUnknown.length > 0) return true;
  const isAbout = (name: string) => scope.kinds.length === 0 || scope.kinds.includes(name);
  const isOfObjects = scope.kinds.length === 0 || scope.kinds.some((name) => name !== 'Environment');
  const isAmong = (application: string) =>
    scope.applications.length === 0 || scope.applications.includes(application);
  if (isOfObjects && (asking || [...failures.keys()].some(isAmong))) return true;
  const paths = 'paths' in kind ? kind.paths.map(splitPath) : [];
  return gaps.some((section) => {
    if (ofObjectsAlone.has(section)) return isOfObjects;
    const fits = ([root = '*', name = '*']: readonly string[]) =>
      (root === '*' || root === 'environment') && (name === '*' || name === section);
    return isAbout('Environment') && paths.some(fits);
  });
}

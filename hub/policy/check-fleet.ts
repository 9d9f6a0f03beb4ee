import type { Digest } from '../../shared/manifest/canonical.ts';
import { digestText } from '../../shared/manifest/canonical.ts';
import type { ManifestSet } from '../../shared/manifest/target.ts';
import type { Application } from '../model/fleet.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderedSet } from '../model/rendered.ts';
import { type ClusterClaim, checkClaims } from './check-claims.ts';
import { checkSet } from './check-set.ts';
import { createProjectCheck, type Tenancy } from './check-tenancy.ts';

/** What rendering said of one application in one cluster. */
export type Outcome = { readonly set: ManifestSet } | { readonly problems: readonly Problem[] };

/** By application, then cluster. */
export type Outcomes = ReadonlyMap<string, ReadonlyMap<string, Outcome>>;

export interface CheckFleetRequest {
  readonly rendered: Outcomes;
  /** With the objects' contents, by digest of the set. */
  readonly sets: ReadonlyMap<Digest, Pick<RenderedSet, 'objects'>>;
  readonly applications: ReadonlyMap<string, Application>;
  readonly tenancy: Tenancy;
  /** The set that is in force; undefined: none, or a removal. */
  readonly inForce: (cluster: string, application: string) => ManifestSet | undefined;
}

/**
 * The outcomes with those that may not roll out turned into problems; the rest as it was. Equal sets are checked once, and so are clusters in which
 * the same sets meet. Pure.
 */
export function checkFleet({ rendered, sets, applications, tenancy, inForce }: CheckFleetRequest): Outcomes {
  const placeOf = (application: string, problem: Problem): Problem => {
    const origin = applications.get(application)?.origin;
    return origin && problem.file === '' ? { ...problem, file: origin.file, line: origin.line } : problem;
  };
  const namespaceOf = (application: string) => applications.get(application)?.sync.namespace ?? 'default';
  const alone = new Map<string, readonly Problem[]>();
  const checkProject = createProjectCheck(applications, tenancy);
  const checkAlone = (application: string, set: ManifestSet): readonly Problem[] => {
    const id = `${application}/${set.digest}`;
    const known = alone.get(id);
    if (known) return known;
    const objects = sets.get(set.digest)?.objects ?? new Map();
    const problems = checkSet({ set, objects, defaultNamespace: namespaceOf(application) });
    alone.set(id, problems);
    return problems;
  };
  const refused = new Map<string, readonly Problem[]>();
  const claims = new Map<string, ClusterClaim[]>();
  for (const [application, outcomes] of rendered)
    for (const [cluster, outcome] of outcomes) {
      const before = inForce(cluster, application);
      const forbidden = 'set' in outcome ? checkProject(application, cluster, outcome.set) : [];
      const problems =
        'set' in outcome && forbidden.length === 0 ? checkAlone(application, outcome.set) : forbidden;
      if (problems.length > 0) refused.set(`${cluster}/${application}`, problems);
      const set = 'set' in outcome && problems.length === 0 ? outcome.set : before;
      if (!set) continue;
      const claim = { application, set, inForce: before, defaultNamespace: namespaceOf(application) };
      const members = claims.get(cluster);
      if (members) members.push(claim);
      else claims.set(cluster, [claim]);
    }
  for (const [cluster, problems] of claimProblems(claims))
    for (const [application, some] of problems) {
      const id = `${cluster}/${application}`;
      if (!refused.has(id)) refused.set(id, some);
    }
  if (refused.size === 0) return rendered;
  return mapOutcomes(rendered, (application, cluster, outcome) => {
    const problems = refused.get(`${cluster}/${application}`);
    // What was not rendered has its own problem already.
    if (!problems || 'problems' in outcome) return outcome;
    return { problems: problems.map((problem) => placeOf(application, problem)) };
  });
}

function claimProblems(
  claims: ReadonlyMap<string, readonly ClusterClaim[]>,
): ReadonlyMap<string, ReturnType<typeof checkClaims>> {
  const known = new Map<string, ReturnType<typeof checkClaims>>();
  const found = new Map<string, ReturnType<typeof checkClaims>>();
  for (const [cluster, members] of claims) {
    const meeting = members.map(
      ({ application, set, inForce }) => `${application} ${set.digest} ${inForce?.digest ?? ''}`,
    );
    const id = digestText(meeting.join('\n'));
    const problems = known.get(id) ?? checkClaims(members);
    known.set(id, problems);
    if (problems.size > 0) found.set(cluster, problems);
  }
  return found;
}

function mapOutcomes(
  rendered: Outcomes,
  change: (application: string, cluster: string, outcome: Outcome) => Outcome,
): Outcomes {
  return new Map(
    [...rendered].map(([application, outcomes]) => [
      application,
      new Map([...outcomes].map(([cluster, outcome]) => [cluster, change(application, cluster, outcome)])),
    ]),
  );
}

/** What a failover would edit, what stands in its way, and how long it may take. Pure. */
import { plural } from '../../shared/text/plural.ts';
import type { ClusterRole, Failover, FailoverKind, FailoverReadiness } from '../model/failover.ts';
import type { Fleet } from '../model/fleet.ts';
import type { ParityGroup, ParityReason, ParityState } from '../model/parity.ts';
import type { FieldEdit, ResourceEdit } from './edit-fleet-file.ts';
import type { FencingVerdict } from './judge-fencing.ts';
import { switchGroup } from './switch-roles.ts';

export interface RoleChange {
  readonly cluster: string;
  readonly from: ClusterRole;
  readonly to: ClusterRole;
}

/** A drill touches nothing but the standby. */
export function planRoles(
  kind: FailoverKind,
  primary: string,
  to: string,
): Readonly<Record<string, ClusterRole>> {
  return kind === 'drill' ? { [to]: 'primary' } : { [primary]: 'standby', [to]: 'primary' };
}

export function planRoleChanges(
  roles: Readonly<Record<string, ClusterRole>>,
  { clusters }: Pick<Fleet, 'clusters'>,
): readonly RoleChange[] {
  return Object.entries(roles).flatMap(([cluster, to]) => {
    const from = clusters.get(cluster)?.role ?? 'none';
    return from === to ? [] : [{ cluster, from, to }];
  });
}

/** The edits of the fleet repository that make the switch. */
export function planEdits(
  group: ParityGroup,
  roles: Readonly<Record<string, ClusterRole>>,
  to: string,
  { clusters }: Pick<Fleet, 'clusters'>,
): readonly ResourceEdit[] {
  const edits: ResourceEdit[] = Object.entries(roles).flatMap(([name, role]) => {
    const cluster = clusters.get(name);
    const edit = { path: ['spec', 'role'], set: role, was: [cluster?.role ?? 'none'] };
    return cluster ? [{ file: cluster.origin.file, kind: 'Cluster', name, edits: [edit] }] : [];
  });
  const { primary, standbys } = group.inGit ?? group;
  const after = switchGroup({ primary, standbys }, to, (name) => clusters.get(name)?.region);
  const fields: FieldEdit[] = [{ path: ['spec', 'primary'], set: to, was: [primary] }];
  if (after.standbys.clusters.join() !== standbys.clusters.join())
    fields.push({ path: ['spec', 'standbys', 'clusters'], item: to, by: primary });
  if (primary === to) return edits;
  return [...edits, { file: group.origin.file, kind: 'ParityGroup', name: group.name, edits: fields }];
}

/** What stands against the standby's taking over: all that is not for information alone. */
export function blockingReasons(state: ParityState | undefined, to: string): readonly ParityReason[] {
  const all = state?.report.reasons ?? [];
  return all.filter(({ standby, severity }) => severity !== 'info' && (standby === to || standby === ''));
}

/** Of one standby, as parity last said. */
export function readinessOf(state: ParityState | undefined, standby: string): FailoverReadiness {
  const pair = state?.report.pairs.find((one) => one.standby === standby);
  return { verdict: pair?.verdict ?? 'Unknown', score: pair?.score };
}

/** Sentences, each of which somebody has to confirm. */
export function planConfirmations(about: {
  readonly kind: FailoverKind;
  readonly primary: string;
  readonly to: string;
  readonly fencing: FencingVerdict;
  readonly state: ParityState | undefined;
  readonly connected: boolean;
  /** What was rolled back of the applications, a sentence each. Default none. */
  readonly held?: readonly string[] | undefined;
}): readonly string[] {
  const { kind, primary, to, fencing, state, connected, held = [] } = about;
  const { fenced, reason } = fencing;
  const needed: string[] = [];
  if (kind !== 'drill' && fenced !== 'yes')
    needed.push(
      fenced === 'no'
        ? `${primary} is not fenced: ${reason}, and both clusters serve as primary until it has its new Targets`
        : `whether ${primary} is fenced is not known, and what runs there may go on serving: ${reason}`,
    );
  const pair = state?.report.pairs.find(({ standby }) => standby === to);
  const critical = blockingReasons(state, to).filter(({ severity }) => severity === 'critical').length;
  if (pair === undefined) needed.push(`the readiness of ${to} is not known: it was not compared yet`);
  else if (pair.verdict === 'NotReady' || pair.verdict === 'Unknown')
    needed.push(
      `${to} is ${pair.verdict}${critical > 0 ? `, with ${plural(critical, 'critical reason')}` : ''}`,
    );
  if (!connected) needed.push(`the agent of ${to} is away: nothing reaches it until it returns`);
  return [...needed, ...held];
}

/** The middle one of the times that were measured. Undefined: none was. */
export function estimateMs(history: readonly Pick<Failover, 'rtoMs'>[]): number | undefined {
  const times = history.flatMap(({ rtoMs }) => (rtoMs === undefined ? [] : [rtoMs])).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}

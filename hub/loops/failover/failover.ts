/** What may be asked of failovers: a plan, a start, an end, and what there is. Everything that lasts is in the store; the loop does the rest. */
import type { Clock } from '../../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import type { FailoverAsked, FailoverPlan, FailoverPort, FailoverStart } from '../../api/ports.ts';
import { createEvent, type NewEvent } from '../../model/event.ts';
import {
  type Failover,
  type FailoverKind,
  type FailoverPlanned,
  isFailoverOver,
} from '../../model/failover.ts';
import type { Fleet } from '../../model/fleet.ts';
import type { ParityGroup } from '../../model/parity.ts';
import { strategyOf } from '../../model/strategy.ts';
import { revoked } from '../../parity/advance-failover.ts';
import { clashOf, type Meeting, meetOpen, rolesAfter, sharedGroups } from '../../parity/meet-failovers.ts';
import {
  blockingReasons,
  estimateMs,
  planConfirmations,
  planRoleChanges,
  planRoles,
  readinessOf,
} from '../../parity/plan-failover.ts';
import { signOverride } from '../../parity/sign-override.ts';
import { overrideCounts } from '../../parity/switch-roles.ts';
import type { GitSource } from '../../source/git-source.ts';
import type { Store } from '../../store/store.ts';
import { fleetOf } from '../fleet-rows.ts';
import { isSelected, membersOf } from '../parity/parity-inputs.ts';
import type { Preview } from '../preview/preview.ts';
import { createExtend } from './extend-failover.ts';
import { loadFailovers, type ParityNow } from './failover-inputs.ts';
import { loadHeld } from './failover-rollouts.ts';
import { loadFencing } from './fencing.ts';
import { editFiles, editsOf, type SwitchPorts } from './write-switch.ts';

export interface FailoverOptions {
  readonly store: Store;
  readonly source: Pick<GitSource, 'tree'>;
  readonly preview: Pick<Preview, 'diff'>;
  readonly git: SwitchPorts;
  readonly rootKey: string;
  readonly digestKey: Uint8Array;
  /** What parity last said. */
  readonly parity: (group: string) => ParityNow | undefined;
  readonly onSwitch: () => void;
  readonly newId: () => string;
  readonly clock: Clock;
}

const drillMs = 30 * 60_000;
const historyMax = 100;
/** Its loop changes it, too: it is looked at again. */
const revokeTriesMax = 5;

function waitsForPush({ actor }: { readonly actor: string }): string {
  return `revoked by ${actor} while its commit is being pushed: ends once Git says that it is not there`;
}

interface Sides {
  readonly fleet: Fleet;
  readonly group: ParityGroup;
  readonly from: string;
  readonly to: string;
  readonly open: Failover | undefined;
  readonly roles: Failover['roles'];
  /** With the open one of the group. */
  readonly meeting: Meeting;
  readonly connected: (cluster: string) => boolean;
}

type Counted = Pick<FailoverPlanned, 'changes' | 'problem'>;

const refuse = (message: string, details = {}) =>
  new FairwayError('failed_precondition', message, { details });

export function createFailoverService(options: FailoverOptions): FailoverPort {
  const { store, clock, git } = options;

  const sidesOf = async ({ group: name, kind, to: asked }: FailoverAsked): Promise<Sides> => {
    const fleet = fleetOf(await store.fleet.load());
    const group = fleet.parityGroups.get(name);
    if (group === undefined) throw new FairwayError('not_found', `There is no ParityGroup "${name}".`);
    const { strategy = 'failover' } = group.failover ?? {};
    if (strategyOf({ strategy }, fleet.strategies) === undefined)
      throw refuse(
        `${group.origin.file}:${group.origin.line}: spec.failover.strategy: there is no RolloutStrategy ${strategy}: add it, or leave the field out for the built-in one`,
      );
    const { standbys, problems } = membersOf(group, fleet);
    if (problems.length > 0) throw refuse(`${name}: ${problems.join('; ')}`);
    const before = (await store.failovers.list(name, { limit: historyMax })).items;
    const last = before.find((one) => one.kind !== 'drill' && one.phase !== 'Ended');
    if (kind === 'back' && (last === undefined || last.to !== group.primary))
      throw refuse(`${name} has not failed over to ${group.primary}: there is no way back from it`);
    const to = asked ?? (kind === 'back' ? last?.from : standbys.length === 1 ? standbys[0] : undefined);
    if (to === undefined)
      throw new FairwayError(
        'invalid_argument',
        `Say which: ${name} has the standbys ${standbys.join(', ')}.`,
      );
    if (!standbys.includes(to))
      throw new FairwayError(
        'invalid_argument',
        `${to} is no standby of ${name}: it has ${standbys.join(', ')}.`,
      );
    const registered = await store.registry.clusters();
    const connected = (cluster: string) => registered.some((one) => one.name === cluster && one.connected);
    const open = before.find((one) => !isFailoverOver(one));
    const roles = rolesAfter(open, planRoles(kind, group.primary, to));
    const meeting = meetOpen(open, { kind, to, primary: group.primary }, fleet);
    return { fleet, group, from: group.primary, to, open, roles, meeting, connected };
  };

  const look = async (kind: FailoverKind, sides: Sides) => {
    const { fleet, group, from, to, roles, meeting, connected } = sides;
    const fencing = await loadFencing(store, fleet, group.name, from, clock.now());
    const state = options.parity(group.name)?.state;
    const held = await loadHeld(store, { fleet, group, from, to });
    const about = { kind, primary: from, to, fencing, state, connected: connected(to), held };
    const whole = { group: group.name, roles };
    const shared = sharedGroups(whole, fleet, (other) => membersOf(other, fleet).standbys);
    const instead = meeting.type === 'instead' ? meeting.confirm : [];
    return { fencing, state, confirm: [...planConfirmations(about), ...instead, ...shared] };
  };

  const headOf = async (): Promise<string> => {
    const head = (await store.sources.get(options.rootKey))?.head;
    if (head === undefined) throw refuse('the fleet repository was never fetched');
    return head;
  };

  /** The fleet repository as it was fetched last: Git itself need not be there. */
  const editedAt = async (head: string, { group, from, to, roles, fleet }: Sides) => {
    const tree = await options.source.tree(git.url, head);
    const read = async (path: string) => Buffer.from(await tree.read(path)).toString('utf8');
    return editFiles(editsOf({ group: group.name, roles, from, to }, fleet), read);
  };

  const changesOf = (
    { fleet, group }: Sides,
    head: string,
    edited: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ) => {
    const both = { cluster: undefined, application: undefined };
    const selects = (name: string) => isSelected(group, name, fleet.applications.get(name));
    return options.preview.diff({ ...both, from: 'running', to: head, edited, selects }, signal);
  };

  const plan = async (asked: FailoverAsked, signal: AbortSignal): Promise<FailoverPlan> => {
    const sides = await sidesOf(asked);
    const { kind } = asked;
    const { fleet, group, from, to, roles } = sides;
    const { fencing, state, confirm } = await look(kind, sides);
    const head = await headOf();
    const edited = await editedAt(head, sides);
    const changes = await changesOf(sides, head, edited, signal);
    const past = (await store.failovers.list(group.name, { limit: historyMax })).items;
    return {
      ...{ group: group.name, kind, from, to, confirm },
      ...{ fenced: fencing.fenced, fencedReason: fencing.reason },
      mode: kind === 'drill' ? 'override' : (group.failover?.commit ?? 'commit'),
      strategy: group.failover?.strategy ?? 'failover',
      roles: planRoleChanges(roles, fleet),
      files: kind === 'drill' ? [] : [...edited.keys()],
      changes,
      readiness: { ...readinessOf(state, to), reasons: blockingReasons(state, to) },
      estimateMs: estimateMs(past),
    };
  };

  const supersede = async (open: Failover, actor: string): Promise<void> => {
    const { override, version } = open;
    const after: Failover = {
      ...{ ...open, phase: 'Done', endedAtMs: clock.now(), version: version + 1 },
      message: 'superseded by the next failover',
      override: override && { ...override, ended: override.ended ?? 'superseded' },
    };
    const event = eventOf(after, 'failover.ended', after.message, actor, clock.now());
    if (!(await store.failovers.save(after, version, [event])))
      throw new FairwayError('conflict', 'The failover before has gone on meanwhile: try again.');
  };

  /** An emergency does not wait to be planned; a drill does, before its time is taken. */
  const countChanges = async (asked: FailoverStart, signal: AbortSignal): Promise<Counted> => {
    const none = { changes: undefined, problem: '' };
    if (asked.kind !== 'drill') return none;
    const sides = await sidesOf(asked);
    if (sides.meeting.type === 'refused') return none;
    try {
      const head = await headOf();
      return {
        changes: (await changesOf(sides, head, await editedAt(head, sides), signal)).summary,
        problem: '',
      };
    } catch (caught) {
      signal.throwIfAborted();
      return { changes: undefined, problem: toFairwayError(caught).message };
    }
  };

  const start = async (asked: FailoverStart, signal = new AbortController().signal): Promise<Failover> => {
    const counted = await countChanges(asked, signal);
    // Before anything is read: an agent whose session opens from here on is told of this failover.
    const startedAtMs = clock.now();
    const sides = await sidesOf(asked);
    const { kind, reason, actor } = asked;
    const { group, from, to, open, roles, meeting, connected } = sides;
    if (meeting.type === 'refused') throw new FairwayError('conflict', meeting.message);
    await refuseClash({ group: group.name, roles });
    const { fencing, confirm, state } = await look(kind, sides);
    const { fenced } = fencing;
    if (confirm.length > 0 && !asked.confirm)
      throw refuse(`To be confirmed: ${confirm.join('; ')}. Confirm it (--confirm) to go on all the same.`, {
        confirm,
      });
    const overrideMs = kind === 'drill' ? (asked.overrideMs ?? drillMs) : asked.overrideMs;
    const commits = kind !== 'drill';
    if (commits && git.identity === undefined && overrideMs === undefined)
      throw refuse(
        "The hub's configuration names nobody for its commits: set commits.name and commits.email.",
      );
    const baseCommit = await headOf();
    if (commits) await editedAt(baseCommit, sides);
    const id = options.newId();
    const way = asked.commit ?? group.failover?.commit ?? 'commit';
    const told = { id, group: group.name, kind, from, to, roles, actor, reason };
    const failover: Failover = {
      ...{ ...told, startedAtMs, fenced, baseCommit, confirmed: confirm },
      planned: { ...readinessOf(state, to), ...counted },
      mode: overrideMs === undefined ? way : 'override',
      branch: commits && way === 'branch' ? `fairway/failover-${group.name}-${id.slice(0, 8)}` : '',
      strategy: group.failover?.strategy ?? 'failover',
      together: kind !== 'drill' && !connected(from),
      commit: commits ? { attempts: 0, nextAtMs: startedAtMs, error: '', written: undefined } : undefined,
      override: overrideMs === undefined ? undefined : wordFor(told, startedAtMs + overrideMs),
      phase: overrideMs === undefined ? 'Writing' : 'Switching',
      message:
        overrideMs === undefined ? 'the switch of roles is being committed' : 'roles are being switched',
      ...{ applications: [], readyAtMs: undefined, rtoMs: undefined, endedAtMs: undefined, version: 1 },
    };
    if (open && meeting.type === 'instead') await supersede(open, actor);
    const event = eventOf(
      failover,
      'failover.started',
      `${kind === 'back' ? 'failover back' : kind} from ${from} to ${to}: ${reason}`,
      actor,
      startedAtMs,
    );
    if (!(await store.failovers.save(failover, undefined, [event])))
      throw new FairwayError('conflict', `${group.name} is failing over already.`);
    await assertAlone(failover);
    await assertStillFenced(failover, sides, asked);
    options.onSwitch();
    return failover;
  };

  const refuseClash = async (about: Pick<Failover, 'group' | 'roles'>, open?: readonly Failover[]) => {
    const clash = clashOf(about, open ?? (await store.failovers.open()));
    if (clash !== undefined) throw new FairwayError('conflict', `${clash}.`);
  };

  const giveUp = async (failover: Failover, reason: string): Promise<void> => {
    const after = revoked(failover, { actor: 'hub', reason }, clock.now());
    const { version } = failover;
    if (await store.failovers.save({ ...after, version: version + 1 }, version, [])) options.onSwitch();
  };

  /** Of two groups that share a cluster and are failed over in the same moment, the later one gives way. */
  const assertAlone = async (failover: Failover): Promise<void> => {
    const { startedAtMs, id } = failover;
    const open = await store.failovers.open();
    const earlier = open.filter(
      (one) => one.startedAtMs < startedAtMs || (one.startedAtMs === startedAtMs && one.id < id),
    );
    try {
      await refuseClash(failover, earlier);
    } catch (caught) {
      await giveUp(failover, 'another failover gives its clusters other roles');
      throw caught;
    }
  };

  /** An agent may have come back while this was being decided: then nobody has confirmed what is so now. */
  const assertStillFenced = async (failover: Failover, { fleet }: Sides, asked: FailoverStart) => {
    const { group, from, kind, fenced } = failover;
    if (fenced !== 'yes' || kind === 'drill' || asked.confirm) return;
    const now = await loadFencing(store, fleet, group, from, clock.now());
    if (now.fenced === 'yes') return;
    await giveUp(failover, `${from} came back meanwhile`);
    throw new FairwayError('conflict', `${from} came back meanwhile: ${now.reason}. Plan it again.`);
  };

  const wordFor = (told: Parameters<typeof signOverride>[0], untilMs: number) => ({
    ...{ untilMs, ended: undefined },
    signature: signOverride(told, untilMs, options.digestKey),
  });

  const revoke: FailoverPort['revoke'] = async (group, word) => {
    for (let left = revokeTriesMax; left > 0; left -= 1) {
      const before = (await store.failovers.open()).find((one) => one.group === group);
      if (before === undefined)
        throw new FairwayError('not_found', `No failover of "${group}" is under way.`);
      const { phase, version, commit } = before;
      const counts = overrideCounts(before);
      // Taken back here, it would come again with the commit.
      const pushed = commit?.written !== undefined && before.branch === '' && before.kind !== 'drill';
      if (phase === 'Restoring') throw refuse(`It is being given back already: ${before.message}.`);
      if (pushed || (!counts && phase !== 'Writing' && phase !== 'Proposed'))
        throw refuse(`The switch is in Git already: go back by \`fairway failover back ${group}\`.`);
      const nowMs = clock.now();
      const revoking = { ...before, revoking: word, message: waitsForPush(word) };
      const changed = commit?.pushing ? revoking : revoked(before, word, nowMs);
      const after: Failover = { ...changed, version: version + 1 };
      const events = isFailoverOver(after)
        ? [eventOf(after, 'failover.ended', after.message, word.actor, nowMs)]
        : [];
      if (!(await store.failovers.save(after, version, events))) continue;
      options.onSwitch();
      return after;
    }
    throw new FairwayError('conflict', 'The failover goes on all the while: try again.');
  };

  return {
    ...{ plan, start, revoke, extend: createExtend(options) },
    open: () => loadFailovers(store, options.digestKey),
    get: (id) => store.failovers.get(id),
    list: (group, page, kind) => store.failovers.list(group, page, kind),
  };
}

function eventOf(
  { id, group, kind, from, to, phase }: Failover,
  type: 'failover.started' | 'failover.ended',
  message: string,
  actor: string,
  timeMs: number,
): NewEvent {
  return createEvent({
    ...{ type, actor, timeMs, message: `${group}: ${message}`, id: `${type}-${id}` },
    data: { failover: id, group, kind, from, to, phase },
  });
}

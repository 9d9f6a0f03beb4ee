/** One attempt at writing the switch of roles into the fleet repository. */
import type { Clock } from '../../../shared/clock/clock.ts';
import type { Random } from '../../../shared/clock/random.ts';
import { type ErrorCode, FairwayError, toFairwayError } from '../../../shared/error/error.ts';
import { planBackoffMs } from '../../../shared/loop/backoff.ts';
import type { Failover, SwitchCommit } from '../../model/failover.ts';
import type { Fleet } from '../../model/fleet.ts';
import { editFleetFile, type ResourceEdit } from '../../parity/edit-fleet-file.ts';
import { planEdits } from '../../parity/plan-failover.ts';
import { withoutOverrides } from '../../parity/switch-roles.ts';
import type { GitWriter } from '../../source/git-source.ts';

export interface SwitchPorts {
  readonly write: GitWriter['write'];
  /** The root repository. */
  readonly url: string;
  readonly ref: string;
  /** Whose commits they are; undefined: the hub may write none. */
  readonly identity: { readonly name: string; readonly email: string } | undefined;
}

const backoff = { baseMs: 2_000, maxMs: 60_000 };

/** The files' texts after the edits, by path: only those that change. @throws as editFleetFile; what `read` throws. */
export async function editFiles(
  edits: readonly ResourceEdit[],
  read: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const before = new Map<string, string>();
  const after = new Map<string, string>();
  for (const edit of edits) {
    const { file } = edit;
    if (!before.has(file)) before.set(file, await read(file));
    after.set(file, editFleetFile(after.get(file) ?? before.get(file) ?? '', edit));
  }
  return new Map([...after].filter(([file, text]) => text !== before.get(file)));
}

/** Of Git's own fleet. @throws failed_precondition where the group is gone, or somebody has made another cluster its primary meanwhile. */
export function editsOf(
  { group, roles, from, to }: Pick<Failover, 'group' | 'roles' | 'from' | 'to'>,
  fleet: Fleet,
) {
  const inGit = withoutOverrides(fleet);
  const declared = inGit.parityGroups.get(group);
  if (declared === undefined)
    throw new FairwayError('failed_precondition', `there is no ParityGroup ${group} any more`);
  const { primary, origin } = declared;
  if (primary !== from && primary !== to && roles[primary] === undefined)
    throw new FairwayError(
      'failed_precondition',
      `${origin.file}:${origin.line}: the primary of ${group} is ${primary} in Git, no longer ${from}: somebody has changed it meanwhile; put ${from} back there, or revoke this`,
    );
  return planEdits(declared, roles, to, inGit);
}

/** What a push has that failed so is unknown: the server may have taken it all the same. */
const unknownEnds: ReadonlySet<ErrorCode> = new Set([
  ...(['unavailable', 'deadline_exceeded', 'cancelled', 'resource_exhausted'] as const),
  ...(['internal', 'data_loss'] as const),
]);

/**
 * Never throws but for `signal`. Whatever hinders it may be mended by people, so it is tried again as long as the failover is open. `onPush` is called when
 * Git has been looked at and does not have the commit, before anything of it is sent; what it throws hinders it likewise.
 */
export async function attemptSwitch(
  failover: Failover,
  fleet: Fleet,
  ports: SwitchPorts & {
    readonly clock: Clock;
    readonly random: Random;
    readonly onPush: () => Promise<void>;
  },
  signal: AbortSignal,
): Promise<SwitchCommit> {
  const { write, url, ref, identity, clock, random } = ports;
  const attempts = (failover.commit?.attempts ?? 0) + 1;
  let pushing = failover.commit?.pushing;
  try {
    if (identity === undefined)
      throw new FairwayError(
        'failed_precondition',
        "the hub's configuration names nobody for its commits: set commits.name and commits.email",
      );
    const { commit, ref: full } = await write({
      ...{ url, ref, signal, branch: failover.branch, from: failover.baseCommit },
      message: switchMessage(failover),
      trailers: [`Fairway-Failover: ${failover.id}`, `Fairway-Group: ${failover.group}`],
      person: { ...identity, timeMs: clock.now() },
      async edit(read) {
        pushing = undefined;
        const edited = await editFiles(editsOf(failover, fleet), read);
        await ports.onPush();
        pushing = true;
        return edited;
      },
    });
    return { attempts, nextAtMs: undefined, error: '', written: { commit, ref: full } };
  } catch (caught) {
    signal.throwIfAborted();
    const error = toFairwayError(caught);
    const waitMs = Math.max(planBackoffMs(attempts - 1, random, backoff), error.retryAfterMs ?? 0);
    const said = error.details?.['said'];
    const text = typeof said === 'string' && said !== '' ? `${error.message}: ${said}` : error.message;
    const failed = { attempts, nextAtMs: clock.now() + waitMs, error: text, written: undefined };
    return pushing && unknownEnds.has(error.code) ? { ...failed, pushing } : failed;
  }
}

function switchMessage({ kind, from, to, group, reason, actor, override }: Failover): string {
  const what = kind === 'back' ? 'Switch back' : 'Fail over';
  const word = override
    ? '\n\nThe hub has switched the roles already, by its own word, until this is in Git.'
    : '';
  return `${what} ${group} from ${from} to ${to}\n\n${reason}\n\nAsked for by ${actor}.${word}`;
}

/**
 * `fairway` with the arguments given, killed with -9 at one write of a rollout to the store: `MOMENT kept ...` once the store has kept it and before anybody was
 * told, `MOMENT unkept ...` before the store has heard of it. Moments: `release:CLUSTER` and `rollback:CLUSTER`, the decision to assign that cluster for that
 * reason; `plan:APPLICATION`, the plan that releases it; `action:NAME`, what an operator did; `revert:APPLICATION`, that its revert is in Git.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { createSystemIo } from '../../hub/cli/io.ts';
import { runCli } from '../../hub/cli/program.ts';
import { systemPrograms } from '../../hub/cli/programs.ts';
import type { WorkerReply, WorkerRequest } from '../../hub/store/messages.ts';
import type { Plan, RolloutPassRow } from '../../hub/store/repositories/release-repository.ts';

const [moment = '', when = '', ...args] = process.argv.slice(2);
const [what = '', whose = ''] = moment.split(':');
const threads = createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads');
const { Worker } = threads;
const die = () => process.kill(process.pid, 'SIGKILL');

function isThePass({ application, decisions, events, state }: RolloutPassRow): boolean {
  if (what === 'action') return events.some(({ data }) => data?.['action'] === whose);
  if (what === 'revert') {
    const revert = (state as { readonly revert?: { readonly state?: string } } | undefined)?.revert;
    return application === whose && revert?.state === 'written';
  }
  return decisions.some(({ cluster, reason }) => cluster === whose && reason === what);
}

function isTheMoment(request: WorkerRequest): request is WorkerRequest & { readonly type: 'call' } {
  if (request.type !== 'call') return false;
  if (request.method === 'releases.savePlan') {
    const [plan] = request.args as readonly Plan[];
    return what === 'plan' && (plan?.releases ?? []).some(({ application }) => application === whose);
  }
  if (!request.method.startsWith('releases.saveRollout')) return false;
  return (request.args.flat() as readonly RolloutPassRow[]).some(isThePass);
}

threads.Worker = class extends Worker {
  private write: number | undefined;

  constructor(...parts: ConstructorParameters<typeof Worker>) {
    super(...parts);
    // Before the store's own listener, which would wake the sessions.
    this.on('message', (reply: WorkerReply) => {
      const kept =
        reply.type === 'answers' &&
        reply.answers.some((answer) => answer.id === this.write && 'value' in answer && answer.value);
      if (kept) die();
    });
  }

  override postMessage(...parts: Parameters<InstanceType<typeof Worker>['postMessage']>): void {
    const request = parts[0] as WorkerRequest;
    if (isTheMoment(request)) {
      if (when === 'unkept') die();
      this.write = request.id;
    }
    super.postMessage(...parts);
  }
};
syncBuiltinESMExports();

process.exitCode = await runCli(args, createSystemIo(new AbortController().signal), systemPrograms);

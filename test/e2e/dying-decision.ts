/**
 * `fairway` with the arguments given, killed with -9 at a decision of a rollout: `CLUSTER kept ...` once the store has kept that the cluster is assigned
 * and before anybody was told, `CLUSTER unkept ...` before the store has heard of it. Started by rollout-planes.test.ts.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { createSystemIo } from '../../hub/cli/io.ts';
import { runCli } from '../../hub/cli/program.ts';
import { systemPrograms } from '../../hub/cli/programs.ts';
import type { WorkerReply, WorkerRequest } from '../../hub/store/messages.ts';
import type { RolloutPassRow } from '../../hub/store/repositories/release-repository.ts';

const [cluster = '', when = '', ...args] = process.argv.slice(2);
const threads = createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads');
const { Worker } = threads;
const die = () => process.kill(process.pid, 'SIGKILL');

function decides(request: WorkerRequest): request is WorkerRequest & { readonly type: 'call' } {
  if (request.type !== 'call' || !request.method.startsWith('releases.saveRollout')) return false;
  const passes = request.args.flat() as readonly RolloutPassRow[];
  return passes.some(({ decisions }) => decisions.some((one) => one.cluster === cluster));
}

threads.Worker = class extends Worker {
  private decision: number | undefined;

  constructor(...parts: ConstructorParameters<typeof Worker>) {
    super(...parts);
    // Before the store's own listener, which would wake the sessions.
    this.on('message', (reply: WorkerReply) => {
      const kept =
        reply.type === 'answers' &&
        reply.answers.some((answer) => answer.id === this.decision && 'value' in answer && answer.value);
      if (kept) die();
    });
  }

  override postMessage(...parts: Parameters<InstanceType<typeof Worker>['postMessage']>): void {
    const request = parts[0] as WorkerRequest;
    if (decides(request)) {
      if (when === 'unkept') die();
      this.decision = request.id;
    }
    super.postMessage(...parts);
  }
};
syncBuiltinESMExports();

process.exitCode = await runCli(args, createSystemIo(new AbortController().signal), systemPrograms);

/**
 * One side of an enrolment that is killed at its worst instant, in a process of its own. Started by enrolment-cut.test.ts:
 *
 *     hub STORE           serves, prints {token, enrolmentAddress} and is killed once a token's use is durable, before the answer
 *     agent DIR TOKEN ADDRESS WHEN    enrols with DIR as its identity store; killed when `asked` (its key is kept, the hub not asked) or
 *                         `answered` (the hub's answer is there and not kept); `never`: prints its identity
 */
import { enrol } from '../../../agent/stream/enrol.ts';
import { createDirectoryIdentityStore } from '../../../agent/stream/identity-store.ts';
import { systemClock } from '../../../shared/clock/clock.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import { startHub } from './harness.ts';

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

async function serve(path: string): Promise<void> {
  const hub = await startHub({
    path,
    wrapStore: (store) => ({
      ...store,
      registry: {
        ...store.registry,
        redeemToken: async (...args) => {
          await store.registry.redeemToken(...args);
          return die();
        },
      },
    }),
  });
  const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
  process.stdout.write(`${JSON.stringify({ token, enrolmentAddress: hub.enrolmentAddress })}\n`);
}

async function attempt(directory: string, token: string, enrolmentAddress: string, when: string) {
  const store = createDirectoryIdentityStore(directory);
  const identity = await enrol({
    token,
    enrolmentAddress,
    agentVersion: 'test',
    env: {},
    clock: systemClock,
    random: systemRandom,
    pendingKeys: {
      loadPending: store.loadPending,
      async savePending(pending) {
        await store.savePending(pending);
        if (when === 'asked') await die();
      },
    },
  });
  if (when === 'answered') await die();
  await store.save(identity);
  process.stdout.write(`${JSON.stringify(identity)}\n`);
}

const [side, path = '', token = '', address = '', when = 'never'] = process.argv.slice(2);
await (side === 'hub' ? serve(path) : attempt(path, token, address, when));

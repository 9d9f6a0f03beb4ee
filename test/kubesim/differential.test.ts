/** The simulation against a real API server: generated operations must have the same outcomes on both. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane, waitFor } from '../cluster/control-plane.ts';
import { SUBJECTS } from './differential/bodies.ts';
import { CASES } from './differential/cases.ts';
import { type Sequence, sequencesOf, WIDGETS } from './differential/operations.ts';
import { findDifference } from './differential/run.ts';
import { createSide, type Operation, type Side } from './differential/side.ts';
import { createKubeSim, type KubeSim } from './kube-sim.ts';

/** The same for every run unless asked otherwise: a gate must not depend on luck. KUBESIM_SEED=random hunts for what nobody has seen yet. */
const asked = process.env['KUBESIM_SEED'] ?? '2111508139';
const seed = asked === 'random' ? Date.now() % 2 ** 31 : Number(asked);
const runs = Number(process.env['KUBESIM_RUNS'] ?? 12);
const stepsMax = 12;
/** How long events may take to arrive. */
const eventsLimitMs = 5000;
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let plane: ControlPlane | undefined;
let sim: KubeSim;
let sides: readonly [Side, Side] | undefined;
let namespaces = 0;

beforeAll(async () => {
  plane = await startControlPlane({ name: 'kubesim' });
  if (!plane) return;
  console.info(`differential seed ${seed} (set KUBESIM_SEED to repeat)`);
  sim = await createKubeSim({ controllers: false });
  const real = createSide({ url: plane.url, token: plane.token, ca: plane.ca });
  sides = [real, createSide(sim)];
  for (const side of sides) await side.send({ method: 'POST', path: definitions, body: WIDGETS });
  await waitFor('the custom kind', async () => {
    const path = '/apis/example.dev/v1/namespaces/default/widgets/none';
    const body = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'none' } };
    const made = await real
      .send({
        method: 'PATCH',
        path: `${path}?fieldManager=a&dryRun=All`,
        body,
        contentType: 'application/apply-patch+yaml',
      })
      .catch(() => undefined);
    return made?.code === 201;
  });
}, 120_000);

afterAll(async () => {
  for (const side of sides ?? []) side.close();
  await sim?.close();
  await plane?.stop();
});

/** A fresh namespace on both sides, so that sequences do not see one another. */
async function freshNamespace(both: readonly [Side, Side]): Promise<string> {
  const name = `run-${namespaces++}`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  for (const side of both) await side.send({ method: 'POST', path: '/api/v1/namespaces', body });
  return name;
}

const placed = (operation: Operation, namespace: string): Operation => ({
  ...operation,
  path: operation.path.replace('{ns}', namespace),
  ...(operation.about ? { about: operation.about.replace('{ns}', namespace) } : {}),
});

async function check(both: readonly [Side, Side], operations: readonly Operation[]): Promise<void> {
  const difference = await findDifference(both[0], both[1], operations);
  if (!difference) return;
  const told = operations
    .slice(0, difference.step + 1)
    .map((one) => `${one.method} ${one.path} ${one.contentType ?? ''} ${JSON.stringify(one.body)}`);
  throw new Error(`step ${difference.step} differs\n${told.join('\n')}\n- ${difference.parts.join('\n- ')}`);
}

/** Takes the object away, since a real cluster has only so many service addresses. */
async function clear(both: readonly [Side, Side], path: string): Promise<void> {
  const contentType = 'application/merge-patch+json';
  const body = { metadata: { finalizers: null } };
  for (const side of both) {
    await side.send({ method: 'PATCH', path: `${path}?fieldManager=end`, contentType, body });
    await side.send({ method: 'DELETE', path });
  }
}

/** The shrunk sequence alone: generators print too much of themselves. */
function report(details: fc.RunDetails<[Sequence]>): void {
  if (!details.failed) return;
  const cause = details.errorInstance;
  throw new Error(
    `seed ${details.seed}, path ${details.counterexamplePath}: ${cause instanceof Error ? cause.message : cause}`,
  );
}

describe('the simulated API against the real one', () => {
  it.for(CASES)('agrees: $name', async ({ operations }, { skip }) => {
    if (!sides) return skip('no control plane can be had here');
    const namespace = await freshNamespace(sides);
    await check(
      sides,
      operations.map((one) => placed(one, namespace)),
    );
  });

  it.for(SUBJECTS)(
    'agrees on generated operations on $kind, and shows watchers the same',
    { timeout: 60_000 },
    async (subject, { skip }) => {
      const both = sides;
      if (!both) return skip('no control plane can be had here');
      await fc.assert(
        fc.asyncProperty(sequencesOf(subject, stepsMax), async ({ steps }) => {
          const namespace = await freshNamespace(both);
          const collection = `${subject.base}/namespaces/${namespace}/${subject.resource}`;
          const [onReal, onSim] = await Promise.all([both[0].watch(collection), both[1].watch(collection)]);
          await check(
            both,
            steps.map((step) => step(namespace)),
          );
          const same = () => JSON.stringify(onSim.seen) === JSON.stringify(onReal.seen);
          await waitFor('the same events', same, eventsLimitMs).catch(() =>
            expect(onSim.seen).toEqual(onReal.seen),
          );
          onReal.end();
          onSim.end();
          await clear(both, `${collection}/web`);
        }),
        { seed, numRuns: runs, reporter: report },
      );
    },
  );
});

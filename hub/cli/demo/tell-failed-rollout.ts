/** The demo's chapter about a release that goes wrong: its first wave fails, Fairway takes it back by itself, and nobody else ever saw it. */
import type { JsonObject } from '../../../shared/manifest/object.ts';
import type { ApiRollout } from '../../api/schemas/rollout.ts';
import type { Member } from './member.ts';
import { waitForValue } from './processes.ts';
import { commitChange, containerImage, type Story, stepLimitMs } from './story.ts';

const deployment = '/apis/apps/v1/namespaces/payments/deployments/api';

/** A change of the spec counts up here, whatever it is. */
async function generationsOf(members: readonly Member[]): Promise<ReadonlyMap<string, unknown>> {
  const found = members.map(async (member) => {
    const live = (await member.get(deployment)) as { readonly metadata?: JsonObject } | undefined;
    return [member.name, live?.metadata?.['generation']] as const;
  });
  return new Map(await Promise.all(found));
}

/** The way through the fleet first, then the image that no node can pull: pushed together, since the first alone changes no cluster. */
async function release(story: Story): Promise<string> {
  await commitChange(story, {
    file: 'fleet/applications.yaml',
    edit: (text) => text.replace(/(name: payments\n[\s\S]*?strategy: )all-at-once/, '$1region-by-region'),
    message: 'payments: one cluster first, then by region',
    author: 'Ada Park <ada@example.com>',
  });
  const commit = await commitChange(story, {
    file: 'apps/payments/base/kustomization.yaml',
    edit: (text) => text.replace('newTag: 2.0.3', 'newTag: broken'),
    message: 'payments: an image that cannot be pulled',
    author: 'Grace Lim <grace@example.com>',
  });
  await story.stage.repository.push();
  return commit;
}

/** Waits for the rollout of that commit to be so. */
function reached(story: Story, what: string, commit: string, holds: (rollout: ApiRollout) => boolean) {
  return waitForValue(
    what,
    async () => {
      const rollout = await story.stage.api.get<ApiRollout>('/api/v1/applications/payments/rollout');
      return rollout.revisionId === commit && holds(rollout) ? rollout : undefined;
    },
    { limitMs: stepLimitMs, signal: story.signal },
  );
}

const touched = ({ waves }: ApiRollout) =>
  waves.flatMap(({ clusters }) => clusters.filter(({ assignedAt }) => assignedAt !== null));

/** Told with simulated clusters only: in others nothing of this example gets healthy, since its images are nowhere. Gives the commit that was taken back. */
export async function tellFailedRollout(story: Story): Promise<string | undefined> {
  const { narrator, stage } = story;
  narrator.chapter('5. A release that goes wrong takes itself back');
  if (stage.members.some(({ program }) => program === undefined)) {
    narrator.say(
      'Left out with your own clusters: they cannot pull the images of this example, good or bad.',
    );
    return undefined;
  }
  const before = await generationsOf(stage.members);
  const commit = await release(story);
  const began = performance.now();
  const first = await narrator.step(
    'one cluster gets it, the others wait',
    async () => {
      const [one] = touched(
        await reached(story, 'the first cluster to be assigned', commit, (now) => touched(now).length > 0),
      );
      return one?.cluster ?? '';
    },
    (cluster) => cluster,
  );
  await narrator.step(
    `it fails in ${first}, and Fairway takes it back by itself`,
    () => reached(story, 'the rollout to roll back', commit, ({ phase }) => phase === 'RolledBack'),
    ({ message }) => message,
  );
  await narrator.step(
    `payments 2.0.3 runs in ${first} again`,
    async () => {
      await waitForValue(
        'the image from before',
        async () => {
          const member = stage.members.find(({ name }) => name === first);
          return String(await containerImage(member, deployment)).endsWith(':2.0.3') ? true : undefined;
        },
        { limitMs: stepLimitMs, signal: story.signal },
      );
      return performance.now() - began;
    },
    (ms) => `${(ms / 1000).toFixed(1)} s after the merge`,
  );
  const others = stage.members.filter(({ name }) => name !== first);
  await narrator.step(
    'the others never saw it',
    async () => {
      const after = await generationsOf(others);
      const changed = others.filter(({ name }) => after.get(name) !== before.get(name));
      if (changed.length > 0) throw new Error(`changed too: ${changed.map(({ name }) => name).join(', ')}`);
    },
    () => others.map(({ name }) => name).join(', '),
  );
  return commit;
}

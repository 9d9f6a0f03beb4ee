/** The demo's story: what Fairway does, shown on the stage step by step. Each step waits for what it tells, and fails saying what did not happen. */
import type { ApiPlacement } from '../../api/schemas/application.ts';
import type { Member } from './member.ts';
import type { Narrator } from './narrator.ts';
import { waitForValue } from './processes.ts';
import type { Stage } from './stage.ts';

/** How long a step may take. */
export const stepLimitMs = 60_000;
const autoscaler = '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web';
const shopDeployment = '/apis/apps/v1/namespaces/shop/deployments/web';
const applications = ['payments', 'platform', 'shop'] as const;

export interface Story {
  readonly stage: Stage;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
}

/** A commit as people say it. */
export const short = (commit: string) => commit.slice(0, 7);

/** Waits until each of the placements shows `stage` Healthy at what the newest revision asks, or is told to settle for Applied. */
async function waitForPlacements(
  story: Story,
  revision: string | undefined,
  wanted: number,
  note: (text: string) => void,
) {
  const settled = (placement: ApiPlacement) =>
    placement.upToDate && (placement.stage === 'Healthy' || placement.stage === 'Applied');
  return waitForValue(
    `${wanted} placements to be up to date`,
    async () => {
      const all = await story.stage.api.applications();
      const placements = all.flatMap((application) => application.placements);
      const done = placements.filter(settled).length;
      note(`${done} of ${wanted}`);
      const resolved =
        revision === undefined || all.every((application) => application.revisionId === revision);
      return resolved && placements.length === wanted && done === wanted ? placements : undefined;
    },
    { limitMs: stepLimitMs, signal: story.signal },
  );
}

function valueAt(object: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | undefined)?.[part],
    object,
  );
}

/** The image of a Deployment's first container. */
export async function containerImage(member: Member | undefined, deployment: string): Promise<unknown> {
  const live = await member?.get(deployment);
  return valueAt(live, ['spec', 'template', 'spec', 'containers', 0, 'image']);
}

const imageOf = (member: Member) => containerImage(member, shopDeployment);

/** A change of one file, as somebody commits it. */
export interface Change {
  readonly file: string;
  readonly edit: (text: string) => string;
  readonly message: string;
  /** `Grace Lim <grace@example.com>` */
  readonly author: string;
}

/** Commits it and tells; not pushed. @throws when it changes nothing. */
export async function commitChange({ stage, narrator }: Story, change: Change): Promise<string> {
  const { file, edit, message, author } = change;
  const before = await stage.repository.git('show', `HEAD:${file}`);
  const after = edit(before);
  if (after === before) throw new Error(`the change of ${file} changes nothing`);
  const commit = await stage.repository.commit({ [file]: after }, { message, author });
  narrator.say(`${author.split(' <')[0]} merges ${short(commit)} "${message}"`);
  return commit;
}

/** Commits a file as it shall be, null for none, tells and pushes. */
export async function commitFile(
  { stage, narrator }: Story,
  change: { readonly file: string; readonly text: string | null } & Pick<Change, 'message' | 'author'>,
): Promise<void> {
  const { file, text, message, author } = change;
  const commit = await stage.repository.commit({ [file]: text }, { message, author });
  narrator.say(`${author.split(' <')[0]} merges ${short(commit)} "${message}"`);
  await stage.repository.push();
}

async function merge(story: Story, change: Change): Promise<string> {
  const commit = await commitChange(story, change);
  await story.stage.repository.push();
  return commit;
}

export async function tellFirstSync(story: Story, commit: string): Promise<void> {
  const { narrator, stage } = story;
  narrator.chapter('1. First sync: what Git says comes to be');
  const wanted = stage.members.length * applications.length;
  await narrator.step(
    `${applications.length} applications in ${stage.members.length} clusters from commit ${short(commit)}`,
    (note) => waitForPlacements(story, commit, wanted, note),
    (placements) =>
      `${placements.reduce((sum, { objectsSynced }) => sum + objectsSynced, 0)} objects in place`,
  );
}

export async function tellBaseChange(story: Story): Promise<string> {
  const { narrator, stage } = story;
  narrator.chapter('2. One merge to the base reaches every cluster');
  const commit = await merge(story, {
    file: 'apps/shop/base/kustomization.yaml',
    edit: (text) => text.replace('newTag: 1.4.0', 'newTag: 1.5.0'),
    message: 'shop: release 1.5.0',
    author: 'Grace Lim <grace@example.com>',
  });
  await narrator.step(
    'shop 1.5.0 in every cluster',
    async (note) => {
      const done = new Set<string>();
      await waitForValue(
        'the new image in every cluster',
        async () => {
          for (const member of stage.members)
            if (String(await imageOf(member)).endsWith(':1.5.0')) done.add(member.name);
          note([...done].join(', '));
          return done.size === stage.members.length ? true : undefined;
        },
        { limitMs: stepLimitMs, signal: story.signal },
      );
    },
    () => stage.members.map(({ name }) => name).join(', '),
  );
  return commit;
}

export async function tellOverlayChange(story: Story): Promise<void> {
  const { narrator, stage } = story;
  narrator.chapter("3. A change to one region's overlay reaches only its clusters");
  const before = new Map(
    (await stage.api.placements()).map((placement) => [
      `${placement.cluster}/${placement.application}`,
      placement.generation,
    ]),
  );
  const commit = await merge(story, {
    file: 'apps/shop/overlays/eu/kustomization.yaml',
    edit: (text) => text.replace('- CURRENCY=EUR', '- CURRENCY=EUR\n      - FEATURE_WISHLIST=on'),
    message: 'shop: wish lists in the EU',
    author: 'Femi Okafor <femi@example.com>',
  });
  const inRegion = stage.members.filter(({ name }) => name.startsWith('eu-')).map(({ name }) => name);
  await narrator.step(
    'shop changes in eu and nowhere else',
    async (note) => {
      const placements = await waitForPlacements(
        story,
        commit,
        stage.members.length * applications.length,
        note,
      );
      const changed = placements.filter(
        (placement) => before.get(`${placement.cluster}/${placement.application}`) !== placement.generation,
      );
      const wrong = changed.filter(
        ({ cluster, application }) => application !== 'shop' || !inRegion.includes(cluster),
      );
      const missing = inRegion.filter((name) => !changed.some(({ cluster }) => cluster === name));
      if (wrong.length > 0)
        throw new Error(
          `changed too: ${wrong.map(({ cluster, application }) => `${cluster}/${application}`).join(', ')}`,
        );
      if (missing.length > 0) throw new Error(`not changed: ${missing.join(', ')}`);
      return changed.length;
    },
    (count) => `${count} of ${before.size} assignments changed: ${inRegion.join(', ')}`,
  );
}

export async function tellDrift(story: Story): Promise<void> {
  const { narrator, stage } = story;
  const [member] = stage.members;
  if (!member) throw new Error('the stage has no member');
  narrator.chapter('4. A change made by hand is found, told and undone');
  narrator.say(`Somebody edits the autoscaler of shop/web in ${member.name} by hand: min/max 3/9 -> 4/12`);
  const since = new Date().toISOString();
  const healed = await narrator.step(
    'the autoscaler is back at 3/9',
    async () => {
      await member.edit(autoscaler, { spec: { minReplicas: 4, maxReplicas: 12 } });
      const began = performance.now();
      await waitForValue(
        'the change to be undone',
        async () => {
          const live = await member.get(autoscaler);
          return valueAt(live, ['spec', 'minReplicas']) === 3 && valueAt(live, ['spec', 'maxReplicas']) === 9
            ? true
            : undefined;
        },
        { limitMs: stepLimitMs, signal: story.signal },
      );
      return performance.now() - began;
    },
    (ms) => `undone ${(ms / 1000).toFixed(2)} s after the edit`,
  );
  await narrator.step(
    'the team is told what, where, by which hand and when',
    () =>
      waitForValue(
        'the event drift.healed',
        async () => {
          const events = await stage.api.events(
            `types=drift&cluster=${member.name}&since=${encodeURIComponent(since)}`,
          );
          return events.find(
            ({ type, object }) => type === 'drift.healed' && object.includes('HorizontalPodAutoscaler'),
          );
        },
        { limitMs: stepLimitMs, signal: story.signal },
      ),
    ({ message }) => message,
  );
  if (healed > stepLimitMs) throw new Error('healing took too long');
}

/** @param commits the release of shop, and what else is taken back. */
export async function tellRevert(story: Story, commits: readonly string[]): Promise<void> {
  const { narrator, stage } = story;
  narrator.chapter('7. A rollback is a git revert');
  let head = '';
  for (const commit of commits) {
    head = await stage.repository.revert(commit);
    narrator.say(`git revert ${short(commit)} makes ${short(head)}`);
  }
  await stage.repository.push();
  await narrator.step('shop 1.4.0 in every cluster', () =>
    waitForValue(
      'the old image in every cluster',
      async () => {
        const images = await Promise.all(stage.members.map(imageOf));
        return images.every((image) => String(image).endsWith(':1.4.0')) ? true : undefined;
      },
      { limitMs: stepLimitMs, signal: story.signal },
    ),
  );
  await narrator.step('Git and all clusters agree', (note) =>
    waitForPlacements(story, head, stage.members.length * applications.length, note),
  );
  await narrator.step('and the log says who, when, what', async () => {
    const events = await stage.api.events('types=revision.seen');
    for (const event of [...events].reverse())
      narrator.say(
        `${event.time.slice(11, 19)}  ${short(event.revisionId)}  ${event.actor.padEnd(36)} ${event.message}`,
      );
  });
}

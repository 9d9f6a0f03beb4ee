/**
 * `fairway demo`: Fairway's main job told on real parts: a Git repository over HTTP, a hub, an agent a cluster in processes of their own, against simulated
 * Kubernetes APIs or clusters of the user's kubeconfig.
 */
import { toFairwayError } from '../../../shared/error/error.ts';
import { createNarrator } from './narrator.ts';
import { createStageBuilder, demoClusters, logTails, type StageBuilder } from './stage.ts';
import {
  type Story,
  tellBaseChange,
  tellDrift,
  tellFirstSync,
  tellOverlayChange,
  tellRevert,
} from './story.ts';
import { tellFailedRollout } from './tell-failed-rollout.ts';
import { tellParity } from './tell-parity.ts';

export interface DemoOptions {
  /** Tell the story and end, with 0 or 1. */
  readonly once: boolean;
  /** Contexts of the user's kubeconfig, at most four; empty: simulated clusters. */
  readonly contexts: readonly string[];
  readonly stdout: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

async function tellStory(
  builder: StageBuilder,
  options: DemoOptions,
  narrator: Story['narrator'],
): Promise<void> {
  const clusters =
    options.contexts.length > 0 ? demoClusters.slice(0, options.contexts.length) : demoClusters;
  narrator.chapter('Setting the stage');
  const first = await narrator.step(
    'a fleet repository, served over HTTP',
    () => builder.makeRepository(clusters),
    (commit) => `commit ${commit.slice(0, 7)}`,
  );
  await narrator.step(
    'a hub on SQLite',
    () => builder.startHub(),
    ({ api }) => api,
  );
  await narrator.step(
    options.contexts.length > 0 ? 'clusters of your kubeconfig' : 'four simulated Kubernetes APIs',
    () => builder.startMembers(options.contexts),
    (members) => members.map(({ name }) => name).join(', '),
  );
  await narrator.step('an agent in each, enrolled by a single-use token', () => builder.startAgents());
  const story: Story = { stage: builder.stage(), narrator, signal: options.signal };
  await tellFirstSync(story, first);
  const release = await tellBaseChange(story);
  await tellOverlayChange(story);
  await tellDrift(story);
  const failed = await tellFailedRollout(story);
  await tellParity(story);
  await tellRevert(story, failed === undefined ? [release] : [failed, release]);
}

/** Resolves to the exit code: 0 when everything happened, 1 with what did not. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const terminal = options.stdout.isTTY === true && options.env['CI'] === undefined;
  const write = (text: string) => options.stdout.write(text);
  const narrator = createNarrator({
    write,
    terminal,
    colour: terminal && options.env['NO_COLOR'] === undefined,
  });
  const builder = createStageBuilder();
  try {
    await tellStory(builder, options, narrator);
    if (!options.once) await stayUp(builder, options, write);
    else write('\nAll of it happened.\n');
    return 0;
  } catch (caught) {
    if (options.signal.aborted) return 0;
    const message = caught instanceof Error ? caught.message : toFairwayError(caught).message;
    write(`\nThis did not happen: ${message}\n\nLast lines of the logs:\n${logTails(builder.folder)}\n`);
    return 1;
  } finally {
    await builder.clear();
  }
}

async function stayUp(
  builder: StageBuilder,
  { signal }: DemoOptions,
  write: (text: string) => void,
): Promise<void> {
  const { addresses, repository } = builder.stage();
  write(`
The fleet stays up until you press Ctrl-C.

  API      ${addresses.api}
  Token    ${addresses.token}
  Git      ${repository.workTree} (commit and push here)

Try, in another terminal:

  export FAIRWAY_SERVER=${addresses.api} FAIRWAY_TOKEN=${addresses.token}
  npx fairway status
  npx fairway get events
  npx fairway rollout timeline payments
  npx fairway parity eu -o wide
  npx fairway failover plan eu
  npx fairway failover start eu --drill --reason "first drill"
  npx fairway pause eu-1/shop --for 10m --reason "looking into it"
`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    // A timer keeps the process alive while it waits.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}

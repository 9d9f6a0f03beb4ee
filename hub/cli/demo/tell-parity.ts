/** The demo's chapter about a standby that is made to differ from its primary, by a merge that looks harmless: who is told what, and how it is whole again. */
import type { ApiDifference, ApiParity } from '../../api/schemas/parity.ts';
import { waitForValue } from './processes.ts';
import { commitFile, type Story, stepLimitMs } from './story.ts';

const group = '/api/v1/parity/eu';
const file = 'apps/shop/overlays/clusters/eu-2/kustomization.yaml';
const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../eu
patches:
  - target: { kind: HorizontalPodAutoscaler, name: web }
    patch: |-
      - op: replace
        path: /spec/minReplicas
        value: 1
`;

/** Waits for what the hub says of the group to be so. */
function reached<T>(story: Story, what: string, read: () => Promise<T | undefined>): Promise<T> {
  return waitForValue(what, read, { limitMs: stepLimitMs, signal: story.signal });
}

async function overlayDifferences({ stage }: Story): Promise<readonly ApiDifference[]> {
  const path = `${group}/differences?class=overlay`;
  return (await stage.api.get<{ readonly items: readonly ApiDifference[] }>(path)).items;
}

const placeOf = (source: ApiDifference['primarySource']) => `${source?.file}:${source?.line}`;

/** How long parity was not whole, by the group's own time line, which is newest first. */
async function brokenMs({ stage }: Story): Promise<number | undefined> {
  const { items } = await stage.api.get<{ readonly items: readonly { at: string; whole: boolean }[] }>(
    `${group}/timeline`,
  );
  const end = items[0];
  const broken = items.slice(1);
  const before = broken.findIndex(({ whole }) => whole);
  const start = (before < 0 ? broken : broken.slice(0, before)).at(-1);
  return end?.whole && start && !start.whole ? Date.parse(end.at) - Date.parse(start.at) : undefined;
}

/** Told with simulated clusters only: in others nothing of this example gets healthy, and no standby may take over. */
export async function tellParity(story: Story): Promise<void> {
  const { narrator, stage } = story;
  narrator.chapter('6. A standby that differs is found before the day it is needed');
  if (stage.members.some(({ program }) => program === undefined)) {
    narrator.say('Left out with your own clusters: what cannot get healthy there may not take over.');
    return;
  }
  const verdictIs = (wanted: ApiParity['verdict']) => () =>
    reached(story, `parity to be ${wanted}`, async () => {
      const found = await stage.api.get<ApiParity>(group).catch(() => undefined);
      return found?.verdict === wanted && found.whole === (wanted === 'Ready') ? found : undefined;
    });
  await narrator.step('eu-2 may take over from eu-1', verdictIs('Ready'), describeVerdict);
  const author = 'Femi Okafor <femi@example.com>';
  await commitFile(story, { file, text: overlay, message: 'shop: eu-2 idles, let it save', author });
  await narrator.step('it may no more without a second look', verdictIs('Degraded'), describeVerdict);
  const [told] = await narrator.step(
    'what differs, and who answers for it',
    () =>
      reached(story, 'the difference and its author', async () => {
        const found = await overlayDifferences(story);
        return found.length === 1 && found[0]?.owner === author && found[0].primarySource ? found : undefined;
      }),
    (found) => found.map(({ owner }) => owner).join(', '),
  );
  narrator.say(
    `${told?.primaryKey?.kind} ${told?.primaryKey?.name} ${told?.path}: ${told?.primaryValue} by ${placeOf(told?.primarySource ?? null)},`,
  );
  narrator.say(`  ${told?.standbyValue} by ${placeOf(told?.standbySource ?? null)}`);
  const back = 'shop: eu-2 is what eu-1 is again';
  await commitFile(story, { file, text: null, message: back, author: 'Ada Park <ada@example.com>' });
  await narrator.step('eu-2 may take over again', verdictIs('Ready'), describeVerdict);
  await narrator.step(
    'and the time line says for how long it might not have been the same',
    () => reached(story, 'the time line to tell of it', () => brokenMs(story)),
    (ms) => `${(ms / 1_000).toFixed(1)} s of the 43 min that a month has to miss`,
  );
}

function describeVerdict({ verdict, score, standbys }: ApiParity): string {
  const objects = standbys.reduce((sum, pair) => sum + pair.objects, 0);
  const counts = Object.entries(standbys[0]?.counts ?? {}).filter(([, count]) => Number(count) > 0);
  const found = counts.map(([name, count]) => `${String(count)} ${name}`).join(', ') || 'no difference';
  return `${verdict}, score ${score}, ${found} in ${objects} objects`;
}

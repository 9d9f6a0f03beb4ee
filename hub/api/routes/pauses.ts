import { z } from '@hono/zod-openapi';
import { FairwayError } from '../../../shared/error/error.ts';
import type { Pause } from '../../model/release.ts';
import type { Store } from '../../store/store.ts';
import { jsonEndpoint } from '../endpoint.ts';
import type { ViewPort } from '../ports.ts';
import { applicationNameSchema, nameSchema, reasonSchema, timeSchema, toTime } from '../schemas/common.ts';

/** A pause ends by itself: what nobody remembers must not stay broken for ever. */
const pauseMaxSeconds = 30 * 24 * 3600;

const pauseSchema = z
  .object({
    cluster: z.string(),
    application: z.string().openapi({ description: 'Empty: the whole cluster' }),
    reason: z.string(),
    actor: z.string(),
    createdAt: timeSchema,
    until: timeSchema.nullable(),
  })
  .openapi('Pause');

function toPause(pause: Pause): z.infer<typeof pauseSchema> {
  const { cluster, application, reason, actor, createdAtMs, untilMs } = pause;
  return { cluster, application, reason, actor, createdAt: toTime(createdAtMs), until: toTime(untilMs) };
}

async function requirePlace(views: ViewPort, cluster: string, application: string): Promise<void> {
  if ((await views.cluster(cluster)) === undefined)
    throw new FairwayError('not_found', `There is no cluster "${cluster}".`);
  if (application !== '' && (await views.application(application)) === undefined)
    throw new FairwayError('not_found', `There is no application "${application}".`);
}

/** The hub would set it again at once. */
async function refusePauseInGit(store: Store, cluster: string, application: string): Promise<void> {
  const pauses = await store.releases.pauses(cluster);
  const inGit = pauses.find((pause) => pause.application === application && pause.untilMs === undefined);
  if (inGit)
    throw new FairwayError(
      'failed_precondition',
      `${placeOf(cluster, application)} is ${inGit.reason}: resume it there.`,
    );
}

const placeOf = (cluster: string, application: string) =>
  application === '' ? cluster : `${cluster}/${application}`;

export const pauseEndpoints = [
  jsonEndpoint({
    method: 'get',
    path: '/api/v1/pauses',
    operationId: 'listPauses',
    summary: 'Lists what is paused, why and until when',
    tag: 'actions',
    query: z.object({ cluster: nameSchema.optional() }),
    reply: z.object({ items: z.array(pauseSchema) }).openapi('PauseList'),
    async handle({ query }, { store }) {
      return { items: (await store.releases.pauses(query.cluster)).map(toPause) };
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/pause',
    operationId: 'pause',
    summary: 'Stops syncing and healing for a cluster, or one application in it, for a while',
    description: 'A second pause of the same place replaces the first.',
    tag: 'actions',
    body: z
      .strictObject({
        cluster: nameSchema,
        application: applicationNameSchema.optional(),
        durationSeconds: z.int().min(1).max(pauseMaxSeconds).openapi({ example: 3600 }),
        reason: reasonSchema,
      })
      .openapi('PauseRequest'),
    reply: pauseSchema,
    errors: ['not_found'],
    async handle({ body, audit, caller }, { store, views, clock }) {
      const { cluster, application = '', durationSeconds, reason } = body;
      await requirePlace(views, cluster, application);
      const createdAtMs = clock.now();
      const untilMs = createdAtMs + durationSeconds * 1000;
      const pause: Pause = { cluster, application, reason, actor: caller.name, createdAtMs, untilMs };
      const message = `Paused ${placeOf(cluster, application)} until ${toTime(untilMs)}: ${reason}`;
      await store.releases.savePause(pause, audit({ message, cluster, application, data: { reason } }));
      return toPause(pause);
    },
  }),
  jsonEndpoint({
    method: 'post',
    path: '/api/v1/resume',
    operationId: 'resume',
    summary: 'Ends a pause',
    description:
      'Ending a pause that is not there changes nothing and says so. One that Git asks for ends in Git.',
    tag: 'actions',
    body: z
      .strictObject({ cluster: nameSchema, application: applicationNameSchema.optional() })
      .openapi('ResumeRequest'),
    reply: z.object({ resumed: z.boolean() }).openapi('Resumed'),
    errors: ['failed_precondition'],
    async handle({ body, audit }, { store }) {
      const { cluster, application = '' } = body;
      await refusePauseInGit(store, cluster, application);
      const message = `Resumed ${placeOf(cluster, application)}.`;
      const event = audit({ message, cluster, application });
      return { resumed: await store.releases.removePause(cluster, application, event) };
    },
  }),
];

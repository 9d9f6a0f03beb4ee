import { z } from '@hono/zod-openapi';
import { eventTypes, type FleetEvent } from '../../model/event.ts';
import { applicationNameSchema, nameSchema, pageOf, timeSchema, toTime } from './common.ts';

const eventSchema = z
  .object({
    id: z.string(),
    sequence: z.int().openapi({ description: 'Grows by one; the id of the message in the event stream' }),
    type: z.enum(eventTypes),
    actor: z.string().openapi({ description: 'Git author, token name, `agent:NAME` or `hub`' }),
    time: timeSchema,
    cluster: z.string(),
    application: z.string(),
    revisionId: z.string(),
    object: z.string().openapi({ description: '`group/kind/namespace/name`, or empty' }),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('Event');
export type ApiEvent = z.infer<typeof eventSchema>;
export const eventPageSchema = pageOf('EventPage', eventSchema);

export function toEvent(event: FleetEvent): ApiEvent {
  const { timeMs, data, ...rest } = event;
  return { ...rest, time: toTime(timeMs), data: { ...data } };
}

const typesSchema = z
  .string()
  .max(1024)
  .regex(/^[a-z]+([-.][a-z]+)*(,[a-z]+([-.][a-z]+)*)*$/)
  .transform((text) => text.split(','))
  .openapi({
    type: 'string',
    description: 'Types or their first parts, with commas between',
    example: 'drift,audit.pause',
  });

/** The same for the list and the stream. */
export const eventFilterQuery = {
  types: typesSchema.optional(),
  cluster: nameSchema.optional(),
  application: applicationNameSchema.optional(),
};

export const sinceQuery = {
  since: timeSchema.optional().openapi({ description: 'Not older than this' }),
};

import type { FleetEvent } from '../model/event.ts';
import { describeEvent } from './describe-event.ts';

/** CloudEvents 1.0, structured JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md). */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly time: string;
  readonly subject?: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
}

export const cloudEventMediaType = 'application/cloudevents+json; charset=utf-8';

/** `dev.fairway.drift.found.v1`; the id is the event's own, the same at every attempt, so that receivers can drop repeats. */
export function toCloudEvent(event: FleetEvent, source: string): CloudEvent {
  const { cluster, application, object, revisionId, actor, message, sequence, data } = event;
  const subject = [cluster, application, object].filter((part) => part !== '').join('/');
  return {
    specversion: '1.0',
    type: `dev.fairway.${event.type}.v1`,
    source,
    id: event.id,
    time: new Date(event.timeMs).toISOString(),
    ...(subject === '' ? {} : { subject }),
    datacontenttype: 'application/json',
    data: {
      sequence,
      cluster,
      application,
      object,
      revisionId,
      actor,
      message,
      text: describeEvent(event),
      details: data,
    },
  };
}

import { toBinary } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import {
  AgentService,
  type ReportRequest,
  ReportRequestSchema,
  type ReportResponse,
} from '../../shared/gen/fairway/v1/agent_pb.ts';
import { reportBytesMax } from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import type { ReportBatch, ReportSource } from '../model/report.ts';
import { fromServiceError } from './channel.ts';
import { batchToWire } from './wire.ts';

/** Rows of one batch. */
const rowsMax = 200;

/** A stream that has had nothing to say for this long is ended; the next report opens another. A hub then holds nothing for it. */
const idleMs = 30_000;

export interface ReporterOptions {
  readonly client: Client;
  readonly reports: ReportSource;
  readonly clock: Clock;
  readonly abort: AbortController;
  readonly finish: (error: FairwayError) => void;
}

type Stream = ClientDuplexStream<ReportRequest, ReportResponse>;

/** More than a row takes beside its texts and its drift. */
const rowBytesMax = 2_048;

/** Most batches are far from it, which their texts tell without encoding them twice. */
function isTooLarge({ applications, objects, gone, events }: ReportBatch, message: ReportRequest): boolean {
  const long = objects.some(({ drift }) => drift) || events.some(({ drift, hook }) => drift || hook);
  if (!long) {
    let characters = 0;
    for (const row of applications) characters += row.message.length + row.waitsFor.length;
    for (const row of objects) characters += row.message.length + row.reason.length;
    for (const row of events) characters += row.message.length;
    const rows = applications.length + objects.length + gone.length + events.length;
    // A character is three bytes of UTF-8 at most.
    if (3 * characters + rows * rowBytesMax <= reportBytesMax) return false;
  }
  return toBinary(ReportRequestSchema, message).length > reportBytesMax;
}

/**
 * Sends what the source has, one batch at a time: the next when the hub has stored the last. A batch that was not acknowledged goes back
 * to the source, so nothing is lost with a connection.
 * @returns what is to be called when the source has something.
 */
export function sendReports({ client, reports, clock, abort, finish }: ReporterOptions): () => void {
  const method = toMethodDefinition(AgentService.method.report);
  let open: Stream | undefined;
  let cancelIdle = () => {};
  let sequence = 0;
  let underway: ReportBatch | undefined;
  let rows = rowsMax;
  const next = () => {
    if (underway || abort.signal.aborted) return;
    const batch = reports.take(rows);
    if (!batch) return;
    const message = batchToWire(sequence + 1, batch);
    if (rows > 1 && isTooLarge(batch, message)) {
      reports.giveBack(batch);
      rows = Math.max(1, rows >> 1);
      return next();
    }
    rows = rowsMax;
    sequence += 1;
    underway = batch;
    cancelIdle();
    open ??= openStream();
    open.write(message);
  };
  const attempt = () => {
    try {
      next();
    } catch (caught) {
      finish(toFairwayError(caught));
    }
  };
  const stored = ({ sequence: number }: ReportResponse) => {
    if (number !== BigInt(sequence)) return;
    underway = undefined;
    attempt();
    if (!underway)
      cancelIdle = clock.after(idleMs, () => {
        open?.end();
        open = undefined;
      });
  };
  const openStream = (): Stream => {
    const stream: Stream = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    );
    // A stream that was ended for idleness has no more to say.
    const isOpen = () => stream === open;
    stream.on('data', stored);
    stream.on('error', (error) => isOpen() && finish(fromServiceError(error)));
    stream.on(
      'end',
      () => isOpen() && finish(new FairwayError('unavailable', 'the hub has ended the reports')),
    );
    return stream;
  };
  abort.signal.addEventListener(
    'abort',
    () => {
      cancelIdle();
      open?.cancel();
      if (underway) reports.giveBack(underway);
      underway = undefined;
    },
    { once: true },
  );
  reports.requeueAll();
  attempt();
  return attempt;
}

import { toBinary } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
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

export interface ReporterOptions {
  readonly client: Client;
  readonly reports: ReportSource;
  readonly abort: AbortController;
  readonly finish: (error: FairwayError) => void;
}

/**
 * Sends what the source has, one batch at a time: the next when the hub has stored the last. A batch that was not acknowledged goes back
 * to the source, so nothing is lost with a connection.
 * @returns what is to be called when the source has something.
 */
export function sendReports({ client, reports, abort, finish }: ReporterOptions): () => void {
  const method = toMethodDefinition(AgentService.method.report);
  const stream: ClientDuplexStream<ReportRequest, ReportResponse> = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
  );
  let sequence = 0;
  let underway: ReportBatch | undefined;
  let rows = rowsMax;
  const next = () => {
    if (underway || abort.signal.aborted) return;
    const batch = reports.take(rows);
    if (!batch) return;
    const message = batchToWire(sequence + 1, batch);
    if (rows > 1 && toBinary(ReportRequestSchema, message).length > reportBytesMax) {
      reports.giveBack(batch);
      rows = Math.max(1, rows >> 1);
      return next();
    }
    rows = rowsMax;
    sequence += 1;
    underway = batch;
    stream.write(message);
  };
  const attempt = () => {
    try {
      next();
    } catch (caught) {
      finish(toFairwayError(caught));
    }
  };
  stream.on('data', ({ sequence: stored }: ReportResponse) => {
    if (stored !== BigInt(sequence)) return;
    underway = undefined;
    attempt();
  });
  stream.on('error', (error) => finish(fromServiceError(error)));
  stream.on('end', () => finish(new FairwayError('unavailable', 'the hub has ended the reports')));
  abort.signal.addEventListener(
    'abort',
    () => {
      stream.cancel();
      if (underway) reports.giveBack(underway);
      underway = undefined;
    },
    { once: true },
  );
  reports.requeueAll();
  attempt();
  return attempt;
}

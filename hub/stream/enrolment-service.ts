import { Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { FairwayError } from '../../shared/error/error.ts';
import {
  EnrolmentService,
  type EnrolRequest,
  type EnrolResponse,
  EnrolResponseSchema,
} from '../../shared/gen/fairway/v1/enrolment_pb.ts';
import { hubServerName } from '../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../shared/stream/service.ts';
import { encode, timeToWire } from '../../shared/stream/wire-base.ts';
import { toServiceError } from './call.ts';
import { createRateLimiter } from './rate-limit.ts';
import { logFailure, type StreamContext, serverOptions } from './stream-context.ts';

const minuteMs = 60_000;
/** A token, a request for a certificate, a version: nothing else comes here. */
const requestBytesMax = 64 * 1024;

/** The server of the enrolment listener: Enrol and nothing else, bounded by address and for all. */
export function createEnrolmentServer(context: StreamContext): Server {
  const { options, limits } = context;
  const server = new Server({ ...serverOptions(limits), 'grpc.max_receive_message_length': requestBytesMax });
  const all = createRateLimiter(options.clock, limits.enrolmentsMax, minuteMs);
  const refused = createRateLimiter(options.clock, limits.refusedEnrolmentsMax, minuteMs);
  const enrol = async (request: EnrolRequest, peer: string): Promise<EnrolResponse> => {
    const address = peer.slice(0, peer.lastIndexOf(':'));
    if (refused.isOver(address) || !all.take(''))
      throw new FairwayError('resource_exhausted', 'too many enrolments; try again in a minute');
    const { token, certificateSigningRequest: csr } = request;
    const agentVersion = request.agentVersion.slice(0, 64);
    try {
      const credential = await options.registry.enrol({ token, csr, agentVersion, peer });
      const { advertisedAddresses: advertised } = options;
      return encode(EnrolResponseSchema, {
        certificateChain: [...credential.certificateChain],
        cluster: credential.cluster,
        hubAddresses: [...(typeof advertised === 'function' ? advertised(context.agentPort) : advertised)],
        notAfterUnixMs: timeToWire(credential.notAfterMs),
        serverName: options.serverName ?? hubServerName,
      });
    } catch (caught) {
      refused.take(address);
      throw caught;
    }
  };
  server.addService(
    { enrol: toMethodDefinition(EnrolmentService.method.enrol) },
    {
      enrol(call: ServerUnaryCall<EnrolRequest, EnrolResponse>, respond: sendUnaryData<EnrolResponse>) {
        enrol(call.request, call.getPeer()).then(
          (response) => respond(null, response),
          (caught: unknown) => {
            logFailure(context, caught);
            respond(toServiceError(caught));
          },
        );
      },
    },
  );
  return server;
}

import type { StreamServerOptions } from '../stream/stream-context.ts';
import { createStreamServer, type StreamServer } from '../stream/stream-server.ts';
import type { HubBase } from './hub-base.ts';

/** The agents' server, as the configuration has it. An advertised port 0 stands for the one that is listened on. */
export function createStream(
  base: HubBase,
  told: Pick<StreamServerOptions, 'fencing' | 'onFactsChanged'>,
): StreamServer {
  const { advertise, listen } = base.config;
  return createStreamServer({
    ...base,
    listen: { agent: listen.agent, enrolment: listen.enrolment },
    serverName: advertise.serverName,
    advertisedAddresses: (agentPort) =>
      advertise.agent.map((address) => address.replace(/:0$/, `:${agentPort}`)),
    ...told,
  });
}

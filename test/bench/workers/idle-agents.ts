/** The hub's side of idle agents is what counts: they take what they are told and do nothing with it. */
import type { HubConnection } from '../../../agent/stream/hub-connection.ts';
import { connectLightAgents } from '../kit/light-agent.ts';
import { serveWorker } from '../kit/worker.ts';

export interface IdleAgentsRequest {
  readonly enrolmentTokens: readonly string[];
  readonly enrolmentAddress: string;
}

const connections: HubConnection[] = [];

serveWorker({
  start: ({ enrolmentTokens, enrolmentAddress }: IdleAgentsRequest) =>
    connectLightAgents(enrolmentTokens, enrolmentAddress, ({ connection }) => connections.push(connection)),
  connected: () => connections.filter((connection) => connection.state().connected).length,
});

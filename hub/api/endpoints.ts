import type { Endpoint } from './endpoint.ts';
import type { ApiPorts } from './ports.ts';
import { actionEndpoints } from './routes/actions.ts';
import { agentQueryEndpoints } from './routes/agent-queries.ts';
import { agentEndpoints } from './routes/agents.ts';
import { applicationEndpoints } from './routes/applications.ts';
import { assignmentEndpoints } from './routes/assignments.ts';
import { backupEndpoints } from './routes/backup.ts';
import { clusterEndpoints } from './routes/clusters.ts';
import { confirmationEndpoints } from './routes/confirmations.ts';
import { diffEndpoints } from './routes/diff.ts';
import { createEventStream } from './routes/event-stream.ts';
import { eventEndpoints } from './routes/events.ts';
import { explainEndpoints } from './routes/explain.ts';
import { failoverEndpoints } from './routes/failovers.ts';
import { objectEndpoints } from './routes/objects.ts';
import { parityEndpoints } from './routes/parity.ts';
import { pauseEndpoints } from './routes/pauses.ts';
import { revisionEndpoints } from './routes/revisions.ts';
import { rolloutHistoryEndpoints } from './routes/rollout-history.ts';
import { rolloutPlanEndpoints } from './routes/rollout-plan.ts';
import { rolloutEndpoints } from './routes/rollouts.ts';
import { createSystemEndpoints } from './routes/system.ts';
import { accessTokenEndpoints } from './routes/tokens.ts';
import { webhookEndpoints } from './routes/webhooks.ts';

export interface EndpointOptions {
  readonly eventStreamsMax: number;
  readonly onStream: (change: 1 | -1) => void;
}

/** Every endpoint, in the order of the OpenAPI document. A fixed path comes before a pattern that would match it. */
export function createEndpoints(
  ports: ApiPorts,
  options: EndpointOptions,
): { readonly endpoints: readonly Endpoint[]; close(): void } {
  const stream = createEventStream(ports, options);
  const endpoints: Endpoint[] = [
    ...clusterEndpoints,
    ...applicationEndpoints,
    ...revisionEndpoints,
    ...diffEndpoints,
    ...explainEndpoints,
    ...assignmentEndpoints,
    ...objectEndpoints,
    ...eventEndpoints,
    stream.endpoint,
    ...actionEndpoints,
    ...pauseEndpoints,
    ...confirmationEndpoints,
    ...rolloutEndpoints,
    ...rolloutPlanEndpoints,
    ...rolloutHistoryEndpoints,
    ...parityEndpoints,
    ...failoverEndpoints,
    ...agentEndpoints,
    ...agentQueryEndpoints,
    ...accessTokenEndpoints,
    ...backupEndpoints,
    ...webhookEndpoints,
  ];
  endpoints.push(...createSystemEndpoints(endpoints));
  return { endpoints, close: stream.close };
}

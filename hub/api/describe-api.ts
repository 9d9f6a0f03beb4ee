import { createEndpoints } from './endpoints.ts';
import { renderOpenApi } from './openapi.ts';

/** The OpenAPI document without a running hub: endpoints are data, and nothing of a port is touched before a request. */
export function describeApi(): ReturnType<typeof renderOpenApi> {
  const unused = {} as Parameters<typeof createEndpoints>[0];
  return renderOpenApi(createEndpoints(unused, { eventStreamsMax: 0, onStream: () => {} }).endpoints);
}

/** Calls that end before the hub has looked up whose they are: none may be left behind, nor count against the cluster. */
import { Client, credentials } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { AgentService } from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { toMethodDefinition } from '../../../shared/stream/service.ts';
import { enrolAgent, startAgent, startHub, until } from './harness.ts';

it('a cluster whose calls were cancelled at once may still connect, and the hub stops', async () => {
  const hub = await startHub();
  const identity = await enrolAgent(hub, 'eu-1');
  const [ca, key, chain] = [identity.caPem, identity.privateKeyPem, identity.certificateChainPem].map(
    Buffer.from,
  );
  const client = new Client(`127.0.0.1:${hub.agentPort}`, credentials.createSsl(ca, key, chain), {
    'grpc.ssl_target_name_override': identity.serverName,
  });
  await new Promise((resolve) => client.waitForReady(Date.now() + 10_000, resolve));
  const method = toMethodDefinition(AgentService.method.session);
  for (let round = 0; round < 60; round += 1) {
    const call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    );
    const ended = new Promise((resolve) => call.on('error', resolve));
    // Once the request is on its way, and before the hub has asked its store.
    await new Promise((resolve) => setImmediate(resolve));
    call.cancel();
    await ended;
  }
  client.close();
  const agent = await startAgent(identity);
  await until('connected', () => agent.connection.state().connected);
  await agent.connection.stop();
  await hub.stop();
  expect(hub.server.sessions()).toEqual([]);
});

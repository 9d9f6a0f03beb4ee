import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type ChannelCredentials, Client, type ServiceError } from '@grpc/grpc-js';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { channelOptions, createCredentials } from '../../../agent/stream/channel.ts';
import { createKeyPair } from '../../../agent/stream/key-pair.ts';
import { createRegistry } from '../../../hub/registry/registry.ts';
import { systemRandom } from '../../../shared/clock/random.ts';
import {
  AgentService,
  type FetchBlobsRequest,
  FetchBlobsRequestSchema,
  type FetchBlobsResponse,
} from '../../../shared/gen/fairway/v1/agent_pb.ts';
import { silentLogger } from '../../../shared/log/log.ts';
import { hubServerName } from '../../../shared/stream/protocol.ts';
import { toMethodDefinition } from '../../../shared/stream/service.ts';
import { digestToWire } from '../../../shared/stream/wire-base.ts';
import { configMap, enrolAgent, enrolWith, type Hub, until } from './harness.ts';
import { createParties } from './parties.ts';

const { hubOf, agentOf } = createParties();

/** One FetchBlobs with these credentials: its answers, or the gRPC status it was refused with. */
function fetchBlobs(
  address: string,
  credentials: ChannelCredentials,
  digests: readonly string[] = [],
): Promise<readonly FetchBlobsResponse[] | number> {
  const method = toMethodDefinition(AgentService.method.fetchBlobs);
  const client = new Client(address, credentials, channelOptions(hubServerName));
  const request = create(FetchBlobsRequestSchema, { digests: digests.map(digestToWire) });
  return new Promise((resolve) => {
    const answers: FetchBlobsResponse[] = [];
    const call = client.makeServerStreamRequest<FetchBlobsRequest, FetchBlobsResponse>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
    );
    const settle = (result: readonly FetchBlobsResponse[] | number) => {
      client.close();
      resolve(result);
    };
    call.on('data', (message: FetchBlobsResponse) => answers.push(message));
    call.on('error', (error: ServiceError) => settle(error.code));
    call.on('end', () => settle(answers));
  });
}

const addressOf = (hub: Hub) => `127.0.0.1:${hub.agentPort}`;
const unauthenticated = 16;
const unavailable = 14;

describe('enrolment', () => {
  const refused = { code: 'unauthenticated', message: 'the enrolment token is not valid; ask for a new one' };

  it('refuses a used, an expired, a revoked and an invented token in the same words, and audits each apart', async () => {
    const hub = await hubOf();
    const make = async () => hub.registry.createToken({ cluster: 'eu-1', actor: 'ann', ttlMs: 60_000 });
    const used = await make();
    await enrolWith(hub, used.token);
    await expect(enrolWith(hub, used.token)).rejects.toMatchObject(refused);
    const revoked = await make();
    expect(await hub.registry.revokeToken(revoked.id, 'ann')).toBe(true);
    await expect(enrolWith(hub, revoked.token)).rejects.toMatchObject(refused);
    const invented = used.token.replace(/^fw1\.[0-9a-f]{16}/, 'fw1.0123456789abcdef');
    await expect(enrolWith(hub, invented)).rejects.toMatchObject(refused);
    const wrongSecret = (await make()).token.replace(/^(fw1\.[0-9a-f]{16})\.[^.]+/, `$1.${'A'.repeat(43)}`);
    await expect(enrolWith(hub, wrongSecret)).rejects.toMatchObject(refused);
    const expired = await make();
    hub.clock.shiftMs = 61_000;
    await expect(enrolWith(hub, expired.token)).rejects.toMatchObject(refused);
    const refusals = (await hub.eventTypes()).filter((type) => type.startsWith('audit.token.refused')).sort();
    expect(refusals).toEqual(
      ['used', 'revoked', 'unknown', 'unknown', 'expired']
        .map((reason) => `audit.token.refused:${reason}`)
        .sort(),
    );
  });

  it('does not tell the token to a hub whose authority the token does not pin', async () => {
    const [ours, theirs] = [await hubOf(), await hubOf()];
    const { token } = await ours.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    await expect(enrolWith(theirs, token)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await theirs.eventTypes()).filter((type) => type.startsWith('audit.token'))).toEqual([]);
    expect((await enrolWith(ours, token)).cluster).toBe('eu-1');
  });

  it('takes one of two who come with the same token at once', async () => {
    const hub = await hubOf();
    const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const results = await Promise.allSettled([enrolWith(hub, token), enrolWith(hub, token)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await hub.store.registry.certificates('eu-1')).toHaveLength(1);
  });

  it('wants proof of the key, and a key that is strong enough', async () => {
    const hub = await hubOf();
    const { token } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const { csr } = await createKeyPair();
    const forged = Buffer.from(csr);
    // A byte of the public key: the signature is another key's then.
    forged[60]! ^= 1;
    const attempt = (request: Uint8Array) =>
      hub.registry.enrol({ token, csr: request, agentVersion: '', peer: 'test' });
    await expect(attempt(forged)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(attempt(await weakRequest())).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('3072'),
    });
    const { certificateChain } = await attempt(csr);
    const leaf = new X509Certificate(certificateChain[0]!);
    expect(leaf.subject).toBe('CN=eu-1');
    expect(leaf.subjectAltName).toBe('URI:spiffe://fairway/cluster/eu-1');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(leaf.ca).toBe(false);
  });

  it('keeps no secret of a token', async () => {
    const hub = await hubOf();
    const { token, id } = await hub.registry.createToken({ cluster: 'eu-1', actor: 'ann' });
    const secret = token.split('.')[2]!;
    expect(JSON.stringify(await hub.store.registry.token(id))).not.toContain(secret);
    expect(JSON.stringify((await hub.store.events.list({}, { limit: 100 })).items)).not.toContain(secret);
  });
});

describe('client certificates', () => {
  const digest = 'a'.repeat(64);

  it('answers nobody without one', async () => {
    const hub = await hubOf();
    const credentials = createCredentials({ caPem: hub.registry.caPem });
    expect(await fetchBlobs(addressOf(hub), credentials)).toBe(unavailable);
  });

  it('refuses one of another authority', async () => {
    const [ours, theirs] = [await hubOf(), await hubOf()];
    const foreign = await enrolAgent(theirs, 'eu-1');
    const credentials = createCredentials({ ...foreign, caPem: ours.registry.caPem });
    expect(await fetchBlobs(addressOf(ours), credentials)).toBe(unavailable);
    await until('audited', async () =>
      (await ours.eventTypes()).includes('audit.certificate.refused:foreign'),
    );
  });

  it('refuses one that is over by the clock of TLS, too, and audits it with its cluster', async () => {
    const hub = await hubOf({ certificateLifetimeMs: 1 });
    // Issued in the past by the hub's clock: for TLS, whose clock is the machine's, it is over.
    hub.clock.shiftMs = -3_600_000;
    const identity = await enrolAgent(hub, 'eu-1');
    hub.clock.shiftMs = 0;
    expect(await fetchBlobs(addressOf(hub), createCredentials(identity))).toBe(unavailable);
    const refused = await until('audited', async () =>
      (await hub.store.events.list({ types: ['audit.certificate.refused'] }, { limit: 10 })).items.at(0),
    );
    expect(refused).toMatchObject({ cluster: 'eu-1', data: { reason: 'expired' } });
  });

  it('refuses an expired one, and audits it', async () => {
    const hub = await hubOf({ certificateLifetimeMs: 3_600_000 });
    const identity = await enrolAgent(hub, 'eu-1');
    expect(await fetchBlobs(addressOf(hub), createCredentials(identity), [digest])).toMatchObject([
      { missing: true },
    ]);
    hub.clock.shiftMs = 3_600_001;
    expect(await fetchBlobs(addressOf(hub), createCredentials(identity))).toBe(unauthenticated);
    expect(await hub.eventTypes()).toContain('audit.certificate.refused:expired');
  });

  it('ends the session at once when it is revoked, and lets it in no more', async () => {
    const hub = await hubOf();
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await agentOf(identity);
    await until('connected', () => hub.server.sessions().length === 1 && agent.connection.state().connected);
    expect(await hub.registry.revoke('eu-1', 'stolen', 'ann')).toBe(1);
    await until('ended', () => !agent.connection.state().connected && hub.server.sessions().length === 0);
    expect(await fetchBlobs(addressOf(hub), createCredentials(identity))).toBe(unauthenticated);
    const types = await hub.eventTypes();
    expect(types).toContain('audit.certificate.revoked:stolen');
    expect(types).toContain('audit.certificate.refused:revoked');
  });

  it('lets in nobody of a cluster that was forgotten, until it is enrolled anew and counts on', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('mine', '1')] });
    const identity = await enrolAgent(hub, 'eu-1');
    const agent = await agentOf(identity);
    await until('the assignment', () => agent.desired.applications().get('web'));
    const forget = () => hub.registry.forget('eu-1', 'torn down', 'ann');
    await expect(forget()).rejects.toMatchObject({ code: 'failed_precondition' });
    await agent.connection.stop();
    await until('away', async () => (await hub.store.registry.cluster('eu-1'))?.connected === false);
    expect(await forget()).toEqual({ certificates: 1, tokens: 0, assignments: 1, removals: 0 });
    expect(await fetchBlobs(addressOf(hub), createCredentials(identity))).toBe(unauthenticated);
    expect(await hub.eventTypes()).toContain('audit.cluster.forgotten:torn down');
    await hub.assign('eu-1', { web: [configMap('mine', '2')] });
    const again = await agentOf(await enrolAgent(hub, 'eu-1'));
    const web = await until('the next', () => again.desired.applications().get('web'));
    expect(web.generation).toBe(2);
  });

  it('does not serve the objects of another cluster, nor say whether they exist', async () => {
    const hub = await hubOf();
    await hub.assign('eu-1', { web: [configMap('mine', '1')] });
    await hub.assign('us-1', { web: [configMap('theirs', '1')] });
    const digestsOf = async (cluster: string) => {
      const [assignment] = await hub.store.releases.assignments({ cluster });
      const target = await hub.store.content.target(assignment!.targetDigest);
      return target!.set.entries.map(({ objectDigest }) => objectDigest);
    };
    const wanted = [...(await digestsOf('eu-1')), ...(await digestsOf('us-1')), digest];
    const credentials = createCredentials(await enrolAgent(hub, 'eu-1'));
    const answers = await fetchBlobs(addressOf(hub), credentials, wanted);
    const served = new Map(
      (answers as FetchBlobsResponse[]).map((answer) => [
        Buffer.from(answer.digest).toString('hex'),
        answer.missing,
      ]),
    );
    expect(wanted.map((each) => served.get(each))).toEqual([false, true, true]);
    const tooMany = Array.from({ length: 1_001 }, (_, i) => i.toString(16).padStart(64, '0'));
    expect(await fetchBlobs(addressOf(hub), credentials, tooMany)).toBe(3);
  });
});

describe('a hub restored from an older state', () => {
  it('accepts a certificate of its authority that it has no record of, but none older than a revocation', async () => {
    const hub = await hubOf();
    await enrolAgent(hub, 'eu-1');
    const certificate = (await hub.store.registry.certificates('eu-1'))[0]!;
    const { csr } = await createKeyPair();
    // The same authority in another life: it signs, and its records are lost.
    const store = { ...hub.store, registry: { ...hub.store.registry, saveCertificate: async () => {} } };
    const other = await createRegistry({ clock: hub.clock, random: systemRandom, log: silentLogger, store });
    const renewed = await other.renew({ cluster: 'eu-1', csr, currentFingerprint: certificate.fingerprint });
    const [leaf] = renewed.certificateChain;
    expect(await hub.registry.authenticate(leaf!, 'test')).toMatchObject({ cluster: 'eu-1' });
    const again = await other.renew({ cluster: 'eu-1', csr, currentFingerprint: certificate.fingerprint });
    await hub.registry.revoke('eu-1', 'stolen', 'ann');
    await expect(hub.registry.authenticate(again.certificateChain[0]!, 'test')).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

/** Signed by its own key, which has 2,048 bits only. */
async function weakRequest(): Promise<Uint8Array> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2_048,
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return new Uint8Array(request.rawData);
}

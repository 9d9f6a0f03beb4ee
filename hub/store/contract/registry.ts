import { describe, expect, it } from 'vitest';
import type { AccessToken, EnrolmentToken, IssuedCertificate } from '../../model/registry.ts';
import type { StoreUnderTest } from '../contract.ts';
import {
  anEvent,
  applicationReport,
  assign,
  batchOf,
  decide,
  objectReport,
  planOf,
  saveRemoval,
  t0,
} from './fixtures.ts';

const token: EnrolmentToken = {
  id: 't1',
  secretHash: 'hash',
  cluster: 'eu',
  createdBy: 'ann',
  createdAtMs: t0,
  expiresAtMs: t0 + 1_000,
  usedAtMs: undefined,
  usedKeyDigest: undefined,
  revokedAtMs: undefined,
};

function certificateOf(fingerprint: string): IssuedCertificate {
  return {
    serial: `s-${fingerprint}`,
    cluster: 'eu',
    fingerprint,
    notBeforeMs: t0,
    notAfterMs: t0 + 10_000,
    revokedAtMs: undefined,
    revokedReason: undefined,
  };
}

function describeTokens(current: () => StoreUnderTest): void {
  it('redeems a token once, even when asked twice at a time', async () => {
    const { store } = current();
    await store.registry.saveToken(token, anEvent());
    await store.registry.saveToken(token, anEvent());
    const tries = await Promise.all(
      ['f1', 'f2'].map((print) =>
        store.registry.redeemToken('t1', `key-${print}`, certificateOf(print), t0 + 1, [
          anEvent({ type: 'agent.enrolled' }),
        ]),
      ),
    );
    expect(tries).toEqual([true, false]);
    expect(await store.registry.certificates('eu')).toEqual([certificateOf('f1')]);
    expect(await store.registry.token('t1')).toEqual({
      ...token,
      usedAtMs: t0 + 1,
      usedKeyDigest: 'key-f1',
    });
    expect(await store.registry.clusters()).toMatchObject([{ name: 'eu', enrolledAtMs: t0 + 1 }]);
    expect(await store.events.lastSequence()).toBe(2);
  });

  it('redeems a used token for its own key again, within its time and bound, until the cluster is revoked', async () => {
    const { store } = current();
    await store.registry.saveToken(token, anEvent());
    const redeem = (key: string, print: string, atMs = t0 + 2) =>
      store.registry.redeemToken('t1', key, certificateOf(print), atMs, []);
    expect(await redeem('key', 'f1', t0 + 1)).toBe(true);
    expect(await redeem('key', 'f2')).toBe(true);
    expect(await redeem('other', 'f3')).toBe(false);
    expect((await store.registry.certificates('eu')).map(({ fingerprint }) => fingerprint)).toEqual([
      'f1',
      'f2',
    ]);
    expect(await store.registry.token('t1')).toMatchObject({ usedAtMs: t0 + 1, usedKeyDigest: 'key' });
    expect(await redeem('key', 'f4', t0 + 1_000)).toBe(false);
    expect(await store.registry.revokeCertificates('eu', 'stolen', t0 + 3, anEvent())).toBe(2);
    expect(await redeem('key', 'f5', t0 + 4)).toBe(false);
    await store.registry.saveToken({ ...token, id: 't2' }, anEvent());
    const again = await Promise.all(
      Array.from({ length: 101 }, (_, index) =>
        store.registry.redeemToken('t2', 'key', certificateOf(`g${index}`), t0 + 5, []),
      ),
    );
    expect(again.filter(Boolean)).toHaveLength(100);
  });

  it('redeems no token that is over, revoked or unknown', async () => {
    const { store } = current();
    await store.registry.saveToken(token, anEvent());
    expect(await store.registry.redeemToken('t1', 'key', certificateOf('f'), t0 + 1_000, [])).toBe(false);
    expect(await store.registry.revokeToken('t1', anEvent({ timeMs: t0 + 5 }))).toBe(true);
    expect(await store.registry.revokeToken('t1', anEvent())).toBe(false);
    expect(await store.registry.redeemToken('t1', 'key', certificateOf('f'), t0 + 6, [])).toBe(false);
    expect(await store.registry.redeemToken('none', 'key', certificateOf('f'), t0, [])).toBe(false);
    expect(await store.registry.certificate('f')).toBeUndefined();
    expect(await store.registry.clusters()).toEqual([]);
    expect(await store.registry.tokens()).toEqual([{ ...token, revokedAtMs: t0 + 5 }]);
  });

  it('refuses another token of a known id', async () => {
    const { store } = current();
    await store.registry.saveToken(token, anEvent());
    const other = store.registry.saveToken({ ...token, secretHash: 'other' }, anEvent());
    await expect(other).rejects.toMatchObject({ code: 'already_exists' });
  });
}

function describeClusters(current: () => StoreUnderTest): void {
  it('keeps when a cluster was seen, and what it said of itself', async () => {
    const { store } = current();
    const session = {
      cluster: 'eu',
      connected: true,
      agentVersion: '1',
      kubernetesVersion: '1.36',
      nowMs: t0,
    };
    await store.registry.seen(session);
    await store.registry.seen({ cluster: 'eu', connected: false, nowMs: t0 + 5 });
    await assign(store, 'eu', 'web');
    expect(await store.registry.cluster('eu')).toEqual({
      name: 'eu',
      enrolledAtMs: t0,
      lastSeenAtMs: t0 + 5,
      connected: false,
      agentVersion: '1',
      kubernetesVersion: '1.36',
      generation: 1,
      acknowledgedGeneration: 0,
    });
    expect(await store.registry.cluster('us')).toBeUndefined();
    const acknowledgement = {
      cluster: 'eu',
      application: 'web',
      stage: 'received',
      message: '',
      timeMs: t0,
    } as const;
    await store.releases.acknowledge({ ...acknowledgement, generation: 1 });
    expect(await store.registry.cluster('eu')).toMatchObject({ generation: 1, acknowledgedGeneration: 1 });
  });

  it('keeps what an agent has promised of fencing, and wakes listeners when that is another', async () => {
    const { store, reopen } = current();
    await store.registry.seen({ cluster: 'eu', connected: true, nowMs: t0 });
    const heard: string[] = [];
    const unsubscribe = store.subscribe((topic) => heard.push(topic));
    const promise = {
      ...{ group: 'dr', afterMs: 60_000, applications: ['web'], fenced: [], left: [], stopWithinMs: 5 },
    };
    const contact = { atMs: t0, instanceId: 'i', promises: [promise] };
    await store.registry.saveFenceContact('eu', contact);
    await store.registry.saveFenceContact('eu', { ...contact, atMs: t0 + 1 });
    await store.registry.saveFenceContact('us', contact);
    unsubscribe();
    expect(heard).toEqual(['registry']);
    const again = await reopen();
    expect((await again.registry.cluster('eu'))?.fence).toEqual({ ...contact, atMs: t0 + 1 });
    expect(await again.registry.cluster('us')).toBeUndefined();
    await again.registry.saveFenceContact('eu', undefined);
    expect((await again.registry.cluster('eu'))?.fence).toBeUndefined();
  });

  it('wakes listeners for a change of state, not for a sign of life', async () => {
    const { store } = current();
    const heard: string[] = [];
    store.subscribe((topic, key) => heard.push(`${topic} ${key}`));
    await store.registry.seen({ cluster: 'eu', connected: true, nowMs: t0 });
    await store.registry.seen({ cluster: 'eu', connected: true, nowMs: t0 + 1 });
    await store.registry.seen({ cluster: 'eu', connected: false, nowMs: t0 + 2 });
    expect(heard).toEqual(['registry eu', 'registry eu']);
  });
}

function describeForgotten(current: () => StoreUnderTest): void {
  const request = { cluster: 'eu', reason: 'torn down', actor: 'ann', nowMs: t0 + 9 };
  const held = {
    assignments: 1,
    revisionId: 'r1',
    message: 'held',
    createdAtMs: t0,
  };

  it('takes all of the cluster but its history, and nothing of another', async () => {
    const { store } = current();
    for (const cluster of ['eu', 'us']) {
      await store.registry.seen({ cluster, connected: true, nowMs: t0 });
      await store.registry.seen({ cluster, connected: false, nowMs: t0 + 1 });
      await assign(store, cluster, 'web');
      await store.observations.saveBatch(
        batchOf(cluster, {
          applications: [applicationReport(cluster, 'web')],
          objects: [objectReport(cluster, 'web', 'a')],
        }),
        [],
      );
      const pause = {
        cluster,
        application: '',
        reason: 'r',
        actor: 'ann',
        createdAtMs: t0,
        untilMs: t0 + 99,
      };
      await store.releases.savePause(pause, anEvent());
      await store.registry.saveCertificate({ ...certificateOf(`f-${cluster}`), cluster }, anEvent());
      await store.registry.saveToken({ ...token, id: `t-${cluster}`, cluster }, anEvent());
    }
    const removal = await saveRemoval(store);
    const confirmations = [
      { ...held, id: 'c-eu', kind: 'cluster', subject: 'eu' },
      { ...held, id: 'a-eu', kind: 'application', subject: 'eu' },
    ] as const;
    await store.releases.savePlan(planOf({ decisions: [decide('eu', 'db', removal)], confirmations }));
    const sequence = await store.events.lastSequence();

    const forgotten = await store.registry.forget(request);
    expect(forgotten).toEqual({ certificates: 1, tokens: 1, assignments: 2, removals: 1 });
    expect((await store.registry.clusters()).map(({ name }) => name)).toEqual(['us']);
    expect((await store.releases.assignments({})).map(({ cluster }) => cluster)).toEqual(['us']);
    expect((await store.releases.pauses()).map(({ cluster }) => cluster)).toEqual(['us']);
    expect((await store.observations.applications({})).map(({ cluster }) => cluster)).toEqual(['us']);
    expect((await store.observations.objects({}, { limit: 9 })).items).toHaveLength(1);
    expect((await store.releases.confirmations()).map(({ id }) => id)).toEqual(['a-eu']);
    expect(await store.registry.certificate('f-eu')).toMatchObject({
      revokedAtMs: t0 + 9,
      revokedReason: 'torn down',
    });
    expect(await store.registry.certificate('f-us')).toMatchObject({ revokedAtMs: undefined });
    expect(await store.registry.token('t-eu')).toMatchObject({ revokedAtMs: t0 + 9 });
    expect(await store.registry.token('t-us')).toMatchObject({ revokedAtMs: undefined });
    expect(await store.events.after(sequence, {}, 9)).toMatchObject([
      { type: 'audit.token.revoked', actor: 'ann', cluster: 'eu' },
      { type: 'audit.certificate.revoked', actor: 'ann', cluster: 'eu' },
      {
        type: 'audit.cluster.forgotten',
        actor: 'ann',
        cluster: 'eu',
        data: { reason: 'torn down', ...forgotten, applications: ['db', 'web'] },
      },
    ]);
    await expect(store.registry.forget(request)).rejects.toMatchObject({ code: 'not_found' });
    // A session that ends late brings nothing back; a new enrolment counts on.
    await store.registry.seen({ cluster: 'eu', connected: false, nowMs: t0 + 10 });
    expect(await store.registry.cluster('eu')).toBeUndefined();
    await store.registry.seen({ cluster: 'eu', connected: true, nowMs: t0 + 11 });
    await assign(store, 'eu', 'web');
    expect((await store.registry.cluster('eu'))?.generation).toBe(3);
  });

  it('is refused while the cluster is declared or connected, and changes nothing then', async () => {
    const { store } = current();
    const refused = { code: 'failed_precondition' };
    await store.registry.seen({ cluster: 'eu', connected: true, nowMs: t0 });
    await expect(store.registry.forget(request)).rejects.toMatchObject(refused);
    await store.registry.seen({ cluster: 'eu', connected: false, nowMs: t0 + 1 });
    const resources = [{ kind: 'Cluster', name: 'eu', value: {} }] as const;
    await store.releases.savePlan(planOf({ fleet: { resources, problems: [] } }));
    await expect(store.registry.forget(request)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('out of Git'),
    });
    expect(await store.registry.cluster('eu')).toBeDefined();
    expect(await store.events.lastSequence()).toBe(0);
    await store.releases.savePlan(planOf());
    expect(await store.registry.forget(request)).toMatchObject({ assignments: 0 });
  });
}

function describeCertificates(current: () => StoreUnderTest): void {
  it('revokes every certificate that is still valid', async () => {
    const { store } = current();
    for (const print of ['f1', 'f2']) await store.registry.saveCertificate(certificateOf(print), anEvent());
    await store.registry.saveCertificate({ ...certificateOf('old'), notAfterMs: t0 + 1 }, anEvent());
    await store.registry.saveCertificate(certificateOf('f1'), anEvent());
    expect(await store.events.lastSequence()).toBe(3);
    expect(await store.registry.revokeCertificates('eu', 'lost', t0 + 5, anEvent())).toBe(2);
    expect(await store.registry.revokeCertificates('eu', 'again', t0 + 6, anEvent())).toBe(0);
    expect(await store.registry.certificate('f1')).toMatchObject({
      revokedAtMs: t0 + 5,
      revokedReason: 'lost',
    });
    expect(await store.registry.certificate('old')).toMatchObject({ revokedAtMs: undefined });
  });
}

function describeAccess(current: () => StoreUnderTest): void {
  const access: AccessToken = {
    id: 'a1',
    secretHash: 'hash',
    name: 'ci',
    scope: 'operate',
    createdAtMs: t0,
    expiresAtMs: undefined,
    lastUsedAtMs: undefined,
    revokedAtMs: undefined,
  };

  it('finds a token by its hash, notes its use once a minute, and revokes it once', async () => {
    const { store } = current();
    await store.access.saveToken(access, anEvent());
    expect(await store.access.tokenByHash('hash')).toEqual(access);
    expect(await store.access.tokenByHash('other')).toBeUndefined();
    await store.access.touchToken('a1', t0 + 1);
    await store.access.touchToken('a1', t0 + 2);
    expect((await store.access.tokens())[0]?.lastUsedAtMs).toBe(t0 + 1);
    await store.access.touchToken('a1', t0 + 60_002);
    expect((await store.access.tokens())[0]?.lastUsedAtMs).toBe(t0 + 60_002);
    expect(await store.access.revokeToken('a1', t0 + 9, anEvent())).toBe(true);
    expect(await store.access.revokeToken('a1', t0 + 10, anEvent())).toBe(false);
    expect((await store.access.tokenByHash('hash'))?.revokedAtMs).toBe(t0 + 9);
  });

  it('refuses another token of a known id', async () => {
    const { store } = current();
    await store.access.saveToken(access, anEvent());
    const other = store.access.saveToken({ ...access, secretHash: 'other' }, anEvent());
    await expect(other).rejects.toMatchObject({ code: 'already_exists' });
  });
}

export function describeRegistry(current: () => StoreUnderTest): void {
  describe('enrolment tokens', () => describeTokens(current));
  describe('clusters', () => describeClusters(current));
  describe('certificates', () => describeCertificates(current));
  describe('a cluster that is forgotten', () => describeForgotten(current));
  describe('access tokens', () => describeAccess(current));
}

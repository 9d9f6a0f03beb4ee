import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { decryptedAnnotation } from '../../../shared/manifest/masking.ts';
import type { Impersonated, KubeClient } from '../../kube/kube-client.ts';
import { toKubeError } from '../../kube/status-error.ts';
import { writerOf } from './writer.ts';

const resource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  resource: 'secrets',
  namespaced: true,
  verbs: [],
};
const ref = { resource, namespace: 'shop', name: 'db' };
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db' },
  data: { password: Buffer.from('hunter2').toString('base64') },
};

function refusing(code: number, body: object) {
  const names: (Impersonated | undefined)[] = [];
  const client = (who?: Impersonated): KubeClient =>
    ({
      as: (next: Impersonated) => client(next),
      async apply() {
        names.push(who);
        throw toKubeError(code, JSON.stringify({ kind: 'Status', ...body }), undefined, 'secrets/db');
      },
    }) as unknown as KubeClient;
  return { kube: client(), names };
}

const refusal = async (kube: KubeClient, body: object, serviceAccount?: string) => {
  const writer = writerOf(kube, { namespace: 'shop', serviceAccount }, 'fairway-agent');
  const error = await writer.apply(ref, body as never).catch((caught: unknown) => caught as FairwayError);
  if (!(error instanceof FairwayError)) throw new Error('it was not refused');
  return error;
};

const invalid = {
  reason: 'Invalid',
  message: 'Secret "db" is invalid: data[password]: Invalid value: "hunter2": too easy',
  details: {
    causes: [
      { reason: 'FieldValueInvalid', message: 'Invalid value: "hunter2": too easy', field: 'data[password]' },
    ],
  },
};

describe('writerOf', () => {
  it('writes in the name of the service account of the namespace, and says no groups', async () => {
    const { kube, names } = refusing(403, { reason: 'Forbidden', message: 'no' });
    await refusal(kube, secret, 'deployer');
    await refusal(kube, secret);
    expect(names).toEqual([{ user: 'system:serviceaccount:shop:deployer', groups: [] }, undefined]);
  });

  it('speaks for an account of another namespace where one is named', async () => {
    const { kube, names } = refusing(403, { reason: 'Forbidden', message: 'no' });
    await refusal(kube, secret, 'tools:deployer');
    expect(names).toEqual([{ user: 'system:serviceaccount:tools:deployer', groups: [] }]);
  });

  it('sends no object of the whole cluster that the Project does not allow, and deletes it all the same', async () => {
    const sent: string[] = [];
    const note = (verb: string) => async (at: { readonly name?: string }) => {
      sent.push(`${verb} ${at.name ?? ''}`);
    };
    const verbs = ['apply', 'create', 'update', 'patch', 'delete'].map((verb) => [verb, note(verb)]);
    const kube = Object.fromEntries(verbs) as unknown as KubeClient;
    const clusterObjects = [{ group: '', kind: 'Namespace', names: ['red-*'] }];
    const writer = writerOf(kube, { namespace: 'red', clusterObjects }, 'fairway-agent');
    const whole = { ...resource, kind: 'Namespace', resource: 'namespaces', namespaced: false };
    const at = (name: string) => ({ resource: whole, namespace: '', name });
    const body = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await writer.apply(at('red-1'), body('red-1'));
    await writer.apply(ref, secret);
    for (const write of [
      () => writer.apply(at('blue'), body('blue')),
      () => writer.create({ resource: whole, namespace: '' }, body('blue')),
      () => writer.update(at('blue'), body('blue')),
    ])
      await expect(write()).rejects.toMatchObject({
        code: 'permission_denied',
        message: expect.stringContaining('Namespace blue belongs to the whole cluster'),
      });
    await writer.delete(at('blue'));
    expect(sent).toEqual(['apply red-1', 'apply db', 'delete blue']);
    await writerOf(kube, { namespace: 'red' }, 'fairway-agent').apply(at('blue'), body('blue'));
    expect(sent.at(-1)).toBe('apply blue');
  });

  it("sends nothing to the agent's own namespace, wherever that is, and deletes there all the same", async () => {
    const sent: string[] = [];
    const note = (verb: string) => async (at: { readonly name?: string }) => {
      sent.push(`${verb} ${at.name ?? ''}`);
    };
    const verbs = ['apply', 'create', 'update', 'patch', 'delete'].map((verb) => [verb, note(verb)]);
    const kube = Object.fromEntries(verbs) as unknown as KubeClient;
    const writer = writerOf(kube, { namespace: 'tools' }, 'tools');
    const own = { ...ref, namespace: 'tools' };
    const namespaces = { ...resource, kind: 'Namespace', resource: 'namespaces', namespaced: false };
    const named = (name: string) => ({ resource: namespaces, namespace: '', name });
    for (const write of [
      () => writer.apply(own, secret, { dryRun: true }),
      () => writer.create(own, secret),
      () => writer.update(own, secret),
      () => writer.apply(named('tools'), {}),
    ])
      await expect(write()).rejects.toMatchObject({
        code: 'permission_denied',
        message: expect.stringContaining("belongs to the agent's own namespace tools"),
      });
    await writer.delete(own);
    await writer.apply(ref, secret);
    await writer.apply(named('shop'), {});
    expect(sent).toEqual(['delete db', 'apply db', 'apply shop']);
  });

  it('tells of a refused Secret by reason and field, without a value anywhere in the error', async () => {
    const error = await refusal(refusing(422, invalid).kube, secret);
    expect(error.message).toBe(
      'the API server refused it with Invalid: data[password] (FieldValueInvalid); its words may hold secret values and stay in the cluster',
    );
    expect(JSON.stringify(error.details) + String(error.cause)).not.toContain('hunter2');
    expect(error.details?.['httpStatus']).toBe(422);
  });

  it('does so for any object that was decrypted, and leaves others their words', async () => {
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'db' },
      data: { password: 'hunter2' },
    };
    const decrypted = {
      ...map,
      metadata: { name: 'db', annotations: { [decryptedAnnotation]: '["/data/password"]' } },
    };
    expect((await refusal(refusing(422, invalid).kube, decrypted)).message).not.toContain('hunter2');
    expect((await refusal(refusing(422, invalid).kube, map)).message).toBe(invalid.message);
  });

  it('passes on a refused right, but not a webhook that quotes a value', async () => {
    const rights = {
      reason: 'Forbidden',
      message: 'secrets "db" is forbidden: User "x" cannot patch resource',
    };
    expect((await refusal(refusing(403, rights).kube, secret)).message).toBe(rights.message);
    const webhook = { reason: 'Forbidden', message: 'admission webhook denied: password hunter2 is weak' };
    expect((await refusal(refusing(403, webhook).kube, secret)).message).not.toContain('hunter2');
  });
});

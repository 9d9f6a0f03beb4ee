import { describe, expect, it } from 'vitest';
import { fingerprintValue } from '../../shared/manifest/fingerprint.ts';
import type { Json, KubeObject } from '../../shared/manifest/object.ts';
import { fingerprintSecret, isSealed, showText, showValue } from './mask.ts';

const fingerprint = (path: string, text: string) => `#${path} ${text.length}`;
const sops = { mac: 'x', age: [] };
const cipher = (text: string) => `ENC[AES256_GCM,data:${text},iv:a,tag:b,type:str]`;
const object = (kind: string, rest: { readonly [name: string]: Json }, annotations = {}): KubeObject => ({
  ...{ apiVersion: 'v1', kind, metadata: { name: 'a', namespace: 'shop', annotations } },
  ...rest,
});

describe('fingerprintSecret', () => {
  it('puts what the agent has said in the place of ciphertext, and knows stringData as data', () => {
    const secret = object('Secret', { stringData: { a: cipher('one') }, data: { b: cipher('two') }, sops });
    const shown = fingerprintSecret(secret, fingerprint, { '/stringData/a': '#1', '/data/b': '#2' });
    expect(shown['data']).toEqual({ a: '#1', b: '#2' });
    expect(shown['stringData']).toBeUndefined();
  });

  it('leaves sealed what nobody has said, and shows no ciphertext of a Secret', () => {
    const secret = object('Secret', { data: { a: cipher('one') }, sops });
    const { data } = fingerprintSecret(secret, fingerprint) as unknown as {
      readonly data: { readonly a: string };
    };
    expect(isSealed(data.a)).toBe(true);
    expect(data.a).not.toContain('one');
  });

  it('opens values of other kinds wherever they are', () => {
    const map = object('ConfigMap', { data: { open: 'b', list: [{ 'x/y': cipher('one') }] }, sops });
    const shown = fingerprintSecret(map, fingerprint, { '/data/list/0/x~1y': '#1' });
    expect(shown['data']).toEqual({ open: 'b', list: [{ 'x/y': '#1' }] });
    expect(fingerprintSecret(map, fingerprint)['data']).toEqual(map['data']);
  });

  it('takes what only looks encrypted for a value, and what an operator opens as it stands', () => {
    const plain = object('Secret', { data: { a: cipher('one') } });
    expect(isSealed((fingerprintSecret(plain, fingerprint)['data'] as { a: string }).a)).toBe(false);
    const own = object('ConfigMap', { data: { a: cipher('one') }, sops }, { 'fairway.dev/sops': 'disabled' });
    expect(fingerprintSecret(own, fingerprint, { '/data/a': '#1' })).toEqual(own);
  });
});

describe('showValue', () => {
  const print = fingerprintValue(new Uint8Array(32), 'web', '1234');

  it('shows no fingerprint, wherever it stands, and all else as it is', () => {
    expect(showValue(print)).toBe('"(not shown)"');
    expect(showValue({ data: { pin: print, list: [`ENC[${print}]`] } })).not.toContain('#');
    expect(showValue({ colour: '#ff0000', note: `see ${print.slice(0, 8)}` })).toBe(
      `{"colour":"#ff0000","note":"see ${print.slice(0, 8)}"}`,
    );
    expect(showValue(undefined)).toBeUndefined();
    expect(showValue('x'.repeat(600))).toHaveLength(512);
  });

  it('shows none in part where the text is cut, nor in a sentence', () => {
    for (let length = 485; length < 512; length += 1)
      expect(showValue(['x'.repeat(length), print])).not.toContain('#');
    expect(showText(`same does not hold: cannot read "${print}" as a number`)).toBe(
      'same does not hold: cannot read "(not shown)" as a number',
    );
  });
});

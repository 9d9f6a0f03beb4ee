import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../shared/clock/random.ts';
import { createSealer } from './seal.ts';

const sealer = createSealer(new Uint8Array(32).fill(1), createSeededRandom(1));
const plain = Buffer.from('hunter2');

describe('createSealer', () => {
  it('opens what it sealed, under the same context only', () => {
    const sealed = sealer.seal(plain, 'a');
    expect(Buffer.from(sealer.open(sealed, 'a')).toString()).toBe('hunter2');
    expect(() => sealer.open(sealed, 'b')).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });

  it('never seals the same twice alike', () => {
    expect(sealer.seal(plain, 'a')).not.toEqual(sealer.seal(plain, 'a'));
  });

  it('notices every changed byte and a cut', () => {
    const sealed = sealer.seal(plain, 'a');
    for (const index of sealed.keys()) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === index ? byte ^ 1 : byte));
      expect(() => sealer.open(changed, 'a')).toThrow(expect.objectContaining({ code: 'data_loss' }));
    }
    const cut = sealed.subarray(0, 10);
    expect(() => sealer.open(cut, 'a')).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });

  it('refuses a key of another length', () => {
    const make = () => createSealer(new Uint8Array(16), createSeededRandom(1));
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

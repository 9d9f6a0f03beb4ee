import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairwayError } from '../../../shared/error/error.ts';
import { packet, packetText, readPackets } from '../http/pkt-line.ts';
import { createLru } from '../lru.ts';
import { applyDelta } from './delta.ts';
import { parseCommit, parseTagTarget, parseTree } from './git-object.ts';
import { parsePackIndex } from './pack-index.ts';

const oid = 'a'.repeat(40);

/** Runs on any bytes: a FairwayError or a value, never another exception. */
const onlyOurErrors = (work: (bytes: Uint8Array) => unknown) =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        work(bytes);
      } catch (caught) {
        if (!(caught instanceof FairwayError)) throw caught;
      }
    }),
  );

describe('parsers of Git objects', () => {
  it('bear any bytes', () => {
    onlyOurErrors((bytes) => parseTree(oid, bytes));
    onlyOurErrors((bytes) => parseCommit(oid, bytes));
    onlyOurErrors((bytes) => parseTagTarget(oid, bytes));
    onlyOurErrors((bytes) => parsePackIndex(Buffer.from(bytes)));
    onlyOurErrors((bytes) => applyDelta(Buffer.from('base'), Buffer.from(bytes)));
  });

  it('read a commit with a signature, odd names and a long message', () => {
    const text = [
      `tree ${oid}`,
      `parent ${'b'.repeat(40)}`,
      `parent ${'c'.repeat(40)}`,
      'author Ångström <a@example.com> 1700000000 +0200',
      'committer  <> 0 +0000',
      'gpgsig -----BEGIN PGP SIGNATURE-----',
      ' author Mallory <m@example.com> 1 +0000',
      ' -----END PGP SIGNATURE-----',
      '',
      'é'.repeat(8000),
    ].join('\n');
    const { commit, tree } = parseCommit(oid, Buffer.from(text));
    expect(tree).toBe(oid);
    expect(commit.parents).toEqual(['b'.repeat(40), 'c'.repeat(40)]);
    expect(commit.author).toEqual({ name: 'Ångström', email: 'a@example.com', timeMs: 1_700_000_000_000 });
    expect(commit.committer).toEqual({ name: '', email: '', timeMs: 0 });
    expect(commit.message).toBe('é'.repeat(4096));
  });

  it('apply copies and insertions', () => {
    // Base 4, result 6: copy 2 from 1, insert "XY", copy 2 from 0.
    const delta = Buffer.from([4, 6, 0x91, 1, 2, 2, 0x58, 0x59, 0x90, 2]);
    expect(applyDelta(Buffer.from('abcd'), delta)?.toString()).toBe('bcXYab');
    expect(applyDelta(Buffer.from('abc'), delta)).toBeUndefined();
    expect(applyDelta(Buffer.from('abcd'), delta.subarray(0, 8))).toBeUndefined();
  });
});

describe('packets', () => {
  it('come out as they went in, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 200 })),
        fc.integer({ min: 1, max: 50 }),
        async (texts, size) => {
          const bytes = Buffer.from(`${texts.map(packet).join('')}0000`);
          const chunks = (async function* () {
            for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
          })();
          const read: string[] = [];
          for await (const data of readPackets(chunks, 'x'))
            read.push(Buffer.isBuffer(data) ? data.toString() : data);
          expect(read).toEqual([...texts, 'flush']);
        },
      ),
    );
    expect(packetText(Buffer.from('a\n'))).toBe('a');
  });
});

describe('createLru', () => {
  it('stays within its bytes and drops what was used least lately', () => {
    const lru = createLru<number>(40);
    for (let index = 0; index < 4; index += 1) lru.set(`k${index}`, index, 10);
    expect(lru.get('k0')).toBe(0);
    lru.set('k4', 4, 10);
    expect(lru.bytes).toBe(40);
    expect([lru.get('k0'), lru.get('k1'), lru.get('k4')]).toEqual([0, undefined, 4]);
    lru.set('huge', 9, 11);
    expect(lru.get('huge')).toBeUndefined();
  });
});

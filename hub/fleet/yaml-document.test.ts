import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldText, findLine, readYamlDocuments } from './yaml-document.ts';

const stream = `# comment

a:
  b:
    - one
    - c: 1
      d: {e: 2,
        f: 3}
---
x: |
  --- inside
  text
y: 1
`;

describe('findLine', () => {
  const [first, second] = readYamlDocuments(stream);

  it.each([
    [['a'], 3],
    [['a', 'b'], 4],
    [['a', 'b', 1, 'd'], 7],
    [['a', 'b', 1, 'd', 'f'], 8],
    [['a', 'missing'], 3],
    [[], 3],
  ])('finds %j on line %i', (path, line) => {
    expect(findLine(first!, path)).toBe(line);
  });

  it('counts on through later documents', () => {
    expect(findLine(second!, ['y'])).toBe(13);
    expect(second?.value).toEqual({ x: '--- inside\ntext\n', y: 1 });
  });

  it('finds each key of any mapping on its own line', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }),
        fc.nat({ max: 5 }),
        (keys, blank) => {
          const text = '\n'.repeat(blank) + keys.map((key) => `k${key}: v`).join('\n');
          const [document] = readYamlDocuments(`---\n${text}\n`);
          for (const [index, key] of keys.entries())
            expect(findLine(document!, [`k${key}`])).toBe(2 + blank + index);
        },
      ),
    );
  });
});

describe('readYamlDocuments', () => {
  it('reads the neighbours of a broken document, and quotes nothing of it', () => {
    const documents = readYamlDocuments('a: 1\n---\nsecret: [hunter2\n---\nb: 2\n');
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, undefined, { b: 2 }]);
    expect(documents[1]?.error?.message).not.toContain('hunter2');
  });

  it('takes a value on the line of the marker', () => {
    expect(readYamlDocuments('--- {a: 1}\n--- # nothing\n').map(({ value }) => value)).toEqual([{ a: 1 }]);
  });
});

describe('fieldText', () => {
  it('writes paths as people do', () => {
    expect(fieldText(['metadata', 'labels', 'a.b/c'])).toBe('metadata.labels["a.b/c"]');
    expect(fieldText(['spec', 'overlays', 2])).toBe('spec.overlays[2]');
  });
});

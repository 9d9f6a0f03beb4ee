import { describe, expect, it } from 'vitest';
import { maskSecret } from './masking.ts';

describe('maskSecret', () => {
  it('hides every value of a Secret, in the annotation of kubectl too', () => {
    const masked = maskSecret({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"p":"aHVudGVyMg=="}}',
          keep: 'x',
        },
      },
      data: { p: 'aHVudGVyMg==' },
      stringData: { q: 'hunter2' },
    });
    expect(JSON.stringify(masked)).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(masked.metadata.annotations).toEqual({ keep: 'x' });
    expect(masked['data']).toEqual({ p: '*** (12 characters)' });
  });

  it('leaves other kinds alone', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 'b' } };
    expect(maskSecret(map)).toBe(map);
  });
});

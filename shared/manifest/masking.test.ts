import { describe, expect, it } from 'vitest';
import { decryptedAnnotation, isSensitive, maskSecret } from './masking.ts';

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
    expect(maskSecret(masked)).toEqual(masked);
  });

  it('leaves other kinds alone', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 'b' } };
    expect(maskSecret(map)).toBe(map);
  });
});

describe('maskSecret, of what was decrypted in the cluster', () => {
  const widget = (note: string) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', annotations: { [decryptedAnnotation]: note } },
    spec: {
      open: 'seen',
      'a/b': { c: ['hunter2', 7] },
      users: [{ password: 'tiger' }, { password: 'lion' }],
    },
  });

  it('hides those values and no others, whatever became of positions in lists', () => {
    const object = widget('["/spec/a~1b/c/0","/spec/users/0/password"]');
    expect(isSensitive(object)).toBe(true);
    expect(maskSecret(object)['spec']).toEqual({
      open: 'seen',
      'a/b': { c: ['*** (7 characters)', '*** (1 characters)'] },
      users: [{ password: '*** (5 characters)' }, { password: '*** (4 characters)' }],
    });
  });

  it('hides everything where it is not said what, or not understood', () => {
    for (const note of ['["*"]', '{', '{"a":1}', '[1]']) {
      const masked = maskSecret(widget(note));
      expect(JSON.stringify(masked['spec'])).not.toMatch(/hunter2|tiger|seen/);
      expect(masked.metadata.name).toBe('w');
    }
  });
});

import { describe, expect, it } from 'vitest';
import { type DataKeyPorts, loadDataKey } from './data-key.ts';

const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);

function portsOf(files: Map<string, string>, env: Record<string, string> = {}): DataKeyPorts {
  return {
    env,
    randomBytes: () => bytes,
    readFile: async (path) => files.get(path) ?? Promise.reject(new Error('ENOENT')),
    async createFile(path, text) {
      if (files.has(path)) return false;
      files.set(path, text);
      return true;
    },
  };
}

describe('loadDataKey', () => {
  it('makes a key at first start and finds it again', async () => {
    const files = new Map<string, string>();
    const config = { dataKey: undefined, dataDir: 'data' };
    const first = await loadDataKey(config, portsOf(files));
    const again = await loadDataKey(config, { ...portsOf(files), randomBytes: () => new Uint8Array(32) });
    expect([...first]).toEqual([...bytes]);
    expect([...again]).toEqual([...bytes]);
    expect([...files.keys()]).toEqual(['data/data.key']);
  });

  it.each(['hex', 'base64'] as const)('takes a key as %s from the environment', async (encoding) => {
    const text = Buffer.from(bytes).toString(encoding);
    const key = await loadDataKey(
      { dataKey: { env: 'KEY' }, dataDir: 'data' },
      portsOf(new Map(), { KEY: text }),
    );
    expect([...key]).toEqual([...bytes]);
  });

  it('refuses a key of another length and quotes nothing of it', async () => {
    const wrong = loadDataKey(
      { dataKey: { env: 'KEY' }, dataDir: 'data' },
      portsOf(new Map(), { KEY: 'hunter2' }),
    );
    await expect(wrong).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.not.stringContaining('hunter2'),
    });
  });
});

import { describe, expect, it } from 'vitest';
import { createLogger } from '../../shared/log/log.ts';
import { createTeardown } from './teardown.ts';

describe('createTeardown', () => {
  it('ends the newest first, each once, and goes on over one that fails', async () => {
    const [ended, lines]: [string[], string[]] = [[], []];
    const teardown = createTeardown(createLogger({ write: (line) => lines.push(line) }));
    teardown.add('store', () => void ended.push('store'));
    teardown.add('loops', () => Promise.reject(new Error('stuck')));
    teardown.add('listeners', async () => void ended.push('listeners'));
    await teardown.run();
    await teardown.run();
    expect(ended).toEqual(['listeners', 'store']);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', what: 'loops', cause: 'stuck' });
  });
});

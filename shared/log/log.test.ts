import { describe, expect, it } from 'vitest';
import { createLogger } from './log.ts';

describe('createLogger', () => {
  it('keeps a line a line, whatever an agent says of itself', () => {
    const fields = {
      instanceId: 'a\nERROR forged\u001b[2J',
      cause: new Error('b\u202ec'),
      list: ['\u009b2J'],
    };
    const linesOf = (format: 'json' | 'text') => {
      const lines: string[] = [];
      createLogger({ format, now: () => 0, write: (line) => lines.push(line) }).info('connected', fields);
      return lines;
    };
    expect(linesOf('text')).toEqual([
      '1970-01-01T00:00:00.000Z info  connected instanceId=a\\u000aERROR forged\\u001b[2J cause=b\\u202ec list=["\\u009b2J"]',
    ]);
    expect(JSON.parse(linesOf('json')[0] ?? '')).toMatchObject({
      ...{ level: 'info', message: 'connected' },
      ...{ instanceId: fields.instanceId, cause: 'b\u202ec', list: fields.list },
    });
  });

  it('lets a stack be read line by line, none of which begins as an entry does', () => {
    const lines: string[] = [];
    const log = createLogger({ format: 'text', now: () => 0, write: (line) => lines.push(line) });
    log.error('failed', { stack: 'Error: no\nERROR forged\n  at \u001b[2J' });
    expect(lines).toEqual([
      '1970-01-01T00:00:00.000Z error failed stack=Error: no\n    ERROR forged\n      at \\u001b[2J',
    ]);
  });
});

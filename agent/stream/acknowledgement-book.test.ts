import { describe, expect, it } from 'vitest';
import { createAcknowledgementBook } from './acknowledgement-book.ts';

const ack = (application: string, generation: number, stage: 'received' | 'applied' = 'received') => ({
  application,
  generation,
  targetDigest: 'd',
  stage,
  message: '',
  timeMs: generation,
});

describe('acknowledgement book', () => {
  it('says each stage of the newest generation once, and nothing of an older one', () => {
    const book = createAcknowledgementBook();
    book.put(ack('web', 1));
    book.put(ack('web', 2));
    book.put(ack('web', 2, 'applied'));
    book.put(ack('web', 1, 'applied'));
    expect(book.takeUnsent()).toEqual([ack('web', 2), ack('web', 2, 'applied')]);
    expect(book.takeUnsent()).toEqual([]);
  });

  it('says it again on a new connection unless the hub has surely kept it', () => {
    const book = createAcknowledgementBook();
    book.put(ack('web', 1));
    book.takeUnsent();
    const confirm = book.mark();
    book.put(ack('api', 2));
    book.takeUnsent();
    confirm();
    book.restart(false);
    expect(book.takeUnsent()).toEqual([ack('api', 2)]);
    book.restart(true);
    expect(book.takeUnsent()).toHaveLength(2);
  });
});

import { describe, expect, it } from 'vitest';
import type { ObjectReport } from '../../shared/manifest/report.ts';
import type { AgentEvent } from '../model/report.ts';
import { createReportQueue } from './queue.ts';

function row(name: string, message = '', timeMs = 1): ObjectReport {
  return {
    application: 'a',
    key: { group: '', kind: 'ConfigMap', namespace: 'n', name },
    objectDigest: '',
    liveDigest: '',
    syncStatus: 'Synced',
    healthStatus: 'Current',
    reason: '',
    message,
    drift: undefined,
    lastAction: 'unchanged',
    generation: 1,
    timeMs,
  };
}
function event(id: string): AgentEvent {
  return {
    id,
    type: 'sync.failed',
    application: 'a',
    key: undefined,
    message: id,
    timeMs: 1,
    drift: undefined,
  };
}

describe('createReportQueue', () => {
  it('keeps the newest row of a key and drops one that says nothing new', () => {
    const queue = createReportQueue();
    queue.object(row('x', 'old'));
    queue.object(row('x', 'new'));
    expect(queue.take(10)?.objects.map(({ message }) => message)).toEqual(['new']);
    queue.object(row('x', 'new', 99));
    expect(queue.take(10)).toBeUndefined();
  });

  it('gives back what was not stored, but never an older word over a newer', () => {
    const queue = createReportQueue();
    queue.object(row('x', 'one'));
    queue.object(row('y', 'one'));
    queue.event(event('1'));
    const batch = queue.take(10)!;
    queue.object(row('x', 'two'));
    queue.gone('a', row('y').key);
    queue.event(event('2'));
    queue.giveBack(batch);
    const again = queue.take(10)!;
    expect(again.objects.map(({ message }) => message)).toEqual(['two']);
    expect(again.gone).toHaveLength(1);
    expect(again.events.map(({ id }) => id)).toEqual(['1', '2']);
  });

  it('takes at most the limit and the rest later', () => {
    const queue = createReportQueue();
    for (let index = 0; index < 5; index += 1) queue.object(row(`x${index}`));
    expect(queue.take(3)?.objects).toHaveLength(3);
    expect(queue.take(3)?.objects).toHaveLength(2);
  });

  it('drops the oldest events beyond the bound and tells how many', () => {
    const queue = createReportQueue({ eventsMax: 2 });
    for (let index = 0; index < 5; index += 1) queue.event(event(String(index)));
    const { events } = queue.take(10)!;
    expect(events[0]?.message).toContain('3 older events and removals were dropped');
    expect(events.slice(1).map(({ id }) => id)).toEqual(['3', '4']);
    expect(queue.take(10)).toBeUndefined();
  });

  it('tells of removals that found no room, with the next event', () => {
    const queue = createReportQueue({ goneMax: 1 });
    for (const name of ['x', 'y']) {
      queue.object(row(name));
      queue.gone('a', row(name).key);
    }
    queue.event(event('1'));
    const { gone, events } = queue.take(10) ?? { gone: [], events: [] };
    expect(gone.map(({ key }) => key.name)).toEqual(['x']);
    expect(events[0]?.message).toContain('1 older events and removals were dropped');
  });

  it('says everything anew when asked, and calls the listener', () => {
    const queue = createReportQueue();
    let calls = 0;
    queue.onReady(() => {
      calls += 1;
    });
    queue.object(row('x'));
    queue.take(10);
    queue.requeueAll();
    expect(queue.take(10)?.objects).toHaveLength(1);
    expect(calls).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import { createEvent, type FleetEvent } from '../model/event.ts';
import { describeEvent } from './describe-event.ts';

const foundAtMs = Date.UTC(2026, 0, 1, 12);

function driftEvent(object: string, drift: Record<string, unknown>): FleetEvent {
  const event = createEvent({
    type: 'drift.healed',
    actor: 'agent:eu-1',
    timeMs: foundAtMs,
    cluster: 'eu-1',
    object,
    message: 'drift undone',
    data: { drift: { kind: 'changed', fields: [], managers: [], foundAtMs, ...drift } },
  });
  return { ...event, id: 'e1', sequence: 1 };
}

describe('describeEvent', () => {
  it('tells drift whole', () => {
    const event = driftEvent('autoscaling/HorizontalPodAutoscaler/shop/web', {
      fields: [
        { path: '/spec/minReplicas', desired: '3', live: '4' },
        { path: '/spec/maxReplicas', desired: '9', live: '12' },
      ],
      managers: [{ name: 'kubectl-edit', operation: 'Update', timeMs: foundAtMs - 100 }],
      healedAtMs: foundAtMs + 300,
    });
    expect(describeEvent(event)).toBe(
      'HorizontalPodAutoscaler shop/web in eu-1: /spec/minReplicas 3 -> 4, /spec/maxReplicas 9 -> 12 by kubectl-edit (Update) at 11:59:59Z; undone after 300 ms',
    );
  });

  it('never tells the values of a Secret', () => {
    const event = driftEvent('/Secret/shop/login', {
      fields: [{ path: '/data/key', desired: '"b2xk"', live: '"bmV3"' }],
    });
    expect(describeEvent(event)).toBe('Secret shop/login in eu-1: /data/key changed');
  });

  it('says what was deleted', () => {
    expect(describeEvent(driftEvent('apps/Deployment/shop/web', { kind: 'deleted' }))).toBe(
      'Deployment shop/web in eu-1: deleted',
    );
  });

  it('keeps the message of other events', () => {
    const event = createEvent({ type: 'sync.failed', actor: 'hub', timeMs: 0, message: 'it was refused' });
    expect(describeEvent({ ...event, id: 'e', sequence: 1 })).toBe('it was refused');
  });
});

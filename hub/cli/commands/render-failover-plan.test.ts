import { describe, expect, it } from 'vitest';
import type { ApiFailoverPlan } from '../../api/schemas/failover.ts';
import { createColours } from '../output/colour.ts';
import { renderFailoverPlan } from './render-failover-plan.ts';

const paint = createColours({ terminal: false, env: {} });
const inStandby = { count: 1, names: ['eu-2'] };
const none = { count: 0, names: [] };

const objectOf = (name: string, action: 'added' | 'removed' | 'changed', after = 3) => ({
  variants: [
    {
      ...{ action, keyBefore: null, clusters: inStandby, fieldsOmitted: 0 },
      key: { group: 'apps', kind: 'Deployment', namespace: 'shop', name },
      fields:
        action === 'changed'
          ? [
              {
                ...{ path: '/spec/replicas', change: 'changed' as const, masked: false, lines: [] },
                ...{ before: '1', after: `${after}` },
              },
            ]
          : [],
    },
  ],
});

const planOf = (objects: ApiFailoverPlan['changes']['applications'][number]['objects'], omitted = 0) =>
  ({
    ...{ group: 'shop-eu', kind: 'failover', mode: 'commit', strategy: 'failover', from: 'eu-1', to: 'eu-2' },
    ...{ fenced: 'yes', fencedReason: 'nothing is assigned to eu-1', roles: [], files: [], confirm: ['x'] },
    readiness: { verdict: 'Ready', score: 100, reasons: [] },
    estimateSeconds: 42,
    changes: {
      ...{ from: { name: 'running', commit: null }, to: { name: 'main', commit: null }, differs: true },
      summary: { applications: 1, clusters: 1, added: 1, removed: 1, changed: objects.length - 2 },
      applications: [
        { name: 'shop', clusters: inStandby, placed: none, withdrawn: none, settings: [], objects },
      ],
      ...{ problems: [], omitted },
    },
  }) satisfies ApiFailoverPlan;

describe('renderFailoverPlan', () => {
  it('names every object that comes out otherwise, with its fields', () => {
    const text = renderFailoverPlan(
      planOf([objectOf('web', 'changed'), objectOf('cron', 'added'), objectOf('idle', 'removed')]),
      paint,
    );
    for (const line of [
      '~ Deployment shop/web',
      '/spec/replicas: 1 -> 3',
      '+ Deployment shop/cron in eu-2',
      '- Deployment shop/idle in eu-2',
    ])
      expect(text).toContain(line);
    expect(text).not.toContain('more');
  });

  it('says how much is left out, and still ends with what has to be confirmed and typed', () => {
    const objects = Array.from({ length: 300 }, (_, at) => objectOf(`web-${at}`, 'changed', at));
    const text = renderFailoverPlan(planOf(objects, 7), paint);
    expect(text.split('\n').filter((line) => line.startsWith('    '))).toHaveLength(199);
    expect(text).toContain('and 701 more lines: -o json has all of it');
    expect(text).toContain('and 7 more changes not shown');
    expect(text.endsWith('  fairway failover start shop-eu --to eu-2 --confirm --reason TEXT\n')).toBe(true);
  });
});

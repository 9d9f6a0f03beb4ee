/** A failover under way, and a plan, as the hub would tell them. */
import type { FailoverPort } from '../../../hub/api/ports.ts';
import type { Failover } from '../../../hub/model/failover.ts';
import type { ObjectReport } from '../../../hub/preview/report.ts';
import { FairwayError } from '../../../shared/error/error.ts';
import { startMs } from './fixtures.ts';

export const failover: Failover = {
  ...{ id: 'failover-1', group: 'shop-eu', kind: 'failover', mode: 'override', from: 'eu-1', to: 'eu-2' },
  ...{ reason: 'eu-1 is dark', actor: 'ops', startedAtMs: startMs - 90_000, fenced: 'unknown' },
  confirmed: ['whether eu-1 is fenced is not known'],
  roles: { 'eu-1': 'standby', 'eu-2': 'primary' },
  ...{ baseCommit: 'a'.repeat(40), branch: '', strategy: 'failover', together: true, phase: 'Switching' },
  commit: { attempts: 3, nextAtMs: startMs + 8_000, error: 'the server does not answer', written: undefined },
  override: { untilMs: startMs + 3_600_000, signature: 'b'.repeat(64), ended: undefined },
  message: '1 of 2 applications to go; mail: not healthy at its new Target yet',
  applications: [
    { application: 'mail', readyAtMs: undefined, waitsOn: 'not healthy at its new Target yet' },
    { application: 'shop', readyAtMs: startMs - 30_000, waitsOn: '' },
  ],
  ...{ readyAtMs: undefined, rtoMs: undefined, endedAtMs: undefined, version: 4 },
};

const before: Failover = {
  ...{ ...failover, id: 'failover-0', kind: 'drill', phase: 'Done', message: 'eu-2 was ready in 42000 ms' },
  ...{ readyAtMs: startMs - 3_558_000, rtoMs: 42_000, startedAtMs: startMs - 3_600_000 },
  ...{ endedAtMs: startMs - 3_500_000, commit: undefined, applications: [] },
  planned: {
    ...{ verdict: 'Ready', score: 98, problem: '' },
    changes: { applications: 1, clusters: 1, added: 0, removed: 0, changed: 2 },
  },
  after: { verdict: 'Degraded', score: 91 },
  override: { untilMs: startMs - 1_800_000, signature: 'c'.repeat(64), ended: 'drilled' },
};

const nowhere = (group: string) => new FairwayError('not_found', `There is no ParityGroup "${group}".`);
const one = { count: 1, names: ['eu-2'] };
const none = { count: 0, names: [] };

const web: ObjectReport = {
  variants: [
    {
      ...{ action: 'changed', clusters: one, fieldsOmitted: 0 },
      keyBefore: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web-dr' },
      key: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
      fields: [
        {
          ...{ path: '/spec/replicas', change: 'changed', masked: false, before: '1', after: '4' },
          lines: [],
        },
      ],
    },
  ],
};

export const failoverPort: FailoverPort = {
  async plan({ group, kind, to = 'eu-2' }) {
    if (group !== 'shop-eu') throw nowhere(group);
    return {
      ...{
        group,
        kind,
        to,
        from: 'eu-1',
        mode: 'commit',
        strategy: 'failover',
        fenced: 'no',
        fencedReason: 'the agent of eu-1 is connected',
      },
      roles: [
        { cluster: 'eu-1', from: 'primary', to: 'standby' },
        { cluster: 'eu-2', from: 'standby', to: 'primary' },
      ],
      files: ['fleet/clusters.yaml'],
      readiness: {
        ...{ verdict: 'Degraded', score: 90 },
        reasons: [
          {
            ...{ type: 'drift', standby: 'eu-2', severity: 'warning', owner: 'night-shift', count: 1 },
            ...{ message: 'shop: 1 field has drifted', action: 'let it heal' },
          },
        ],
      },
      confirm: ['eu-1 is not fenced: its agent is connected'],
      estimateMs: 42_000,
      changes: {
        ...{ from: { name: 'running', commit: null }, to: { name: 'main', commit: 'a'.repeat(40) } },
        ...{ differs: true, problems: [], omitted: 0 },
        summary: { applications: 1, clusters: 1, added: 0, removed: 0, changed: 1 },
        applications: [
          { name: 'shop', clusters: one, placed: none, withdrawn: none, settings: [], objects: [web] },
        ],
      },
    };
  },
  async start({ group, kind, actor, reason }) {
    if (group !== 'shop-eu') throw nowhere(group);
    return { ...failover, kind, actor, reason };
  },
  async revoke(group) {
    if (group !== 'shop-eu') throw nowhere(group);
    return { ...failover, phase: 'Restoring', message: 'revoked' };
  },
  async extend(group, { overrideMs }) {
    if (group !== 'shop-eu') throw nowhere(group);
    return {
      ...failover,
      override: { untilMs: startMs + overrideMs, signature: 'd'.repeat(64), ended: undefined },
    };
  },
  open: async () => [failover],
  get: async (id) => [failover, before].find((one) => one.id === id),
  list: async (group, _page, kind) => ({
    items: [failover, before].filter(
      (one) => (group ?? one.group) === one.group && (kind ?? one.kind) === one.kind,
    ),
    next: undefined,
  }),
};

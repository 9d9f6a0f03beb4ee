/** Failovers and fleets for the unit tests. */
import type { Failover } from '../model/failover.ts';
import { type Cluster, emptyFleet, type Fleet } from '../model/fleet.ts';
import { defaultFreshness, type ParityGroup } from '../model/parity.ts';

export const startedAtMs = 1_000_000;

export function aFailover(given: Partial<Failover> = {}): Failover {
  return {
    ...{ id: 'f-1', group: 'eu', kind: 'failover', mode: 'commit', from: 'eu-1', to: 'eu-2' },
    ...{ reason: 'dark', actor: 'ops', startedAtMs, fenced: 'unknown', confirmed: [] },
    roles: { 'eu-1': 'standby', 'eu-2': 'primary' },
    ...{ baseCommit: 'a'.repeat(40), branch: '', strategy: 'failover', together: false },
    commit: { attempts: 0, nextAtMs: startedAtMs, error: '', written: undefined },
    ...{ override: undefined, phase: 'Writing', message: '', applications: [] },
    ...{ readyAtMs: undefined, rtoMs: undefined, endedAtMs: undefined, version: 1 },
    ...given,
  };
}

export const word = { untilMs: startedAtMs + 60_000, signature: 's', ended: undefined };

export const aGroup: ParityGroup = {
  ...{ name: 'eu', primary: 'eu-1', standbys: { clusters: ['eu-2'], region: undefined }, owner: '' },
  applications: { names: [], selector: undefined },
  ...{ expectations: [], variables: {}, freshness: defaultFreshness },
  origin: { file: 'fleet/eu.yaml', line: 1, commit: '' },
};

function aCluster(name: string, role: Cluster['role'], region = ''): Cluster {
  const origin = { file: 'fleet/clusters.yaml', line: 1, commit: '' };
  return { name, role, region, labels: {}, variables: {}, kubernetesVersion: '', paused: false, origin };
}

export function aFleet(group: ParityGroup = aGroup): Fleet {
  const clusters = [aCluster('eu-1', 'primary'), aCluster('eu-2', 'standby'), aCluster('us-1', 'primary')];
  return {
    ...emptyFleet,
    clusters: new Map(clusters.map((one) => [one.name, one])),
    parityGroups: new Map([[group.name, group]]),
  };
}

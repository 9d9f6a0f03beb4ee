import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../../shared/clock/clock.ts';
import type { FailoverPort } from '../../api/ports.ts';
import type { Failover, FailoverKind } from '../../model/failover.ts';
import { overrideCounts } from '../../parity/switch-roles.ts';
import type { ParityDriver } from './parity-loop.ts';

const failoverKinds: readonly FailoverKind[] = ['failover', 'back', 'drill'];

/** Groups that have figures of their own: those that spent most. */
const groupsMax = 100;

/** Verdicts, and objectives: one figure for all groups, for an alert, and those of the worst groups, to say which. */
export function registerParityMetrics(registry: Registry, parity: Pick<ParityDriver, 'groups'>): void {
  const registers = [registry];
  const reports = () =>
    parity.groups().flatMap(({ group, objective }) => (objective ? [{ name: group.name, objective }] : []));
  const worst = () =>
    reports()
      .sort((a, b) => b.objective.spent - a.objective.spent)
      .slice(0, groupsMax);
  new Gauge({
    name: 'fairway_parity_groups',
    help: 'Parity groups, by verdict.',
    labelNames: ['verdict'],
    registers,
    collect() {
      this.reset();
      for (const { state } of parity.groups()) this.inc({ verdict: state.report.verdict });
    },
  });
  new Gauge({
    name: 'fairway_parity_objectives_missed',
    help: 'Parity groups that missed their objective: all that may be missed of its window is spent.',
    registers,
    collect() {
      this.set(reports().filter(({ objective }) => objective.state === 'missed').length);
    },
  });
  new Gauge({
    name: 'fairway_parity_burn_max',
    help: 'Of the parity group that was broken most in the last hour: how many times faster than it may it spends what it may miss.',
    registers,
    collect() {
      this.set(Math.max(0, ...reports().map(({ objective }) => objective.burns[0]?.rate ?? 0)));
    },
  });
  new Gauge({
    name: 'fairway_parity_objective_spent',
    help: `Of what a parity group may miss in its window, the part that is spent; of the ${groupsMax} groups that spent most.`,
    labelNames: ['group'],
    registers,
    collect() {
      this.reset();
      for (const { name, objective } of worst()) this.set({ group: name }, objective.spent);
    },
  });
  new Gauge({
    name: 'fairway_parity_burn',
    help: `How many times faster than it may a parity group spends what it may miss, over 1h, 6h and 3d; of the ${groupsMax} groups that spent most.`,
    labelNames: ['group', 'span'],
    registers,
    collect() {
      this.reset();
      for (const { name, objective } of worst())
        for (const { spanMs, rate } of objective.burns)
          this.set({ group: name, span: spanText(spanMs) }, rate);
    },
  });
}

/** What is under way, and how soon overrides are over: an alert for those who read no events. */
export function registerFailoverMetrics(
  registry: Registry,
  failovers: Pick<FailoverPort, 'open'>,
  clock: Clock,
): void {
  const registers = [registry];
  new Gauge({
    name: 'fairway_failovers_open',
    help: 'Failovers and drills under way, by kind.',
    labelNames: ['kind'],
    registers,
    async collect() {
      const open = await failovers.open();
      this.reset();
      for (const kind of failoverKinds) this.set({ kind }, open.filter((one) => one.kind === kind).length);
    },
  });
  new Gauge({
    name: 'fairway_role_override_ends_seconds',
    help: "Until the hub's own word on the roles of a parity group is over; of groups with an override in force alone.",
    registers,
    labelNames: ['group'],
    async collect() {
      const inForce = (await failovers.open()).filter(overrideCounts);
      const endsMs = ({ override }: Failover) => (override?.untilMs ?? Infinity) - clock.now();
      this.reset();
      for (const one of inForce) this.set({ group: one.group }, Math.max(0, endsMs(one) / 1_000));
    },
  });
}

function spanText(ms: number): string {
  const hours = ms / 3_600_000;
  return hours % 24 === 0 ? `${hours / 24}d` : `${hours}h`;
}

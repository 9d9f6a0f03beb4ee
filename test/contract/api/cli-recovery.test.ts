/** `fairway parity` and `fairway failover`: what they ask of the hub, and the code that a script sees. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiPorts, FailoverStart, ParityView } from '../../../hub/api/ports.ts';
import type { ApiParity } from '../../../hub/api/schemas/parity.ts';
import { type ServedApi, serveApi } from '../../../hub/api/server.ts';
import type { ParityReport } from '../../../hub/model/parity.ts';
import { failoverPort } from './failover-fixtures.ts';
import { createHarness } from './harness.ts';
import { parityPort } from './parity-fixtures.ts';
import { runFairway } from './run-cli.ts';

const home = mkdtempSync(join(tmpdir(), 'fairway-cli-'));
let served: ServedApi;
afterEach(() => served.close());

/** The command against a hub of these ports. */
async function bedWith(ports: Partial<ApiPorts>) {
  const harness = createHarness({ ports });
  served = await serveApi({ app: harness.api, host: '127.0.0.1', port: 0 });
  return (args: string | readonly string[], token = harness.tokens.admin) =>
    runFairway({ harness, served, home }, args, { env: { FAIRWAY_TOKEN: token } });
}

describe('fairway failover start and back', () => {
  const plain = {
    ...{ group: 'shop-eu', kind: 'failover', to: undefined, reason: 'eu-1 is dark', actor: 'adminer' },
    ...{ confirm: false, overrideMs: undefined, commit: undefined },
  };
  const asked: readonly (readonly [string, Partial<FailoverStart>])[] = [
    ['start shop-eu', {}],
    ['start shop-eu --confirm', { confirm: true }],
    ['start shop-eu --to eu-2 --confirm', { to: 'eu-2', confirm: true }],
    ['start shop-eu --branch', { commit: 'branch' }],
    ['start shop-eu --override --confirm', { overrideMs: 14_400_000, confirm: true }],
    ['start shop-eu --override --for 90m', { overrideMs: 5_400_000 }],
    ['start shop-eu --drill', { kind: 'drill' }],
    ['start shop-eu --drill --to eu-2 --for 10m', { kind: 'drill', to: 'eu-2', overrideMs: 600_000 }],
    ['back shop-eu', { kind: 'back' }],
    ['back shop-eu --confirm --branch', { kind: 'back', confirm: true, commit: 'branch' }],
    ['back shop-eu --override --for 2h', { kind: 'back', overrideMs: 7_200_000 }],
  ];
  for (const [command, part] of asked)
    it(`${command}: asks for just that`, async () => {
      const starts: FailoverStart[] = [];
      const start = async (given: FailoverStart) => {
        starts.push(given);
        return failoverPort.start(given);
      };
      const fairway = await bedWith({ failovers: { ...failoverPort, start } });
      const { code, out, err } = await fairway([
        'failover',
        ...command.split(' '),
        ...['--reason', 'eu-1 is dark'],
      ]);
      expect([code, err]).toEqual([0, '']);
      expect(starts).toEqual([{ ...plain, ...part }]);
      const name = { failover: 'failover', back: 'failover back', drill: 'drill' }[part.kind ?? 'failover'];
      expect(out).toMatch(new RegExp(`^${name} of shop-eu, eu-1 -> eu-2: Switching: `));
    });

  it('asks for nothing without a reason, or with a duration that is none', async () => {
    const starts: FailoverStart[] = [];
    const start = async (given: FailoverStart) => {
      starts.push(given);
      return failoverPort.start(given);
    };
    const fairway = await bedWith({ failovers: { ...failoverPort, start } });
    for (const command of ['start shop-eu', 'back shop-eu', 'start shop-eu --reason x --override --for soon'])
      expect((await fairway(`failover ${command}`)).code).toBe(2);
    expect(starts).toEqual([]);
  });
});

describe('fairway failover revoke', () => {
  it('says why and who, and shows what comes of it', async () => {
    const revoked: unknown[] = [];
    const revoke: typeof failoverPort.revoke = async (...given) => {
      revoked.push(given);
      return failoverPort.revoke(...given);
    };
    const fairway = await bedWith({ failovers: { ...failoverPort, revoke } });
    const { code, out } = await fairway(['failover', 'revoke', 'shop-eu', '--reason', 'eu-1 is back']);
    expect(code).toBe(0);
    expect(revoked).toEqual([['shop-eu', { reason: 'eu-1 is back', actor: 'adminer' }]]);
    expect(out).toContain('Restoring: revoked');
    expect((await fairway('failover revoke shop-eu')).code).toBe(2);
  });
});

describe('fairway parity', () => {
  it('tells how long a standby is likely to be behind', async () => {
    const [one] = parityPort.groups();
    if (!one) throw new Error('there is no group to begin with');
    const pairs = one.state.report.pairs.map((pair) => ({ ...pair, catchUpMs: 75_000 }));
    const late = { ...one, state: { ...one.state, report: { ...one.state.report, pairs } } };
    const fairway = await bedWith({ parity: { ...parityPort, group: () => late } });
    const { standbys } = JSON.parse((await fairway('parity shop-eu -o json')).out) as ApiParity;
    expect(standbys.map(({ catchUpSeconds }) => catchUpSeconds)).toEqual([75]);
    for (const format of ['table', 'wide', 'markdown', 'junit'])
      expect((await fairway(`parity shop-eu -o ${format}`)).out).toContain('catches up in about 1 min 15 s');
  });
});

describe('the exit code of fairway parity', () => {
  const [broken] = parityPort.groups();
  const viewOf = (name: string, verdict: ParityReport['verdict']): ParityView => {
    if (!broken) throw new Error('there is no group to begin with');
    const pairs = broken.state.report.pairs.map((pair) => ({ ...pair, verdict }));
    const report = { ...broken.state.report, group: name, verdict, pairs, reasons: [] };
    return { ...broken, group: { ...broken.group, name }, state: { ...broken.state, group: name, report } };
  };
  const withGroups = (...views: readonly ParityView[]) =>
    bedWith({
      parity: {
        ...parityPort,
        groups: () => views,
        group: (name) => views.find(({ group }) => group.name === name),
        differences: () => [],
      },
    });
  const formats = ['table', 'wide', 'json', 'markdown', 'junit'];

  it('is 0 where every group shown is Ready, in every format', async () => {
    const fairway = await withGroups(viewOf('a', 'Ready'), viewOf('b', 'Ready'));
    for (const format of formats)
      for (const command of ['parity', 'parity a'])
        expect([format, (await fairway(`${command} -o ${format}`)).code]).toEqual([format, 0]);
  });

  it.each(['Degraded', 'NotReady', 'Unknown'] as const)(
    'is 1 where one is %s, in every format',
    async (verdict) => {
      const fairway = await withGroups(viewOf('a', 'Ready'), viewOf('b', verdict));
      for (const format of formats) {
        const codes = await Promise.all(
          ['parity', 'parity a', 'parity b'].map(async (one) => (await fairway(`${one} -o ${format}`)).code),
        );
        expect([format, ...codes]).toEqual([format, 1, 0, 1]);
      }
    },
  );

  it('is 0 where there is no group, which is said beside what is shown, and 3 for one that is not there', async () => {
    const fairway = await withGroups();
    for (const format of formats) {
      const { code, err } = await fairway(`parity -o ${format}`);
      expect([format, code]).toEqual([format, 0]);
      expect(err).toContain('There is no parity group.');
    }
    expect(JSON.parse((await fairway('parity -o json')).out)).toEqual([]);
    expect((await fairway('parity shop-eu')).code).toBe(3);
  });

  it('tells a hub that may not be asked from a group that is not Ready', async () => {
    const fairway = await withGroups(viewOf('a', 'Ready'));
    expect((await fairway('parity', 'wrong')).code).toBe(4);
  });
});

/** Examples for `--help`, where a command's own help says no more than that. Every command has some; a test holds each to the options that there are. */
import type { Command } from 'commander';

/** By the words of the command, without the program's name. */
const examples: Readonly<Record<string, readonly string[]>> = {
  status: ['fairway status', 'fairway status shop', 'fairway status eu-1'],
  'get clusters': ['fairway get clusters', 'fairway get clusters eu-1 -o yaml'],
  'get applications': ['fairway get applications', 'fairway get applications shop -o json'],
  'get revisions': ['fairway get revisions --limit 5', 'fairway get revisions 3f2c1a0'],
  'get events': [
    'fairway get events --watch',
    'fairway get events --types drift,rollout --cluster eu-1',
    'fairway get events --types audit --limit 50',
  ],
  'get objects': [
    'fairway get objects --cluster eu-1 --application shop',
    'fairway get objects --application shop --sync Failed',
  ],
  'get confirmations': ['fairway get confirmations'],
  schema: [
    'fairway schema',
    'fairway schema Application > application.schema.json',
    'fairway schema HubConfig',
  ],
  sync: [
    'fairway sync',
    'fairway sync shop --cluster eu-1',
    'fairway sync shop --all-at-once --reason "CVE-2026-1234 is being used against us"',
  ],
  pause: [
    'fairway pause eu-1 --for 2h --reason "node pool is replaced"',
    'fairway pause eu-1/shop --for 10m --reason "looking into it"',
  ],
  resume: ['fairway resume eu-1/shop'],
  confirm: [
    'fairway get confirmations',
    'fairway confirm application-shop-ef3c4e0b4064b529 --reason "shop was replaced by store"',
  ],
  'rollout status': ['fairway rollout status', 'fairway rollout status shop'],
  'rollout history': ['fairway rollout history shop', 'fairway rollout history shop --limit 5 -o json'],
  'rollout timeline': ['fairway rollout timeline shop', 'fairway rollout timeline shop e9372e11 --clusters'],
  'rollout approve': [
    'fairway rollout approve shop --reason "the canary looks well"',
    'fairway rollout approve shop --wave canary --reason "the canary looks well"',
  ],
  'rollout reject': ['fairway rollout reject shop --reason "the checkout is slow"'],
  'rollout promote': ['fairway rollout promote shop --reason "measured by hand, it is well"'],
  'rollout pause': ['fairway rollout pause shop --reason "an incident in eu"'],
  'rollout resume': ['fairway rollout resume shop --reason "the incident is over"'],
  'rollout abort': ['fairway rollout abort shop --reason "1.6.1 comes in an hour"'],
  'rollout rollback': ['fairway rollout rollback shop --reason "orders are lost"'],
  'rollout retry': [
    'fairway rollout retry shop --reason "the registry is back"',
    'fairway rollout retry shop --cluster eu-1 --reason "eu-1 has its nodes again"',
  ],
  'rollout exclude': ['fairway rollout exclude shop --cluster eu-3 --reason "eu-3 is being rebuilt"'],
  'failover plan': [
    'fairway failover plan shop-eu',
    'fairway failover plan shop-eu --drill',
    'fairway failover plan shop-eu --back',
  ],
  'failover start': [
    'fairway failover start shop-eu --drill --reason "quarterly drill"',
    'fairway failover start shop-eu --confirm --reason "eu-1 is dark"',
    'fairway failover start shop-eu --confirm --override --for 4h --reason "eu-1 is dark, so is Git"',
  ],
  'failover back': ['fairway failover back shop-eu --confirm --reason "eu-1 is whole again"'],
  'failover revoke': ['fairway failover revoke shop-eu --reason "eu-1 came back by itself"'],
  'failover extend': ['fairway failover extend shop-eu --for 4h --reason "Git is still down"'],
  'failover status': [
    'fairway failover status shop-eu',
    'fairway failover status shop-eu --id 2f1c9f0e-6f5b-4c3a-9d55-0c7d1a5b8e21',
  ],
  'failover history': ['fairway failover history', 'fairway failover history shop-eu --drills'],
  hub: [
    'fairway hub --root-url https://git.example/fleet.git',
    'FAIRWAY_ROOT_PASSWORD=... fairway hub --root-url https://git.example/fleet.git',
    'fairway hub --config /etc/fairway/hub.yaml',
  ],
  'agent revoke': ['fairway agent revoke eu-1 --reason "its Secret was read by somebody"'],
  'agent forget': ['fairway agent forget eu-1 --reason "the cluster was deleted"'],
  'agent diagnostics': ['fairway agent diagnostics eu-1 -o eu-1.json'],
  demo: ['fairway demo', 'fairway demo --once', 'fairway demo --contexts kind-a,kind-b,kind-c,kind-d'],
  'token create': [
    'fairway token create --name ci --scope read --expires 30d',
    'TOKEN=$(fairway token create --name ann --scope operate)',
  ],
  'token enrol': ['fairway token enrol --cluster eu-1 > eu-1.token'],
  'token list': ['fairway token list', 'fairway token list --enrolment'],
  'token revoke': ['fairway token revoke 40c344503b32e212'],
  login: [
    'fairway login --server https://hub.example --token fwa_...',
    'fairway login --server https://hub.example --token - < admin.token',
  ],
  backup: ['fairway backup --out fairway-2026-11-21.db'],
  logs: ['fairway logs eu-1 shop/web-5d9c7', 'fairway logs eu-1 shop/web-5d9c7 -c web --tail 500 --previous'],
  version: ['fairway version', 'fairway version --hub'],
};

/** Adds them to each command of the program that has some here. */
export function addExamples(program: Command): void {
  for (const [words, command] of commandsOf(program)) {
    const own = examples[words];
    if (own === undefined) continue;
    command.addHelpText('after', `\n${own.length === 1 ? 'Example' : 'Examples'}:\n  ${own.join('\n  ')}`);
  }
}

/** Every command below, by its words. */
export function commandsOf(program: Command, before: readonly string[] = []): readonly [string, Command][] {
  return program.commands.flatMap((command): readonly [string, Command][] => {
    if (command.name() === 'help') return [];
    const words = [...before, command.name()];
    return [[words.join(' '), command], ...commandsOf(command, words)];
  });
}

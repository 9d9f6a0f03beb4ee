/** Sets the demo's stage: a fleet repository served over HTTP, a hub, and an agent for each member cluster; and clears it away. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFleetApi, type FleetApi } from './fleet-api.ts';
import { createFleetRepository, type FleetRepository } from './fleet-repository.ts';
import { createGitServer, type GitServer } from './git-server.ts';
import { createContextMember, type Member, startSimulatedMember } from './member.ts';
import { type HubAddresses, type Program, startProgram, waitForHub } from './processes.ts';

export const demoRepository = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'deploy',
  'demo',
  'fleet-repository',
);

/** The clusters of the demo's fleet repository, in the order contexts are given to them. */
export const demoClusters = ['eu-1', 'eu-2', 'us-1', 'ap-1'] as const;

export interface Stage {
  readonly folder: string;
  readonly repository: FleetRepository;
  readonly git: GitServer;
  readonly hub: Program;
  readonly addresses: HubAddresses & { readonly token: string };
  readonly api: FleetApi;
  readonly members: readonly Member[];
  readonly agents: readonly Program[];
}

export interface StageBuilder {
  readonly folder: string;
  makeRepository(clusters: readonly string[]): Promise<string>;
  startHub(): Promise<HubAddresses>;
  startMembers(contexts: readonly string[]): Promise<readonly Member[]>;
  startAgents(): Promise<void>;
  stage(): Stage;
  /** Ends every process and deletes every file, however far the building came. */
  clear(): Promise<void>;
}

/** How often the demo's hub looks at the remote. Production uses 15 s or a webhook; nobody wants to wait in a demo. */
const pollInterval = '1s';

export function createStageBuilder(): StageBuilder {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-demo-'));
  const programs: Program[] = [];
  let partial: { -readonly [K in keyof Stage]?: Stage[K] } = { folder, members: [], agents: [] };

  const need = <K extends keyof Stage>(key: K): Stage[K] => {
    const value = partial[key];
    if (value === undefined) throw new Error(`the stage has no ${key} yet`);
    return value as Stage[K];
  };

  const start = (options: Parameters<typeof startProgram>[0]): Program => {
    const program = startProgram(options);
    programs.push(program);
    return program;
  };

  return {
    folder,
    async makeRepository(clusters) {
      const repository = await createFleetRepository({
        workTree: join(folder, 'work'),
        bare: join(folder, 'git', 'fleet.git'),
      });
      cpSync(demoRepository, repository.workTree, { recursive: true });
      const declared = keepClusters(
        readFileSync(join(demoRepository, 'fleet', 'clusters.yaml'), 'utf8'),
        clusters,
      );
      const commit = await repository.commit(
        { 'fleet/clusters.yaml': declared },
        { message: 'Start the fleet', author: 'Ada Park <ada@example.com>' },
      );
      await repository.push();
      const git = await createGitServer({ root: join(folder, 'git') });
      partial = { ...partial, repository, git };
      return commit;
    },

    async startHub() {
      const dataDir = join(folder, 'hub');
      mkdirSync(dataDir);
      const hub = start({
        name: 'hub',
        script: 'hub/cli/main.ts',
        args: ['hub'],
        env: {
          FAIRWAY_ROOT_URL: need('git').url('fleet.git'),
          FAIRWAY_ROOT_POLL_INTERVAL: pollInterval,
          FAIRWAY_DATA_DIR: dataDir,
          FAIRWAY_API_LISTEN: '127.0.0.1:0',
          FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
          FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
        },
        logFile: join(folder, 'hub.log'),
      });
      const addresses = await waitForHub(dataDir, hub);
      partial = { ...partial, hub, addresses, api: createFleetApi(addresses.api, addresses.token) };
      return addresses;
    },

    async startMembers(contexts) {
      const members = await Promise.all(
        contexts.length > 0
          ? contexts.map((context, index) => createContextMember(demoClusters[index] ?? context, context))
          : demoClusters.map((name) => startSimulatedMember(name, folder)),
      );
      for (const { program } of members) if (program) programs.push(program);
      partial = { ...partial, members };
      return members;
    },

    async startAgents() {
      const { enrolmentPort } = need('addresses');
      const agents = await Promise.all(
        need('members').map(async (member) => {
          const token = await need('api').enrolmentToken(member.name);
          const kubeconfig = member.kubeconfig === undefined ? [] : ['--kubeconfig', member.kubeconfig];
          return start({
            name: `agent ${member.name}`,
            script: 'agent/main.ts',
            args: [
              ...kubeconfig,
              '--context',
              member.context,
              '--enrolment-address',
              `127.0.0.1:${enrolmentPort}`,
            ],
            env: { FAIRWAY_ENROLMENT_TOKEN: token },
            logFile: join(folder, `agent-${member.name}.log`),
          });
        }),
      );
      partial = { ...partial, agents };
    },

    stage: () => ({
      folder,
      repository: need('repository'),
      git: need('git'),
      hub: need('hub'),
      addresses: need('addresses'),
      api: need('api'),
      members: need('members'),
      agents: need('agents'),
    }),

    async clear() {
      await Promise.all(programs.map((program) => program.stop()));
      await Promise.all((partial.members ?? []).map((member) => member.clear()));
      await partial.git?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The documents of the named clusters only. */
function keepClusters(text: string, clusters: readonly string[]): string {
  return text
    .split(/^---$/m)
    .filter((document) => clusters.some((name) => document.includes(`name: ${name}\n`)))
    .join('---');
}

/** Files of a stage's logs, for when something went wrong. */
export function logTails(folder: string, lines = 8): string {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => {
      const tail = readFileSync(join(folder, name), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-lines)
        .join('\n    ');
      return `  ${name}\n    ${tail}`;
    })
    .join('\n');
}

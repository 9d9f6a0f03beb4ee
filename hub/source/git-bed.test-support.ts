/** What the tests of this folder share: a real repository behind a real Git server, and a source that reads it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../shared/clock/clock.ts';
import { FairwayError } from '../../shared/error/error.ts';
import { silentLogger } from '../../shared/log/log.ts';
import { createFleetRepository, type FleetRepository } from '../cli/demo/fleet-repository.ts';
import { createGitServer, type GitServer, type GitServerOptions } from '../cli/demo/git-server.ts';
import {
  createGitSource,
  type FetchResult,
  type GitSource,
  type GitSourceOptions,
  type GitWriter,
} from './git-source.ts';

export interface Bed {
  readonly folder: string;
  readonly repository: FleetRepository;
  readonly server: GitServer;
  readonly url: string;
  readonly mirrors: string;
  readonly source: GitSource & GitWriter;
  /** A new source on the same mirrors, as after a restart of the hub. */
  restart(options?: Partial<GitSourceOptions>): GitSource & GitWriter;
  fetch(ref?: string, knownHead?: string, source?: GitSource): Promise<FetchResult>;
  close(): Promise<void>;
}

export async function createBed(
  options: { source?: Partial<GitSourceOptions>; server?: Partial<GitServerOptions> } = {},
): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-source-'));
  const root = join(folder, 'served');
  const repository = await createFleetRepository({
    workTree: join(folder, 'work'),
    bare: join(root, 'fleet.git'),
  });
  const server = await createGitServer({ root, ...options.server });
  const url = server.url('fleet.git');
  const mirrors = join(folder, 'mirrors');
  const restart = (more: Partial<GitSourceOptions> = {}) =>
    createGitSource({
      directory: mirrors,
      credentials: { forUrl: async () => undefined },
      clock: systemClock,
      log: silentLogger,
      ...options.source,
      ...more,
    });
  const source = restart();
  return {
    folder,
    repository,
    server,
    url,
    mirrors,
    source,
    restart,
    fetch: (ref = 'main', knownHead, from = source) =>
      from.fetch({ url, ref, knownHead, signal: new AbortController().signal }),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The FairwayError that a promise ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<FairwayError> {
  try {
    await promise;
  } catch (caught) {
    if (caught instanceof FairwayError) return caught;
    throw caught;
  }
  throw new Error('expected an error');
}

/**
 * Which hub, and by what token: from the command line, then the environment, then the file that `fairway login` writes
 * (`$XDG_CONFIG_HOME/fairway/config.json`, default `~/.config`; https://specifications.freedesktop.org/basedir-spec/latest/).
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FairwayError } from '../../shared/error/error.ts';
import type { CliIo } from './io.ts';

export interface ConnectionOptions {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

export interface Connection {
  readonly server: string;
  /** Undefined: ask without; only probes answer then. */
  readonly token: string | undefined;
}

const defaultServer = 'http://127.0.0.1:8080';

function settingsPath({ env, home }: Pick<CliIo, 'env' | 'home'>): string {
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'fairway', 'config.json');
}

/** @throws invalid_argument for a bad address; failed_precondition for a file that cannot be read. */
export async function loadConnection(options: ConnectionOptions, io: CliIo): Promise<Connection> {
  const stored = await loadSettings(io);
  const server = options.server ?? (io.env['FAIRWAY_SERVER'] || stored.server || defaultServer);
  const given =
    options.token ??
    (options.tokenFile === undefined ? undefined : await readToken(resolve(io.cwd, options.tokenFile))) ??
    (io.env['FAIRWAY_TOKEN'] || undefined);
  // A stored token goes to the server it was stored for, and to no other.
  const token = given ?? (stored.server === server ? stored.token : undefined);
  return { server: checkServer(server), token };
}

/** An http or https URL without a trailing slash. @throws invalid_argument */
export function checkServer(server: string): string {
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new FairwayError('invalid_argument', `"${server}" is not the address of a hub.`, {
      details: { hint: 'An address looks like https://fairway.example:8080.' },
    });
  return server.replace(/\/+$/, '');
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new FairwayError('failed_precondition', `The token file ${path} cannot be read.`, { cause });
  }
}

async function loadSettings(io: CliIo): Promise<Partial<Connection>> {
  const path = settingsPath(io);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new FairwayError('failed_precondition', `${path} cannot be read.`, { cause });
  }
  try {
    const { server, token } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof server === 'string' ? { server } : {}),
      ...(typeof token === 'string' ? { token } : {}),
    };
  } catch (cause) {
    const hint = 'Remove it, then run `fairway login`.';
    throw new FairwayError('failed_precondition', `${path} is not JSON.`, { cause, details: { hint } });
  }
}

/** Keeps the connection for later commands, readable by this user only. */
export async function saveSettings(connection: Connection, io: CliIo): Promise<string> {
  const path = settingsPath(io);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, JSON.stringify(connection, null, 2) + '\n', { mode: 0o600 });
  await chmod(path, 0o600);
  return path;
}

/** A whole hub for tests of what it answers: every listener on a free port of this machine, its data in a folder. */
import { join } from 'node:path';
import { loadConfig } from '../../hub/config/load-config.ts';
import { type RunningHub, startHub } from '../../hub/main.ts';

/** @param folder where the hub may make a folder for its data. */
export async function startWholeHub(folder: string, rootUrl: string): Promise<RunningHub> {
  const env = {
    FAIRWAY_ROOT_URL: rootUrl,
    FAIRWAY_DATA_DIR: join(folder, 'data'),
    FAIRWAY_API_LISTEN: '127.0.0.1:0',
    FAIRWAY_AGENT_LISTEN: '127.0.0.1:0',
    FAIRWAY_ENROLMENT_LISTEN: '127.0.0.1:0',
    FAIRWAY_LOG_LEVEL: 'error',
  };
  const readFile = () => Promise.reject(new Error('none'));
  return startHub({ config: await loadConfig({ env, readFile }), env });
}

/** What the API says to whoever has the hub's first token. */
export async function askHub(hub: RunningHub, path: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${hub.firstToken}` };
  return (await (await fetch(hub.addresses.api + path, { headers })).json()) as Record<string, unknown>;
}

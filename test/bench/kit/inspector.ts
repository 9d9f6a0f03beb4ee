/** Garbage collection in another Node process, by its inspector: what is measured then is what the process holds, not when it last cleaned up. */
import { until } from './wait.ts';

const limitMs = 20_000;

async function debuggerUrl(port: number): Promise<string> {
  return until(
    'the inspector',
    async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined);
      if (!answer?.ok) return undefined;
      const [target] = (await answer.json()) as readonly { readonly webSocketDebuggerUrl?: string }[];
      return target?.webSocketDebuggerUrl;
    },
    limitMs,
  );
}

function send(socket: WebSocket, id: number, method: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the inspector did not answer ${method}`)), limitMs);
    socket.addEventListener('message', ({ data }) => {
      if ((JSON.parse(String(data)) as { id?: number }).id !== id) return;
      clearTimeout(timer);
      resolve();
    });
    socket.send(JSON.stringify({ id, method }));
  });
}

/** Collects garbage, twice: finalizers of the first round free more. @param port its `--inspect-port`; the inspector is opened by SIGUSR1. */
export async function collectGarbage(pid: number, port: number): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await debuggerUrl(port));
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the inspector cannot be reached')));
  });
  await send(socket, 1, 'HeapProfiler.collectGarbage');
  await send(socket, 2, 'HeapProfiler.collectGarbage');
  await new Promise<void>((resolve) => {
    socket.addEventListener('close', () => resolve());
    socket.close();
  });
}

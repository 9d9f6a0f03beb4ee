/** A real API server as a bench uses it: requests by a person's hand, on a connection that is already open. */
import { Agent, request } from 'node:https';
import type { ControlPlane } from '../../cluster/control-plane.ts';

export interface RealCluster {
  /** @throws unless the status is below 300. @param contentType default a merge patch for PATCH, else JSON. */
  call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<unknown>;
  close(): void;
}

const limitMs = 10_000;

export function createRealCluster({ url, ca, token }: ControlPlane): RealCluster {
  const agent = new Agent({ keepAlive: true, ca });
  return {
    close: () => agent.destroy(),
    call: (method, path, body, given) =>
      new Promise((resolve, reject) => {
        const usual = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
        const contentType = given ?? usual;
        const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
        const outgoing = request(
          `${url}${path}`,
          { method, agent, headers, timeout: limitMs },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => {
              const text = Buffer.concat(chunks).toString('utf8');
              if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text));
              else reject(new Error(`${method} ${path} gave ${response.statusCode}: ${text.slice(0, 300)}`));
            });
          },
        );
        outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} was not answered`)));
        outgoing.on('error', reject);
        outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
}

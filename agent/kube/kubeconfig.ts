import { readFile } from 'node:fs/promises';
import { FairwayError } from '../../shared/error/error.ts';
import type { KubeConnection } from './connection.ts';

function decode(base64: string | undefined): string | undefined {
  return base64 ? Buffer.from(base64, 'base64').toString('utf8') : undefined;
}

async function pem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  return decode(data) ?? (file ? await reading(file, () => readFile(file, 'utf8')) : undefined);
}

/**
 * A connection from a kubeconfig, exec plugins included. The Kubernetes client costs about 80 MB of memory and is imported only here,
 * so that an agent in its cluster never pays for it.
 * @param path default: KUBECONFIG, then ~/.kube/config.
 * @param contextName default: the file's current context.
 * @throws failed_precondition when a file cannot be read, or names no such context or no cluster.
 */
export async function loadKubeconfig(
  path?: string,
  contextName?: string,
): Promise<{ readonly connection: KubeConnection; readonly namespace: string }> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  await reading(path ?? 'kubeconfig', () =>
    path === undefined ? config.loadFromDefault() : config.loadFromFile(path),
  );
  if (contextName !== undefined) config.setCurrentContext(contextName);
  const context = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (!context || !cluster)
    throw new FairwayError('failed_precondition', 'the kubeconfig has no such context', {
      subject: contextName ?? path ?? 'kubeconfig',
    });
  const dynamic = user?.exec !== undefined || user?.authProvider !== undefined;
  const basic =
    user?.username === undefined
      ? undefined
      : Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
  if (basic !== undefined)
    throw new FairwayError('unsupported', 'basic authentication is not served by Kubernetes since 1.19', {
      subject: context.user,
    });
  const connection: KubeConnection = {
    server: cluster.server,
    ca: await pem(cluster.caData, cluster.caFile),
    token: user?.token,
    cert: await pem(user?.certData, user?.certFile),
    key: await pem(user?.keyData, user?.keyFile),
    insecureSkipTlsVerify: cluster.skipTLSVerify,
    serverName: cluster.tlsServerName,
    tokenSource: dynamic
      ? async () => {
          const request = { headers: {} as Record<string, string> };
          await config.applyToHTTPSOptions(request);
          return request.headers['Authorization']?.replace(/^Bearer /, '');
        }
      : undefined,
  };
  return { connection, namespace: context.namespace ?? 'default' };
}

type Read<T> = () => T | Promise<T>;

/** What a file that cannot be read or understood means to whoever named it. @throws failed_precondition */
async function reading<T>(file: string, read: Read<T>): Promise<T> {
  try {
    return await read();
  } catch (caught) {
    const why = caught instanceof Error ? (caught.message.split('\n', 1)[0] ?? '') : String(caught);
    const message = `the kubeconfig cannot be read: ${why}; name another with --kubeconfig or KUBECONFIG`;
    throw new FairwayError('failed_precondition', message, { subject: file, cause: caught });
  }
}

/** How to reach an API server: from a service account's files, from a kubeconfig, or given by the caller. */
import { readFile } from 'node:fs/promises';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';

export interface KubeConnection {
  /** Base URL; may have a path prefix (a proxy such as Rancher's). */
  readonly server: string;
  /** PEM. Absent: the system's roots. */
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  /** Read anew about every minute, since bound tokens rotate. Wins over `token`. */
  readonly tokenFile?: string | undefined;
  /** Client certificate and key, PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** The name to check the server's certificate against, where it is not the URL's host. */
  readonly serverName?: string | undefined;
  /** A token from elsewhere (an exec plugin); asked at most about every minute, and after a 401. */
  readonly tokenSource?: (() => Promise<string | undefined>) | undefined;
}

/** https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api */
const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InCluster {
  readonly connection: KubeConnection;
  /** The pod's own namespace. */
  readonly namespace: string;
}

/**
 * The connection of a pod's service account.
 * @throws failed_precondition when the process does not run in a pod with a service account's token.
 */
export async function loadInCluster(
  environment: Readonly<Record<string, string | undefined>>,
  directory = serviceAccountDirectory,
): Promise<InCluster> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host)
    throw new FairwayError('failed_precondition', 'not in a cluster: KUBERNETES_SERVICE_HOST is not set');
  const tokenFile = `${directory}/token`;
  try {
    const [ca, namespace] = await Promise.all([
      readFile(`${directory}/ca.crt`, 'utf8'),
      readFile(`${directory}/namespace`, 'utf8'),
      readFile(tokenFile, 'utf8'),
    ]);
    const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    return { connection: { server, ca, tokenFile }, namespace: namespace.trim() };
  } catch (caught) {
    throw new FairwayError('failed_precondition', 'the service account files cannot be read', {
      subject: directory,
      cause: toFairwayError(caught),
    });
  }
}

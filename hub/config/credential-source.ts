import type { CredentialSource } from '../model/credentials.ts';
import type { HubConfig } from './config.ts';
import { readSecret, type SecretPorts } from './secret-reader.ts';
import { matchesUrlPrefix } from './url-prefix.ts';

/** Credentials by the longest matching prefix. Over plain HTTP only those whose prefix says http itself are sent. */
export function createCredentialSource(
  { credentials }: Pick<HubConfig, 'credentials'>,
  ports: SecretPorts,
): CredentialSource {
  const longestFirst = [...credentials].sort((a, b) => pathLength(b.urlPrefix) - pathLength(a.urlPrefix));
  return {
    async forUrl(url) {
      const found = longestFirst.find(({ urlPrefix }) => matchesUrlPrefix(urlPrefix, url));
      if (!found) return undefined;
      const password = await readSecret(found.secret, `the password for ${found.urlPrefix}`, ports);
      return { username: found.username, password };
    },
  };
}

function pathLength(prefix: string): number {
  return (URL.parse(prefix)?.pathname ?? '').replace(/\/+$/, '').length;
}

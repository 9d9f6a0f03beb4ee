import type { HubConfig } from './config.ts';
import { matchesUrlPrefix } from './url-prefix.ts';

type EgressConfig = Pick<HubConfig, 'root' | 'credentials' | 'notifications' | 'egress'>;

/**
 * Where the hub may connect to: the root repository's host, the prefixes of credentials, the notifications' URLs, and what `egress.allow` lists. A
 * Repository in Git on any other host is refused until its prefix is listed: a commit alone cannot make the hub call an address of the network
 * that the hub stands in.
 */
export function egressPrefixes({
  root,
  credentials,
  notifications,
  egress,
}: EgressConfig): readonly string[] {
  const rootUrl = URL.parse(root.url);
  const rootHost = rootUrl && /^https?:$/.test(rootUrl.protocol) ? [`${rootUrl.origin}/`] : [];
  const named = [...credentials.map(({ urlPrefix }) => urlPrefix), ...notifications.map(({ url }) => url)];
  return [...new Set([...rootHost, ...named, ...egress.allow])];
}

/** Redirects must be asked for anew by the caller. */
export function isEgressAllowed(config: EgressConfig, url: string): boolean {
  return egressPrefixes(config).some((prefix) => matchesUrlPrefix(prefix, url));
}

/** The few calls of the hub's API that the demo and the end-to-end tests make. */
import { FairwayError } from '../../../shared/error/error.ts';
import type { ApiApplication, ApiPlacement } from '../../api/schemas/application.ts';
import type { ApiEvent } from '../../api/schemas/event.ts';

const requestLimitMs = 15_000;

export interface FleetApi {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** All placements, over all pages. */
  placements(): Promise<readonly ApiPlacement[]>;
  /** All of them with their placements. */
  applications(): Promise<readonly ApiApplication[]>;
  /** Newest first, at most 500. */
  events(query: string): Promise<readonly ApiEvent[]>;
  enrolmentToken(cluster: string): Promise<string>;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export function createFleetApi(url: string, token: string): FleetApi {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(requestLimitMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new FairwayError(
        'unavailable',
        `${method} ${path} gave ${response.status}: ${(await response.text()).slice(0, 500)}`,
      );
    return (await response.json()) as T;
  };

  const all = async <T>(path: string, query = ''): Promise<readonly T[]> => {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<T> = await call(
        'GET',
        `${path}?limit=500${query}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return items;
  };

  return {
    url,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    placements: () => all('/api/v1/placements'),
    applications: () => all('/api/v1/applications', '&placements=true'),
    events: async (query) => (await call<Page<ApiEvent>>('GET', `/api/v1/events?limit=500&${query}`)).items,
    enrolmentToken: async (cluster) =>
      (await call<{ readonly token: string }>('POST', '/api/v1/enrolment-tokens', { cluster })).token,
  };
}

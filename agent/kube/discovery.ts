import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { orAborted } from '../../shared/loop/or-aborted.ts';
import type { ApiResource } from './kube-client.ts';
import type { Transport } from './transport.ts';

/** KEP-3352: one document for all groups, from 1.26 on (v2beta1) and 1.30 on (v2); an older server gives its plain lists. */
const accept = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',');

interface AggregatedList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      /** `Stale`: an aggregated API server that did not answer; what it serves may be left out. */
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope?: string;
        readonly verbs?: readonly string[];
      }[];
    }[];
  }[];
}

interface PlainList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface PlainGroups {
  readonly versions?: readonly string[];
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string }[];
  }[];
}

/** Resources of an aggregated document, in its order: a group's preferred version first. */
function parseAggregated(list: AggregatedList): readonly ApiResource[] {
  const found: ApiResource[] = [];
  for (const group of list.items ?? [])
    for (const { version, resources } of group.versions ?? [])
      for (const { resource, responseKind, scope, verbs } of resources ?? [])
        if (responseKind?.kind)
          found.push({
            group: group.metadata?.name ?? '',
            version,
            kind: responseKind.kind,
            resource,
            namespaced: scope === 'Namespaced',
            verbs: verbs ?? [],
          });
  return found;
}

function parsePlain(group: string, version: string, list: PlainList): readonly ApiResource[] {
  return (list.resources ?? [])
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({
      group,
      version,
      kind,
      resource: name,
      namespaced,
      verbs,
    }));
}

/** What is served, and the groups of which that is not known now. */
interface Served {
  readonly resources: readonly ApiResource[];
  readonly staleGroups: ReadonlySet<string>;
}

function parseStale(list: AggregatedList): readonly string[] {
  const stale = (list.items ?? []).filter(({ versions }) =>
    versions?.some(({ freshness }) => freshness === 'Stale'),
  );
  return stale.map(({ metadata }) => metadata?.name ?? '');
}

/** A document as it was last read, by path. */
type Documents = Map<string, { readonly etag: string; readonly document: unknown }>;

/**
 * Asks for everything served. Two requests, or on an old server one more for each group version. What has not changed is not sent again (KEP-3352: aggregated
 * discovery bears an ETag).
 */
async function fetchServed(transport: Transport, documents: Documents): Promise<Served> {
  const staleGroups = new Set<string>();
  const read = async (path: string): Promise<unknown> => {
    const known = documents.get(path);
    const response = await transport.send({
      verb: 'discover',
      method: 'GET',
      path,
      accept,
      headers: known && { 'if-none-match': known.etag },
      idempotent: true,
    });
    if (response.status === 304 && known) return known.document;
    try {
      const document: unknown = JSON.parse(response.body.toString('utf8'));
      const etag = response.header('etag');
      if (etag === undefined) documents.delete(path);
      else documents.set(path, { etag, document });
      return document;
    } catch (cause) {
      throw new FairwayError('unavailable', 'the API server answered something that is not JSON', {
        subject: path,
        cause,
      });
    }
  };
  const expand = async (path: '/api' | '/apis'): Promise<readonly ApiResource[]> => {
    const document = (await read(path)) as AggregatedList & PlainGroups;
    if (document.kind === 'APIGroupDiscoveryList') {
      for (const group of parseStale(document)) staleGroups.add(group);
      return parseAggregated(document);
    }
    const core = (document.versions ?? []).map((version) => ({ group: '', version }));
    const others = (document.groups ?? []).flatMap(({ name, versions }) =>
      versions.map(({ groupVersion }) => ({ group: name, version: groupVersion.split('/')[1] ?? '' })),
    );
    const lists = [...core, ...others].map(async ({ group, version }) => {
      try {
        const list = await read(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
        return parsePlain(group, version, list as PlainList);
      } catch (caught) {
        const { code, details } = toFairwayError(caught);
        // One aggregated API server that is away is no reason to know nothing of the others.
        if (group === '' || code !== 'unavailable' || details?.['httpStatus'] === undefined) throw caught;
        staleGroups.add(group);
        return [];
      }
    });
    return (await Promise.all(lists)).flat();
  };
  const resources = (await Promise.all([expand('/api'), expand('/apis')])).flat();
  return { resources, staleGroups };
}

export interface Discovery {
  resources(refresh: boolean, signal?: AbortSignal): Promise<readonly ApiResource[]>;
  /** As of the last answer. */
  staleGroups(): ReadonlySet<string>;
}

const refreshIntervalMinMs = 500;

/** Caches; a refresh asked for within half a second of the last answer gets that one. Callers at once share one request, which goes on when one of them gives up. */
export function createDiscovery(transport: Transport, clock: Clock): Discovery {
  let known: readonly ApiResource[] | undefined;
  let staleGroups: ReadonlySet<string> = new Set();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let pending: Promise<readonly ApiResource[]> | undefined;
  const documents: Documents = new Map();
  const ask = async () => {
    try {
      const served = await fetchServed(transport, documents);
      known = served.resources;
      staleGroups = served.staleGroups;
      readAtMs = clock.monotonic();
      return known;
    } finally {
      pending = undefined;
    }
  };
  return {
    resources(refresh, signal) {
      const fresh = clock.monotonic() - readAtMs < refreshIntervalMinMs;
      if (known && (!refresh || fresh)) return Promise.resolve(known);
      pending ??= ask();
      return orAborted(pending, signal).catch((caught: unknown) => {
        throw toFairwayError(caught);
      });
    },
    staleGroups: () => staleGroups,
  };
}

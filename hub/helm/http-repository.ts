import { FairwayError } from '../../shared/error/error.ts';
import type { Json, JsonObject } from '../../shared/manifest/object.ts';
import { defaultLimits } from '../render/limits.ts';
import { parseYaml } from '../render/yaml/parse-yaml.ts';
import { boundedGet, type GetPorts } from './bounded-get.ts';
import type { PinnedChart } from './pinned-chart.ts';

/** The largest public repositories have indices of some tens of megabytes. */
const indexBytesMax = 64 * 1024 * 1024;
const indexTimeoutMs = 60_000;
export const archiveBytesMax = 32 * 1024 * 1024;
export const archiveTimeoutMs = 60_000;

/** A chart's archive by the repository's index (https://helm.sh/docs/topics/chart_repository/#the-index-file); its digest is for the caller to verify. */
export async function fetchFromHttp(chart: PinnedChart, ports: GetPorts): Promise<Uint8Array> {
  const base = chart.repository.endsWith('/') ? chart.repository : `${chart.repository}/`;
  const indexUrl = new URL('index.yaml', base).href;
  const index = await boundedGet(
    { url: indexUrl, bytesMax: indexBytesMax, timeoutMs: indexTimeoutMs },
    ports,
  );
  if (index.status !== 200) throw answered(index.status, indexUrl);
  const url = findUrl(index.body, chart, base);
  const archive = await boundedGet({ url, bytesMax: archiveBytesMax, timeoutMs: archiveTimeoutMs }, ports);
  if (archive.status !== 200) throw answered(archive.status, url);
  return archive.body;
}

/** Without the query, which may hold a signature. */
export function answered(status: number, url: string): FairwayError {
  const { origin, pathname } = new URL(url);
  const code =
    status === 404 ? 'not_found' : status === 401 || status === 403 ? 'permission_denied' : 'unavailable';
  const help =
    code === 'permission_denied' ? ": bind credentials to its prefix in the hub's own configuration" : '';
  return new FairwayError(code, `${origin}${pathname} answers ${status}${help}`);
}

function findUrl(index: Uint8Array, { name, version, repository }: PinnedChart, base: string): string {
  const limits = { ...defaultLimits, yamlNodesMax: 20_000_000 };
  const parsed = parseYaml(index, limits, 'manifest');
  const document = parsed.ok ? parsed.documents[0]?.value : undefined;
  if (typeof document !== 'object' || document === null)
    throw new FairwayError('failed_precondition', `${repository} has no index.yaml that can be read`);
  const entries = (document as JsonObject)['entries'] as JsonObject | null | undefined;
  const versions = entries?.[name];
  if (!Array.isArray(versions))
    throw new FairwayError('not_found', `${repository} has no chart named ${name}`);
  const found = versions.find((entry) => plain((entry as JsonObject | null)?.['version']) === plain(version));
  const urls = (found as JsonObject | undefined)?.['urls'];
  const [first] = Array.isArray(urls) ? urls : [];
  const url = typeof first === 'string' ? URL.parse(first, base) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new FairwayError('not_found', `${repository} has no version ${version} of ${name}`);
  return url.href;
}

const plain = (version: Json | undefined): string => String(version).replace(/^v/, '');

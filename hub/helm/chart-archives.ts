/**
 * Charts of HTTP and OCI repositories, each by the digest that Git states, so that what is rendered hangs on Git alone: once an archive is here its repository is
 * not asked again. They are kept in the data folder by digest, checked again when read, and the longest unused go first when there are too many.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock/clock.ts';
import { FairwayError, toFairwayError } from '../../shared/error/error.ts';
import { orAborted } from '../../shared/loop/or-aborted.ts';
import type { ChartArchives } from '../render/helm/helm-runner.ts';
import type { GetPorts } from './bounded-get.ts';
import { fetchFromHttp } from './http-repository.ts';
import { archiveDigestOf, digestOf, fetchFromOci, verify } from './oci-registry.ts';
import type { PinnedChart } from './pinned-chart.ts';

export interface ChartArchivesOptions extends GetPorts {
  /** Made when first needed. */
  readonly folder: string;
  readonly clock: Clock;
  /** Default 1 GiB. */
  readonly bytesMax?: number | undefined;
}

/** A repository that failed is left alone for so long: thousands of clusters may want the same chart. */
const failureKeptMs = 60_000;

const failuresMax = 1_000;

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export function createChartArchives(options: ChartArchivesOptions): ChartArchives {
  const { folder, clock } = options;
  const bytesMax = options.bytesMax ?? 1024 * 1024 * 1024;
  const running = new Map<string, Promise<Uint8Array>>();
  const failures = new Map<string, { readonly error: FairwayError; readonly untilMs: number }>();

  const load = async (digest: string): Promise<Uint8Array | undefined> => {
    const path = pathOf(folder, digest);
    const bytes = await readFile(path).catch((caught: NodeJS.ErrnoException) => {
      if (caught.code === 'ENOENT') return undefined;
      throw caught;
    });
    if (bytes === undefined) return undefined;
    if (digestOf(bytes) !== digest) {
      // Half written by a machine that lost its power, or meddled with: fetched anew.
      await rm(path, { force: true });
      return undefined;
    }
    const now = new Date(clock.now());
    await utimes(path, now, now).catch(() => undefined);
    return bytes;
  };

  const save = async (digest: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = pathOf(folder, digest);
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, bytes, { mode: 0o600 });
    await rename(temporary, path);
    await sweep(folder, bytesMax, path);
  };

  const fromHttp = async (chart: PinnedChart): Promise<Uint8Array> => {
    const kept = await load(chart.digest);
    if (kept !== undefined) return kept;
    const archive = await fetchFromHttp(chart, options);
    verify(archive, chart.digest, `${chart.name} ${chart.version} of ${chart.repository}`);
    await save(chart.digest, archive);
    return archive;
  };

  const fromOci = async (chart: PinnedChart): Promise<Uint8Array> => {
    const manifest = await load(chart.digest);
    const kept = manifest && (await load(archiveDigestOf(manifest, chart)));
    if (kept !== undefined) return kept;
    const fetched = await fetchFromOci(chart, options);
    await save(digestOf(fetched.archive), fetched.archive);
    await save(chart.digest, fetched.manifest);
    return fetched.archive;
  };

  const openOnce = async (chart: PinnedChart): Promise<Uint8Array> => {
    const key = JSON.stringify(chart);
    const failed = failures.get(key);
    if (failed !== undefined && clock.monotonic() < failed.untilMs) throw failed.error;
    failures.delete(key);
    try {
      return await (chart.repository.startsWith('oci:') ? fromOci(chart) : fromHttp(chart));
    } catch (caught) {
      const error = toFairwayError(caught, chart.name);
      if (failures.size >= failuresMax) failures.clear();
      failures.set(key, { error, untilMs: clock.monotonic() + failureKeptMs });
      throw error;
    }
  };

  return {
    open: async (chart, signal) => {
      if (!digestPattern.test(chart.digest))
        throw new FairwayError('invalid_argument', 'expected a digest of sha256: and 64 hexadecimal digits');
      const key = JSON.stringify(chart);
      let opening = running.get(key);
      if (opening === undefined) {
        opening = openOnce(chart).finally(() => running.delete(key));
        running.set(key, opening);
      }
      // Others may wait for the same, so who gives up leaves it running; it has time limits of its own.
      return orAborted(opening, signal);
    },
  };
}

function pathOf(folder: string, digest: string): string {
  return join(folder, digest.replace(':', '-'));
}

async function sweep(folder: string, bytesMax: number, keep: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return { path, bytes: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 };
    }),
  );
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= bytesMax) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    total -= bytes;
  }
}

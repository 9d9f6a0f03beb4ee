import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../../shared/clock/clock.ts';
import { createChartArchives } from '../../helm/chart-archives.ts';
import { createHelmProcess } from '../../helm/helm-process.ts';
import { oneShot } from '../../render/limits.ts';
import { createRenderer, type KustomizeFlags, type Renderer } from '../../render/renderer.ts';
import type { CliIo } from '../io.ts';

/**
 * The hub's renderer on this machine: charts by the `helm` on the PATH, those of repositories fetched without credentials, by the digest that Git states, and
 * kept in the cache folder. `keepTops: false` where each set is wanted once (oneShot).
 */
export function createLocalRenderer(
  { env, home, fetch }: Pick<CliIo, 'env' | 'home' | 'fetch'>,
  options: { readonly helm?: boolean; readonly kustomize?: KustomizeFlags; readonly keepTops?: boolean } = {},
): Renderer {
  const cache = env['XDG_CACHE_HOME'] || join(home, '.cache');
  return createRenderer({
    // Digests are not shown, so any key will do.
    digestKey: randomBytes(32),
    helm: options.helm === false ? undefined : createHelmProcess({ path: env['PATH'] ?? '' }),
    kustomize: options.kustomize,
    ...(options.keepTops === false && oneShot),
    charts: createChartArchives({
      folder: join(cache, 'fairway', 'charts'),
      fetch: (url, init) => fetch(url, init),
      egress: () => true,
      credentials: { forUrl: async () => undefined },
      clock: systemClock,
    }),
  });
}

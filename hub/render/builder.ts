/**
 * Directories and what they build to. A built directory remembers the Git object ids of all that it looked at, and the built bases it
 * stands on; it stands for any commit in which those are the same.
 */
import type { FileLoader, RenderStats } from './file-loader.ts';
import { Accumulation, findKustomization, kustomizationNames, nothingYet } from './kustomize/accumulate.ts';
import { type Sort, sortOf } from './kustomize/sort-order.ts';
import { defaultConfig, type TransformerConfig } from './kustomize/transformer-config.ts';
import { noVars, type VarSet } from './kustomize/vars.ts';
import type { RenderLimits } from './limits.ts';
import type { Lru } from './lru.ts';
import { renderPlain } from './plain.ts';
import { problemError } from './render-error.ts';
import type { Resource } from './resource.ts';
import type { Probes, TreeView } from './tree-view.ts';

export interface Built {
  readonly folder: string;
  readonly kind: 'plain' | 'kustomize';
  readonly resources: readonly Resource[];
  readonly config: TransformerConfig;
  readonly vars: VarSet;
  readonly sort: Sort | undefined;
  readonly probes: Probes;
  readonly bases: ReadonlyMap<string, Built>;
  /** Folders of all bases and components below. */
  readonly roots: ReadonlySet<string>;
}

export interface BuildServices {
  readonly files: FileLoader;
  readonly limits: RenderLimits;
  readonly stats: RenderStats;
  /** By folder: the latest few results, each with its probes. */
  readonly cache: Lru<readonly Built[]>;
}

const variantsMax = 4;

/** The builds of one commit. */
export class BuildSession {
  readonly view: TreeView;
  readonly services: BuildServices;
  readonly #done = new Map<string, Built>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(view: TreeView, services: BuildServices) {
    this.view = view;
    this.services = services;
  }

  /** One at a time: two builds that wait for one another (bases in a circle) would wait for ever. @throws a Problem. */
  build(folder: string, signal?: AbortSignal): Promise<Built> {
    const next = this.#tail.then(() => this.buildFolder(folder, [], signal));
    this.#tail = next.catch(() => undefined);
    return next;
  }

  /** For a base, from within a build. `way` holds the folders that led here. */
  async buildFolder(folder: string, way: readonly string[], signal?: AbortSignal): Promise<Built> {
    signal?.throwIfAborted();
    const done = this.#done.get(folder);
    if (done !== undefined) return done;
    const { cache } = this.services;
    const variants = cache.get(folder) ?? [];
    let built: Built | undefined;
    for (const variant of variants) {
      if (await this.#stillTrue(variant, way, signal)) built = variant;
      if (built !== undefined) break;
    }
    if (built === undefined) {
      this.services.stats.directoriesBuilt += 1;
      built = await this.#make(folder, way, signal);
      cache.set(folder, [built, ...variants].slice(0, variantsMax));
    }
    this.#done.set(folder, built);
    return built;
  }

  async #stillTrue(variant: Built, way: readonly string[], signal?: AbortSignal): Promise<boolean> {
    for (const [path, oid] of variant.probes) if (!(await this.view.confirms(path, oid))) return false;
    for (const [folder, base] of variant.bases)
      if ((await this.buildFolder(folder, [...way, variant.folder], signal)) !== base) return false;
    return true;
  }

  async #make(folder: string, way: readonly string[], signal?: AbortSignal): Promise<Built> {
    const { files, limits } = this.services;
    const probes: Probes = new Map();
    if (way.length > limits.layersMax)
      throw problemError('resource_exhausted', { file: folder }, `more than ${limits.layersMax} layers`);
    if ((await findKustomization(folder, this.view, probes)) === undefined) {
      const resources = await renderPlain(folder, { view: this.view, files, limits, probes });
      const plain = { config: defaultConfig, vars: noVars, sort: undefined };
      return { folder, kind: 'plain', resources, ...plain, probes, bases: new Map(), roots: new Set() };
    }
    const bases = new Map<string, Built>();
    const roots = new Set<string>();
    const context = { view: this.view, files, limits, probes, bases, roots, signal };
    const accumulation = new Accumulation<Built>(
      { ...context, buildBase: (base, from) => this.#buildBase(base, from, signal) },
      folder,
      way,
    );
    const { resources, config, vars } = await accumulation.run(nothingYet, false);
    const sort = sortOf(accumulation);
    return { folder, kind: 'kustomize', resources, config, vars, sort, probes, bases, roots };
  }

  async #buildBase(folder: string, way: readonly string[], signal?: AbortSignal): Promise<Built> {
    if ((await findKustomization(folder, this.view, new Map())) === undefined)
      throw problemError(
        'not_found',
        { file: folder },
        `the folder has no kustomization file (${kustomizationNames.join(', ')})`,
      );
    return this.buildFolder(folder, way, signal);
  }
}

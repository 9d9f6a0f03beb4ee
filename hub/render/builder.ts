/**
 * Directories and what they build to. A built directory remembers the Git object ids of all that it looked at, and the built bases it
 * stands on; it stands for any commit in which those are the same.
 */
import type { FileLoader, RenderStats } from './file-loader.ts';
import type { ChartInflator } from './helm/inflate.ts';
import {
  Accumulation,
  type BuildMode,
  findKustomization,
  kustomizationNames,
  nothingYet,
} from './kustomize/accumulate.ts';
import { NeedsNamespace } from './kustomize/inflation.ts';
import { needsTrace } from './kustomize/origins.ts';
import { buildKey, noChoice, type SchemaChoice } from './kustomize/schema-choice.ts';
import { type Sort, sortOf } from './kustomize/sort-order.ts';
import { defaultConfig, type TransformerConfig } from './kustomize/transformer-config.ts';
import { noVars, type VarSet } from './kustomize/vars.ts';
import type { RenderLimits } from './limits.ts';
import { Lru } from './lru.ts';
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
  readonly buildMetadata: readonly string[];
  /** The mode it was built in, and the schema in force after it. */
  readonly mode: BuildMode;
  readonly schema: SchemaChoice;
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
  /** Undefined: `helmCharts` are refused. */
  readonly charts: ChartInflator | undefined;
}

const variantsMax = 4;

const weights = new WeakMap<Built, number>();

/** Objects that are this directory's own: what it shares with its bases takes no memory of its own. At least 1. */
export function weightOf(built: Built): number {
  const known = weights.get(built);
  if (known !== undefined) return known;
  const shared = new Set(
    [...built.bases.values()].flatMap((base) => base.resources.map(({ object }) => object)),
  );
  const weight = 1 + built.resources.filter(({ object }) => !shared.has(object)).length;
  weights.set(built, weight);
  return weight;
}

/** The builds of one commit. */
export class BuildSession {
  readonly view: TreeView;
  readonly services: BuildServices;
  readonly #done: Lru<Built>;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(view: TreeView, services: BuildServices) {
    this.view = view;
    this.services = services;
    this.#done = new Lru(services.limits.builtObjectsMax);
  }

  /** One at a time: two builds that wait for one another (bases in a circle) would wait for ever. @throws a Problem. */
  build(folder: string, signal?: AbortSignal): Promise<Built> {
    const next = this.#tail.then(() => this.#buildTop(folder, signal));
    this.#tail = next.catch(() => undefined);
    return next;
  }

  async #buildTop(folder: string, signal?: AbortSignal): Promise<Built> {
    const mode: BuildMode = { schema: noChoice, traceFrom: undefined };
    try {
      return await this.#buildTraced(folder, mode, signal);
    } catch (caught) {
      if (!(caught instanceof NeedsNamespace)) throw caught;
      // Only then is a base another for each namespace.
      return this.#buildTraced(folder, { ...mode, helmNamespace: '' }, signal);
    }
  }

  async #buildTraced(folder: string, mode: BuildMode, signal?: AbortSignal): Promise<Built> {
    const built = await this.buildFolder(folder, [], mode, signal);
    if (!needsTrace(built.buildMetadata)) return built;
    return this.buildFolder(folder, [], { ...mode, traceFrom: folder }, signal);
  }

  /** For a base, from within a build. `way` holds the folders that led here. */
  async buildFolder(
    folder: string,
    way: readonly string[],
    mode: BuildMode,
    signal?: AbortSignal,
  ): Promise<Built> {
    signal?.throwIfAborted();
    const key = buildKey(folder, mode);
    const done = this.#done.get(key);
    if (done !== undefined) return done;
    const { cache } = this.services;
    const variants = cache.get(key) ?? [];
    let built: Built | undefined;
    for (const variant of variants) {
      if (await this.#stillTrue(variant, way, signal)) built = variant;
      if (built !== undefined) break;
    }
    if (built === undefined) {
      this.services.stats.directoriesBuilt += 1;
      built = await this.#make(folder, way, mode, signal);
      const kept = [built, ...variants].slice(0, variantsMax);
      cache.set(
        key,
        kept,
        kept.reduce((sum, variant) => sum + weightOf(variant), 0),
      );
    }
    this.#done.set(key, built, weightOf(built));
    return built;
  }

  async #stillTrue(variant: Built, way: readonly string[], signal?: AbortSignal): Promise<boolean> {
    for (const [path, oid] of variant.probes) if (!(await this.view.confirms(path, oid))) return false;
    for (const base of variant.bases.values())
      if ((await this.buildFolder(base.folder, [...way, variant.folder], base.mode, signal)) !== base)
        return false;
    return true;
  }

  async #make(folder: string, way: readonly string[], mode: BuildMode, signal?: AbortSignal): Promise<Built> {
    const { files, limits, charts } = this.services;
    const probes: Probes = new Map();
    if (way.length > limits.layersMax)
      throw problemError('resource_exhausted', { file: folder }, `more than ${limits.layersMax} layers`);
    if ((await findKustomization(folder, this.view, probes)) === undefined) {
      const resources = await renderPlain(folder, { view: this.view, files, limits, probes });
      const plain = { config: defaultConfig, vars: noVars, sort: undefined, buildMetadata: [] };
      return {
        folder,
        kind: 'plain',
        resources,
        ...plain,
        mode,
        schema: mode.schema,
        probes,
        bases: new Map(),
        roots: new Set(),
      };
    }
    const bases = new Map<string, Built>();
    const roots = new Set<string>();
    const context = {
      ...{ view: this.view, files, limits, charts, probes, bases, roots, signal, ...mode },
      buildBase: (base: string, from: readonly string[], inner: BuildMode) =>
        this.#buildBase(base, from, inner, signal),
    };
    const accumulation = new Accumulation<Built>(context, folder, way);
    const { resources, config, vars } = await accumulation.run(nothingYet, false);
    const sort = sortOf(accumulation);
    const { buildMetadata = [] } = accumulation.kustomization;
    const state = { resources, config, vars, sort, buildMetadata, mode, schema: context.schema };
    return { folder, kind: 'kustomize', ...state, probes, bases, roots };
  }

  async #buildBase(
    folder: string,
    way: readonly string[],
    mode: BuildMode,
    signal?: AbortSignal,
  ): Promise<Built> {
    if ((await findKustomization(folder, this.view, new Map())) === undefined)
      throw problemError(
        'not_found',
        { file: folder },
        `the folder has no kustomization file (${kustomizationNames.join(', ')})`,
      );
    return this.buildFolder(folder, way, mode, signal);
  }
}

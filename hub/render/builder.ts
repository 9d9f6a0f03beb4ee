/**
 * Directories and what they build to. A built directory remembers the Git object ids of all that it looked at, and the built bases it
 * stands on; it stands for any commit in which those are the same.
 */
import type { KubeObject } from '../../shared/manifest/object.ts';
import type { FileLoader } from './file-loader.ts';
import { askFor, type Footprint, footprintOf, matches } from './graph/footprint.ts';
import type { ChartInflator } from './helm/inflate.ts';
import { Accumulation } from './kustomize/accumulate.ts';
import { type BuildMode, nothingYet } from './kustomize/accumulate-context.ts';
import { findKustomization, kustomizationNames } from './kustomize/find-kustomization.ts';
import { NeedsNamespace } from './kustomize/inflation.ts';
import type { LoadRestrictor } from './kustomize/loader.ts';
import { needsTrace } from './kustomize/origins.ts';
import { buildKey, noChoice, type SchemaChoice } from './kustomize/schema-choice.ts';
import { sharesAnnotations } from './kustomize/shared-entries.ts';
import { type Sort, sortOf } from './kustomize/sort-order.ts';
import { defaultConfig, type TransformerConfig } from './kustomize/transformer-config.ts';
import { noVars, type VarSet } from './kustomize/vars.ts';
import type { RenderLimits } from './limits.ts';
import { Lru } from './lru.ts';
import { renderPlain } from './plain.ts';
import { problemError } from './render-error.ts';
import type { RenderWork } from './render-work.ts';
import type { Resource } from './resource.ts';
import type { TraceLog } from './trace/lineage.ts';
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
  readonly footprint: Footprint;
  readonly verdict: Verdict;
  /** A chart went into it, or into one of its bases: it depends on helm's version as well. */
  readonly inflated: boolean;
  /** That version, where one of its own charts went into it; else empty. */
  readonly helm: string;
  readonly bases: ReadonlyMap<string, Built>;
  /** Folders of all bases and components below. */
  readonly roots: ReadonlySet<string>;
}

/** Whether it holds, as the session that asked last has found. Not a map of the session's: a weak one is slow to grow, another would keep all alive. */
interface Verdict {
  session: number;
  holds: boolean;
}

export interface BuildServices {
  readonly files: FileLoader;
  readonly limits: RenderLimits;
  /** Where what is built is counted. */
  readonly works: readonly RenderWork[];
  readonly cache: BuildCache;
  /** Undefined: `helmCharts` are refused. */
  readonly charts: ChartInflator | undefined;
  /** Version of helm, empty where there is none; asked once a session. */
  readonly helmVersion: () => Promise<string>;
  readonly loadRestrictor?: LoadRestrictor | undefined;
  /** Each object's lineage is remembered; nothing but what is built so may be in `cache`. */
  readonly traced?: TraceLog | undefined;
}

/** What is remembered from commit to commit. */
export interface BuildCache {
  /** By folder and mode: the latest few results. */
  readonly built: Lru<readonly Built[]>;
  /** The same of what was built for itself, not as a base; the same cache where those are kept as long. */
  readonly topBuilt: Lru<readonly Built[]>;
  /** By folder: the mode in which it was last built for itself, as a key of `built`. */
  readonly tops: Lru<string>;
  /** Of the last session; each has a number of its own. */
  sessions: number;
}

const variantsMax = 4;
const topsMax = 100_000;

/** @param topObjectsMax as `builtObjectsMax`, of what is built for itself; undefined: one bound for all. */
export function createBuildCache({ builtObjectsMax }: RenderLimits, topObjectsMax?: number): BuildCache {
  const built = new Lru<readonly Built[]>(builtObjectsMax);
  const topBuilt = topObjectsMax === undefined ? built : new Lru<readonly Built[]>(topObjectsMax);
  return { built, topBuilt, tops: new Lru(topsMax), sessions: 0 };
}

const weights = new WeakMap<Built, number>();

const objects = new WeakMap<readonly Resource[], ReadonlySet<KubeObject>>();

/** Made once for all that stand on the same base. */
function objectsOf(resources: readonly Resource[]): ReadonlySet<KubeObject> {
  let known = objects.get(resources);
  if (known === undefined) {
    known = new Set(resources.map(({ object }) => object));
    objects.set(resources, known);
  }
  return known;
}

/** Objects that are this directory's own: what it shares with its bases takes no memory of its own. At least 1. */
function weightOf(built: Built): number {
  const known = weights.get(built);
  if (known !== undefined) return known;
  const shared = [...built.bases.values()].map(({ resources }) => objectsOf(resources));
  let weight = 1;
  for (const { object } of built.resources) if (!shared.some((objects) => objects.has(object))) weight += 1;
  weights.set(built, weight);
  return weight;
}

function counted(charts: ChartInflator, inflations: { count: number }): ChartInflator {
  return {
    inflate: (request) => {
      inflations.count += 1;
      return charts.inflate(request);
    },
    layers: charts.layers,
  };
}

/** The builds of one commit. It keeps nothing alive that the cache has let go. */
export class BuildSession {
  readonly view: TreeView;
  readonly services: BuildServices;
  readonly #id: number;
  #tail: Promise<unknown> = Promise.resolve();
  /** Undefined until a chart is concerned. */
  #helm: string | undefined;

  constructor(view: TreeView, services: BuildServices) {
    this.view = view;
    this.services = services;
    services.cache.sessions += 1;
    this.#id = services.cache.sessions;
  }

  /** What is known to hold without asking anybody. */
  recall(folder: string): Built | undefined {
    const key = this.services.cache.tops.get(folder);
    if (key === undefined) return undefined;
    return this.#variants(key)?.find((variant) => this.#holdsNow(variant) === true);
  }

  /** One at a time: two builds that wait for one another (bases in a circle) would wait for ever. @throws a Problem. */
  build(folder: string, signal?: AbortSignal): Promise<Built> {
    const next = this.#tail.then(() => this.#buildTop(folder, signal));
    this.#tail = next.catch(() => undefined);
    return next;
  }

  async #buildTop(folder: string, signal?: AbortSignal): Promise<Built> {
    const mode: BuildMode = { schema: noChoice, traceFrom: undefined };
    const built = await this.#buildInMode(folder, mode, signal);
    this.services.cache.tops.set(folder, buildKey(folder, built.mode));
    // Thousands of overlays have no file in common; the bases that they have are not within them.
    if (built.bases.size > 0)
      this.view.forgetWithin(
        folder,
        built.footprint.inside.map(([path]) => path),
      );
    return built;
  }

  async #buildInMode(folder: string, mode: BuildMode, signal?: AbortSignal): Promise<Built> {
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
    if (needsTrace(built.buildMetadata))
      return this.buildFolder(folder, [], { ...mode, traceFrom: folder }, signal);
    // kustomize notes origins also where only a label is asked for, and writes annotations anew for it; nothing is told of them then, so the same bases serve all.
    if (built.buildMetadata.length > 0 && built.resources.some(sharesAnnotations))
      return this.buildFolder(folder, [], { ...mode, traceFrom: '' }, signal);
    return built;
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
    const variants = this.#variants(key) ?? [];
    for (const variant of variants)
      if (this.#holdsNow(variant) ?? (await this.#holds(variant, signal))) return variant;
    for (const work of this.services.works) work.directoriesBuilt += 1;
    const built = await this.#make(folder, way, mode, signal);
    const kept = [built, ...variants].slice(0, variantsMax);
    const { cache } = this.services;
    (way.length === 0 ? cache.topBuilt : cache.built).set(
      key,
      kept,
      kept.reduce((sum, variant) => sum + weightOf(variant), 0),
    );
    return built;
  }

  #variants(key: string): readonly Built[] | undefined {
    const { built, topBuilt } = this.services.cache;
    return built.get(key) ?? topBuilt.get(key);
  }

  /** Undefined where only the reader can tell. */
  #holdsNow(built: Built): boolean | undefined {
    const { verdict: found } = built;
    if (found.session === this.#id) return found.holds;
    let verdict = this.#matches(built);
    if (verdict !== false)
      for (const base of built.bases.values()) {
        const ofBase = this.#holdsNow(base);
        if (ofBase === true) continue;
        verdict = ofBase;
        if (ofBase === false) break;
      }
    if (verdict === undefined) return undefined;
    found.session = this.#id;
    found.holds = verdict;
    return verdict;
  }

  #matches({ footprint, helm }: Built): boolean | undefined {
    const same = matches(footprint, this.view);
    if (helm === '' || same === false) return same;
    return this.#helm === undefined ? undefined : same && helm === this.#helm;
  }

  async #helmVersion(): Promise<string> {
    this.#helm ??= await this.services.helmVersion();
    return this.#helm;
  }

  async #holds(built: Built, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (built.helm !== '') await this.#helmVersion();
    await askFor(built.footprint, this.view);
    for (const base of built.bases.values()) {
      if (this.#holdsNow(built) === false) return false;
      if (this.#holdsNow(base) === undefined) await this.#holds(base, signal);
    }
    return this.#holdsNow(built) === true;
  }

  /** Of what was built for this very commit. */
  #true(): Verdict {
    return { session: this.#id, holds: true };
  }

  async #make(folder: string, way: readonly string[], mode: BuildMode, signal?: AbortSignal): Promise<Built> {
    const { files, limits, charts, traced } = this.services;
    const probes: Probes = new Map();
    if (way.length > limits.layersMax)
      throw problemError('resource_exhausted', { file: folder }, `more than ${limits.layersMax} layers`);
    if ((await findKustomization(folder, this.view, probes)) === undefined) {
      const resources = await renderPlain(folder, { view: this.view, files, limits, probes, traced });
      const plain = { config: defaultConfig, vars: noVars, sort: undefined, buildMetadata: [] };
      return {
        folder,
        kind: 'plain',
        resources,
        ...plain,
        mode,
        schema: mode.schema,
        footprint: footprintOf(folder, probes, this.view),
        verdict: this.#true(),
        inflated: false,
        helm: '',
        bases: new Map(),
        roots: new Set(),
      };
    }
    const bases = new Map<string, Built>();
    const roots = new Set<string>();
    const inflations = { count: 0 };
    const context = {
      ...{
        view: this.view,
        files,
        limits,
        charts: charts && counted(charts, inflations),
        probes,
        bases,
        roots,
        traced,
        loadRestrictor: this.services.loadRestrictor,
        signal,
        ...mode,
      },
      buildBase: (base: string, from: readonly string[], inner: BuildMode) =>
        this.#buildBase(base, from, inner, signal),
    };
    const accumulation = new Accumulation<Built>(context, folder, way);
    const { resources, config, vars } = await accumulation.run(nothingYet, false);
    const sort = sortOf(accumulation);
    const { buildMetadata = [] } = accumulation.kustomization;
    const state = { resources, config, vars, sort, buildMetadata, mode, schema: context.schema };
    const footprint = footprintOf(folder, probes, this.view);
    const helm = inflations.count > 0 ? await this.#helmVersion() : '';
    const inflated = inflations.count > 0 || [...bases.values()].some((base) => base.inflated);
    const verdict = this.#true();
    return { folder, kind: 'kustomize', ...state, footprint, verdict, inflated, helm, bases, roots };
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

/** One Kustomization or Component, in the order that kustomize does things (api/internal/target/kusttarget.go). */
import { objectsOf } from '../objects-of.ts';
import { describeWay, entryOf, findCircle, rootsBehind } from '../remote/circles.ts';
import { type Place, problemError, problemOf, withWay } from '../render-error.ts';
import { createResource, type Resource, withStems } from '../resource.ts';
import { guardSealed, refuseGenerated } from '../sops.ts';
import { refuseSopsFile } from '../sops-file.ts';
import type { EntryTrace } from '../trace/entry-trace.ts';
import { type GeneratorTrace, LayerTrace } from '../trace/layer-trace.ts';
import type { Found } from '../tree-view.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import type { AccumulateContext, Accumulated, Base, BuildMode } from './accumulate-context.ts';
import { findKustomization, kustomizationNames } from './find-kustomization.ts';
import { type Generated, generate, mergeGenerated } from './generators.ts';
import { everWas } from './ids.ts';
import { inflateCharts } from './inflation.ts';
import { type Kustomization, type Locate, readKustomization } from './kustomization.ts';
import { createLayerObjects, type LayerObjects } from './layer-objects.ts';
import { loadConfig } from './load-config.ts';
import { type Fetched, KustomizeLoader } from './loader.ts';
import { createLocate } from './locate.ts';
import { originOfFile, originOfPlugin, transformersOf, withOrigin, withTransformations } from './origins.ts';
import { runGenerators, runTransformers, runValidators } from './plugins.ts';
import { buildKey, chooseSchema, scoped } from './schema-choice.ts';
import { guarded } from './steps.ts';
import { transform } from './transform.ts';
import { beginConfig, defaultConfig, mergeConfigs, type TransformerConfig } from './transformer-config.ts';
import { addVars, mergeVars, noVars, type VarSet } from './vars.ts';

export class Accumulation<B extends Base> {
  readonly context: AccumulateContext<B>;
  readonly folder: string;
  readonly way: readonly string[];
  readonly loader: KustomizeLoader;
  readonly helmNamespace: string | undefined;
  kustomization: Kustomization = {};
  /** Path of the kustomization file. */
  file = '';
  locate: Locate = () => ({ file: '', line: 0 });
  /** Only in builds that are traced. */
  trace: LayerTrace | undefined;
  /** The folders from that of the Kustomization to this one: several within Components. */
  root: readonly string[];
  #objects: LayerObjects;
  #config: TransformerConfig | undefined;
  #vars: VarSet = noVars;

  /** @param helmNamespace that of a Component's parent. */
  constructor(
    context: AccumulateContext<B>,
    folder: string,
    way: readonly string[],
    helmNamespace = context.helmNamespace,
  ) {
    this.context = context;
    // The build begins with what no overlay leads to.
    this.helmNamespace = way.length === 0 ? '' : helmNamespace;
    this.folder = folder;
    this.way = [...way, folder];
    this.root = [folder];
    this.#objects = createLayerObjects(context, []);
    this.loader = new KustomizeLoader(context.view, context.probes, context.loadRestrictor);
  }

  /** `start`: what a Component's parent has so far; nothing for a Kustomization. @throws a Problem. */
  async run(start: Accumulated, isComponent: boolean): Promise<Accumulated & { config: TransformerConfig }> {
    try {
      return await this.#run(start, isComponent);
    } catch (caught) {
      throw withWay(caught, this.way);
    }
  }

  async #run(start: Accumulated, isComponent: boolean): Promise<Accumulated & { config: TransformerConfig }> {
    this.context.signal?.throwIfAborted();
    await this.#load(start);
    this.#checkKind(isComponent);
    this.#objects = createLayerObjects(this.context, start.resources);
    this.#objects.rescope();
    this.#config = start.config;
    this.#vars = start.vars;
    const { resources = [], bases = [], components = [] } = this.kustomization;
    for (const [index, path] of resources.entries())
      await this.#addPath(path, this.#at('resources', index), this.trace?.entry('resources', index));
    for (const [index, path] of bases.entries())
      await this.#addPath(path, this.#at('bases', index), this.trace?.entry('bases', index));
    this.#addConfig(await loadConfig(this), this.#at('configurations'));
    await this.#addGenerated();
    for (const [index, path] of components.entries())
      await this.#addComponent(path, this.#at('components', index));
    const config = this.#config ?? defaultConfig;
    const transformed = await runValidators(await this.#transform(config), this);
    const { vars = [] } = this.kustomization;
    const added = addVars(transformed, this.#vars, vars, (index) => this.#at('vars', index));
    return { ...added, config };
  }

  async #transform(config: TransformerConfig): Promise<readonly Resource[]> {
    const { traceFrom } = this.context;
    const own = await transform(this.#objects.list, this, config);
    const keepSealed = guardSealed(own);
    if (traceFrom === undefined)
      return runTransformers(own, this, ({ place }, list) => keepSealed(list, place));
    const origins = transformersOf(this.kustomization).map((kind) =>
      originOfPlugin(traceFrom, this.file, kind),
    );
    const changed = await runTransformers(own, this, ({ kind, object, place }, list) => {
      keepSealed(list, place);
      origins.push(originOfPlugin(traceFrom, place.file, kind, object));
    });
    return withTransformations(changed, origins);
  }

  #addConfig(config: TransformerConfig, place: Place): void {
    this.#config = guarded(place, () =>
      this.#config === undefined ? beginConfig(config) : mergeConfigs(this.#config, config),
    );
  }

  #at(...path: readonly (string | number)[]): Place {
    return this.locate(path);
  }

  async #load(start: Accumulated): Promise<void> {
    const { view, probes, files, limits } = this.context;
    const found = await findKustomization(this.folder, view, probes);
    if (found === undefined)
      throw problemError(
        'not_found',
        { file: this.folder },
        `the folder has no kustomization file (${kustomizationNames.join(', ')})`,
      );
    const entry = { name: '', type: 'file' as const, oid: found.oid };
    const bytes = await files.bytes(view, found.path, entry, found.shownAs);
    const result = files.parseBytes(`kustomization ${found.oid}`, bytes, () =>
      parseYaml(bytes, limits, 'kustomization'),
    );
    const file = found.shownAs;
    if (!result.ok)
      throw problemError(result.failure.code, { file, line: result.failure.line }, result.failure.message);
    this.locate = createLocate(file, bytes);
    // kustomize reads the first document and no further.
    const [first] = result.documents;
    this.kustomization = readKustomization(first?.value ?? null, this.locate);
    this.file = file;
    const { traced } = this.context;
    if (traced !== undefined) this.trace = new LayerTrace(this, found.path, traced);
    this.context.schema = await chooseSchema(this, start.resources);
  }

  #checkKind(isComponent: boolean): void {
    const { kind } = this.kustomization;
    if (isComponent && kind !== 'Component')
      throw problemError(
        'invalid_manifest',
        this.#at('kind'),
        'expected kind: Component, since it is used under components',
      );
    if (!isComponent && kind === 'Component' && this.way.length > 1)
      throw problemError(
        'invalid_manifest',
        this.#at('kind'),
        'a Component is used under components, not resources',
      );
  }

  async #addPath(path: string, place: Place, trace: EntryTrace | undefined): Promise<void> {
    const found = await this.loader.fileOrFolder(this.folder, path, place, this.context.signal);
    if (found.entry.type === 'directory') return this.#addBase(found, place);
    const { files, view } = this.context;
    const documents = await files.parse(view, found.path, found.entry, found.path);
    for (const { object, place: where } of objectsOf(documents, found.path)) {
      const resource = this.#traced(createResource(object, where), found.path);
      this.#objects.append(trace?.read(resource, { path: found.path }, documents) ?? resource);
    }
  }

  #traced(resource: Resource, file: string): Resource {
    const { traceFrom } = this.context;
    return traceFrom === undefined ? resource : withOrigin(resource, originOfFile(traceFrom, file));
  }

  async #addBase(found: Found | Fetched, place: Place): Promise<void> {
    const folder = found.path;
    this.#checkCircle(rootsOf(found, []), place);
    const { schema, traceFrom } = this.context;
    const mode = { schema, traceFrom, ...this.#helmMode() };
    const base = await this.#buildBase(found, mode, place);
    const roots = rootsOf(found, base.roots);
    this.#checkCircle(roots, place);
    this.context.bases.set(buildKey(folder, mode), base);
    this.context.schema = base.schema;
    for (const root of roots) this.context.roots.add(root);
    this.#objects.rescope();
    const stems = withStems(base.resources);
    this.#objects.appendBase(scoped(this.trace?.enter(stems) ?? stems, this.context.schema));
    this.#addConfig(base.config, place);
    this.#vars = mergeVars(this.#vars, base.vars);
  }

  /** Nothing where namespaces of charts do not count: a base is then the same below any overlay. */
  #helmMode(): Pick<BuildMode, 'helmNamespace'> {
    if (this.context.helmNamespace === undefined) return {};
    return { helmNamespace: this.kustomization.namespace || this.helmNamespace };
  }

  /** What is wrong with the folder as such is told where it is named. */
  async #buildBase(found: Found | Fetched, mode: BuildMode, place: Place): Promise<B> {
    try {
      return await this.context.buildBase(found.path, this.#wayTo(found), mode);
    } catch (caught) {
      const problem = problemOf(caught);
      if (problem?.file !== found.path || problem.line > 0) throw caught;
      const name = 'raw' in found ? found.raw : found.path;
      throw problemError(problem.code, place, `${JSON.stringify(name)}: ${problem.message}`);
    }
  }

  #checkCircle(roots: readonly string[], place: Place): void {
    const root = findCircle(this.way, roots);
    if (root !== undefined)
      throw problemError(
        'invalid_manifest',
        place,
        `bases go in a circle: ${describeWay(this.way)} -> ${root}`,
      );
  }

  /** What leads to a base: an address counts beside the folder that it names. */
  #wayTo(found: Found | Fetched): readonly string[] {
    return 'raw' in found ? [...this.way, entryOf(found.raw)] : this.way;
  }

  async #addComponent(path: string, place: Place): Promise<void> {
    const found = await this.loader.fileOrFolder(this.folder, path, place, this.context.signal);
    if (found.entry.type !== 'directory')
      throw problemError(
        'invalid_manifest',
        place,
        `${JSON.stringify(path)} is a file; a component is a folder`,
      );
    const roots = rootsOf(found, []);
    this.#checkCircle(roots, place);
    for (const root of roots) this.context.roots.add(root);
    if (this.way.length > this.context.limits.layersMax)
      throw problemError('resource_exhausted', place, `more than ${this.context.limits.layersMax} layers`);
    const namespace = this.kustomization.namespace || this.helmNamespace;
    const component = new Accumulation(this.context, found.path, this.#wayTo(found), namespace);
    component.root = [...this.root, found.path];
    const start = { resources: this.#objects.list, config: this.#config, vars: this.#vars };
    const result = await component.run(start, true);
    this.#objects = createLayerObjects(this.context, result.resources);
    this.#config = result.config;
    this.#vars = result.vars;
  }

  async #addGenerated(): Promise<void> {
    const { generatorOptions, configMapGenerator = [], secretGenerator = [] } = this.kustomization;
    const lists = [
      ['ConfigMap', 'configMapGenerator', configMapGenerator],
      ['Secret', 'secretGenerator', secretGenerator],
    ] as const;
    for (const [kind, field, list] of lists)
      for (const [index, args] of list.entries()) {
        const place = this.#at(field, index);
        const read = (path: string) => this.readSource(path, place);
        const made = await generate(kind, args, generatorOptions, place, read);
        this.#absorb(made, this.trace?.generator(args, field, index), `${kind}Generator`);
      }
    for (const resource of await inflateCharts(this, (field, index) =>
      this.locate([field, index], `${field}[${index}]`),
    ))
      this.#objects.append(this.#tracedPlugin(resource, 'HelmChartInflationGenerator'));
    await runGenerators(this, (generated, plugin) =>
      this.#absorb(generated, this.trace?.generatorPlugin(plugin), plugin.kind, plugin),
    );
  }

  #tracedPlugin(resource: Resource, plugin: string): Resource {
    const { traceFrom } = this.context;
    return traceFrom === undefined
      ? resource
      : withOrigin(resource, originOfPlugin(traceFrom, this.file, plugin));
  }

  /** A file that a generator names. @throws a Problem. */
  async readSource(path: string, place: Place): Promise<Uint8Array> {
    const found = await this.loader.file(this.folder, path, place);
    this.trace?.noteFile(path, found.path);
    const bytes = await this.context.files.bytes(this.context.view, found.path, found.entry, found.path);
    refuseSopsFile(bytes, path, place);
    return bytes;
  }

  /** Objects beside the layer's own: those at hand, then those of files and folders. @throws a Problem. */
  async collect(
    inline: readonly Resource[],
    paths: readonly { readonly path: string; readonly place: Place }[],
  ): Promise<readonly Resource[]> {
    const own = [this.#objects, this.#config, this.#vars] as const;
    this.#objects = createLayerObjects(this.context, []);
    try {
      for (const resource of inline) this.#objects.append(resource);
      for (const { path, place } of paths) await this.#addPath(path, place, this.trace?.entry('plugin'));
      return this.#objects.list;
    } finally {
      [this.#objects, this.#config, this.#vars] = own;
    }
  }

  #absorb(
    { resource: generated, behavior }: Generated,
    trace: GeneratorTrace | undefined,
    plugin: string,
    described?: Pick<Resource, 'object' | 'place'>,
  ): void {
    const { traceFrom } = this.context;
    const file = described?.place.file ?? this.file;
    const resource =
      traceFrom === undefined
        ? generated
        : withOrigin(generated, originOfPlugin(traceFrom, file, plugin, described?.object));
    const matches = this.#objects.list.filter((one) => everWas(one, resource.object));
    const [old] = matches;
    const what = `${resource.object.kind} ${resource.object.metadata.name}`;
    if (matches.length > 1)
      throw problemError('conflict', resource.place, `${what} could be any of ${matches.length} objects`);
    if (old === undefined) {
      if (behavior !== 'create')
        throw problemError(
          'not_found',
          resource.place,
          `behavior is ${behavior}, but there is no ${what} to change`,
        );
      this.#objects.append(trace?.made(resource) ?? resource);
      return;
    }
    if (behavior === 'create')
      throw problemError(
        'conflict',
        resource.place,
        `${what} is there already, from ${old.place.file}:${old.place.line}; behavior must be merge or replace`,
      );
    refuseGenerated(old, resource.place);
    const changed = mergeGenerated(old, resource, behavior);
    const merged = trace?.merged(changed) ?? changed;
    this.#objects.replace(old, merged);
  }
}

/** A base's folder and all below it, as whoever uses it sees them. */
function rootsOf(found: Found | Fetched, below: Iterable<string>): readonly string[] {
  return 'raw' in found ? rootsBehind(found.raw, found.path, below) : [found.path, ...below];
}

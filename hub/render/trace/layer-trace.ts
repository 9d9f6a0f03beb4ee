/** What one folder of a kustomization tells of its own work: each method is called after the work, with the list that came out of it. */
import type { Json, KubeObject } from '../../../shared/manifest/object.ts';
import type { TraceKind } from '../../model/trace.ts';
import type { GeneratorArgs, Kustomization } from '../kustomize/kustomization.ts';
import type { Resource } from '../resource.ts';
import type { YamlDocument } from '../yaml/parse-yaml.ts';
import { EntryTrace } from './entry-trace.ts';
import { type GeneratedValues, generatedAt } from './generated-values.ts';
import {
  enterFolders,
  eventsOf,
  type FindOrigin,
  type Lineage,
  type Spot,
  spotBelow,
  type TraceLog,
  type WrittenPath,
} from './lineage.ts';
import { imageAt, pairsAt, scalarAt } from './written-values.ts';

type Resources = readonly Resource[];

/** Fields of a kustomization that put in what they hold. */
export type PlainField =
  | 'namespace'
  | 'namePrefix'
  | 'nameSuffix'
  | 'labels'
  | 'commonLabels'
  | 'commonAnnotations'
  | 'replicas'
  | 'images';

const kinds: Readonly<Record<string, TraceKind>> = {
  resources: 'resource',
  bases: 'resource',
  configMapGenerator: 'generator',
  secretGenerator: 'generator',
  generators: 'generator',
  helmCharts: 'chart',
  helmChartInflationGenerator: 'chart',
  patches: 'patch',
  patchesStrategicMerge: 'patch',
  patchesJson6902: 'patch',
  replacements: 'replacement',
};

const chartKind = 'HelmChartInflationGenerator';
/** Of those that are no other's by their field or name. */
const kindsOfPlugins: Readonly<Record<string, TraceKind>> = { HashTransformer: 'hash', [chartKind]: 'chart' };

/** A transformer or generator that is an object of its own. */
export interface TracedPlugin {
  readonly kind: string;
  readonly config: Readonly<Record<string, Json>>;
  readonly object: KubeObject;
  readonly lineage?: Lineage | undefined;
}

/** What a generator tells. */
export interface GeneratorTrace {
  made(resource: Resource): Resource;
  /** Into an object that was there. */
  merged(resource: Resource): Resource;
}

export class LayerTrace {
  readonly folder: string;
  /** The folders from the one that is built, or is a base, to this one: several within components. */
  readonly root: readonly string[];
  readonly log: TraceLog;
  readonly #spot: Spot;
  readonly #kustomization: Kustomization;
  readonly #files = new Map<string, string>();

  /** @param file the kustomization file, as it was found. */
  constructor(
    {
      folder,
      root,
      kustomization,
    }: Pick<LayerTrace, 'folder' | 'root'> & { readonly kustomization: Kustomization },
    file: string,
    log: TraceLog,
  ) {
    this.folder = folder;
    this.root = root;
    this.log = log;
    this.#spot = { text: { path: file }, document: 0, path: [] };
    this.#kustomization = kustomization;
  }

  /** One entry of a field, or the field. */
  entry(field: string, index?: number): EntryTrace {
    const path = index === undefined ? [field] : this.#pathOf(field, index);
    const action = path.length === 1 ? String(path[0]) : `${path[0]}[${path[1]}]`;
    return new EntryTrace(this, {
      kind: kinds[field] ?? 'transformer',
      action,
      spot: spotBelow(this.#spot, ...path),
    });
  }

  /** `images` are followed by those of the older `imageTags`. */
  #pathOf(field: string, index: number): WrittenPath {
    const images = this.#kustomization.images?.length ?? 0;
    return field === 'images' && index >= images ? ['imageTags', index - images] : [field, index];
  }

  changed(list: Resources, field: PlainField, index?: number): Resources {
    const entry = this.entry(field, index);
    return entry.changed(list, this.#findFor(field, index, entry.spot));
  }

  #findFor(field: PlainField, index: number | undefined, spot: Spot): FindOrigin {
    const { images = [], imageTags = [] } = this.#kustomization;
    switch (field) {
      case 'labels':
        return pairsAt(spotBelow(spot, 'pairs'));
      case 'commonLabels':
      case 'commonAnnotations':
        return pairsAt(spot);
      case 'replicas':
        return scalarAt(spotBelow(spot, 'count'));
      case 'images':
        return imageAt(spot, [...images, ...imageTags][index ?? 0] ?? {});
      case 'namespace':
        return scalarAt(spot);
      default:
        return scalarAt(spot, 'part');
    }
  }

  /** A plugin's entry, named for the index under which it is written in the kustomization or else for its own name. */
  plugin(field: string, { kind, object, lineage }: TracedPlugin): EntryTrace {
    const at = lineage && eventsOf(lineage)[0]?.at;
    const spot = at !== undefined && 'text' in at ? at : spotBelow(this.#spot, field);
    const within = 'within' in spot.text ? spot.text.within.path : [];
    const named = within[0] === field && typeof within[1] === 'number' ? `${field}[${within[1]}]` : field;
    const name = named === field ? ` ${object.metadata.name}` : '';
    const traceKind = kindsOfPlugins[kind] ?? kinds[field] ?? kindOfPlugin(kind);
    return new EntryTrace(this, { kind: traceKind, action: `${named} ${kind}${name}`, spot, own: lineage });
  }

  /** Where a file that a generator names was found. */
  noteFile(path: string, found: string): void {
    this.#files.set(path, found);
  }

  /** An entry of `configMapGenerator` or `secretGenerator`. */
  generator(
    args: GeneratorArgs,
    field: 'configMapGenerator' | 'secretGenerator',
    index: number,
  ): GeneratorTrace {
    const { generatorOptions: options } = this.#kustomization;
    const entry = this.entry(field, index);
    const global = options && { spot: spotBelow(this.#spot, 'generatorOptions'), options };
    const secret = field === 'secretGenerator';
    return this.#generatorOf(entry, { spot: entry.spot, args, inMetadata: false, global, secret });
  }

  /** A generator that is an object of its own. Undefined for a chart's: its objects know where they come from (EntryTrace.inflated). */
  generatorPlugin(plugin: TracedPlugin): GeneratorTrace | undefined {
    if (plugin.kind === chartKind) return undefined;
    const entry = this.plugin('generators', plugin);
    const args = plugin.config as GeneratorArgs;
    const secret = plugin.kind === 'SecretGenerator';
    return this.#generatorOf(entry, { spot: entry.spot, args, inMetadata: true, global: undefined, secret });
  }

  #generatorOf(entry: EntryTrace, values: Omit<GeneratedValues, 'fileOf'>): GeneratorTrace {
    const find = generatedAt({ ...values, fileOf: (path) => this.#files.get(path) ?? path });
    return {
      made: (resource) => entry.generated(resource, find),
      merged: (resource) => entry.changed([resource], find)[0] ?? resource,
    };
  }

  /** A transformer that is written within the kustomization. */
  inline(resource: Resource, entry: EntryTrace, documents: readonly YamlDocument[]): Resource {
    return entry.read(resource, { within: entry.spot, trimmed: false }, documents);
  }

  /** Objects of a base, as they come in. */
  enter(resources: Resources): Resources {
    return enterFolders(resources, this.root);
  }
}

function kindOfPlugin(kind: string): TraceKind {
  if (/Patch/.test(kind)) return 'patch';
  return kind === 'ReplacementTransformer' ? 'replacement' : 'transformer';
}

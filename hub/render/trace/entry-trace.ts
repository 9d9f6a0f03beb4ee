/** What one entry of a kustomization, or one transformer that is an object, tells of its work. */
import { isJsonObject, type Json, type KubeObject } from '../../../shared/manifest/object.ts';
import type { TraceKind } from '../../model/trace.ts';
import type { ChartLayers } from '../helm/chart-layers.ts';
import { applyJsonPatch, type JsonPatchOperation } from '../kustomize/json-patch.ts';
import { type MergePatch, withAnnotations, withoutEmptyAnnotations } from '../kustomize/patches.ts';
import type { ReplacementArgs } from '../kustomize/replacements.ts';
import { withNulls } from '../kustomize/values.ts';
import type { Resource } from '../resource.ts';
import type { YamlDocument } from '../yaml/parse-yaml.ts';
import { tellChart } from './chart-story.ts';
import { asLastWritten, withFinds } from './described.ts';
import {
  type Agent,
  beginLineage,
  continueLineage,
  type FindOrigin,
  goneFrom,
  type Lineage,
  type Part,
  type Spot,
  spotBelow,
  type TextSource,
  type TraceLog,
  type WrittenPath,
} from './lineage.ts';
import { pluginAt } from './plugin-values.ts';
import { replacedFrom } from './taken-values.ts';
import { operationAt, patchAt } from './written-values.ts';

type Resources = readonly Resource[];

interface Names {
  readonly kind: TraceKind;
  readonly action: string;
  /** Where its values are. */
  readonly spot: Spot;
  /** Where it is configured; default: there. */
  readonly configured?: Spot;
  /** Of a transformer or generator that is an object. */
  readonly own?: Lineage | undefined;
}

/** A text that was parsed; no object id: it is written within the entry. */
interface LoadedText {
  readonly documents: readonly YamlDocument[];
  readonly place: { readonly file: string };
  readonly oid: string;
}

/** Patches of one text. */
interface Patching {
  readonly loaded: LoadedText;
  readonly parsed: {
    readonly merge: readonly MergePatch[];
    readonly json: readonly JsonPatchOperation[] | undefined;
  };
  /** Where the text is written, if it is not in a file. */
  readonly inline: EntryTrace;
  /** White space around it was taken away. */
  readonly trimmed: boolean;
  /** Applies all, or only one. */
  readonly apply: (list: Resources, only?: MergePatch) => Resources;
  /** Whether merge patches may be applied one by one. */
  readonly oneByOne: boolean;
}

const asRead: FindOrigin = () => undefined;

interface Layer {
  readonly folder: string;
  readonly root: readonly string[];
  readonly log: TraceLog;
}

export class EntryTrace {
  readonly spot: Spot;
  readonly #layer: Layer;
  readonly #names: Names;

  constructor(layer: Layer, names: Names) {
    this.#layer = layer;
    this.#names = names;
    this.spot = names.spot;
  }

  /** The same entry, of which one part is meant. */
  below(...path: WrittenPath): EntryTrace {
    return new EntryTrace(this.#layer, {
      configured: this.spot,
      ...this.#names,
      spot: spotBelow(this.spot, ...path),
    });
  }

  /** The same entry, whose values are in a file that it names. */
  inFile(path: string, at: WrittenPath): EntryTrace {
    const values = { text: { path }, document: 0, path: at };
    return new EntryTrace(this.#layer, { configured: this.spot, ...this.#names, spot: values });
  }

  /** An object as it was read from a text. */
  read(resource: Resource, text: TextSource, documents: readonly YamlDocument[]): Resource {
    const at = spotOf(resource.object, text, documents);
    return beginLineage(resource, this.#agent(asRead), at, this.#layer.root);
  }

  /** An object that was generated here. */
  generated(resource: Resource, find: FindOrigin): Resource {
    return beginLineage(resource, this.#agent(find), this.spot, this.#layer.root);
  }

  /** An object of a chart, one of `all`. */
  inflated(resource: Resource, layers: ChartLayers, all: Resources): Resource {
    const { place } = resource;
    const at = { source: 'repository', file: place.file, line: 0, field: '', holds: 'part' } as const;
    const story = async (begin: Lineage) =>
      withFinds(await tellChart(begin, place, layers, all), this.#names.own);
    const agent = { ...this.#agent(() => ({ written: at })), story };
    return beginLineage(resource, agent, at, this.#layer.root);
  }

  changed(
    list: Resources,
    find: FindOrigin,
    about: { name?: string; split?: Agent['split'] } = {},
  ): Resources {
    const agent = this.#agent(find, about.split);
    return continueLineage(list, about.name ? { ...agent, action: `${agent.action} ${about.name}` } : agent);
  }

  /** Applies the patches of a text so that each document tells of itself, and each operation. */
  patched(start: Resources, patching: Patching): Resources {
    const { loaded, parsed, inline, trimmed, apply } = patching;
    const { merge, json } = parsed;
    const text: TextSource =
      loaded.oid === '' ? { within: inline.spot, trimmed } : { path: loaded.place.file };
    if (json !== undefined)
      return this.changed(apply(start), asRead, {
        split: (before) => operationsOf(before, json, { text, document: 0, path: [] }),
      });
    const several = merge.length > 1;
    if (merge.length === 0 || (several && !patching.oneByOne)) return apply(start);
    let list = start;
    for (const [index, patch] of merge.entries()) {
      const spot = spotOf(patch.object, text, loaded.documents);
      const find = patchAt(spot, patch.object as unknown as Json);
      const name = several ? { name: `document ${index + 1}` } : {};
      const next = apply(list, several ? patch : undefined);
      for (const resource of goneFrom(list, next))
        this.#layer.log.removals.push({ resource, agent: this.#agent(find), at: spotBelow(spot, '$patch') });
      list = this.changed(next, find, name);
    }
    return list;
  }

  /** @param before the objects that the replacement was applied to. */
  replaced(list: Resources, args: ReplacementArgs, before: Resources): Resources {
    return this.changed(list, replacedFrom(this.spot, args, before));
  }

  /** By a transformer that is an object of its own. */
  transformed(list: Resources, kind: string, config: Readonly<Record<string, Json>>): Resources {
    return this.changed(list, pluginAt(kind, config, this.spot));
  }

  #agent(find: FindOrigin, split?: Agent['split']): Agent {
    const { kind, action, spot, configured = spot, own } = this.#names;
    const layer = this.#layer.folder;
    return { kind, action, layer, configuredAt: configured, find: asLastWritten(find, own), split };
  }
}

/** An object of a folder of plain YAML. */
export function readPlain(
  resource: Resource,
  folder: string,
  file: string,
  documents: readonly YamlDocument[],
): Resource {
  const at = spotOf(resource.object, { path: file }, documents);
  const agent: Agent = { kind: 'resource', action: 'folder', layer: folder, configuredAt: at, find: asRead };
  return beginLineage(resource, agent, at, [folder]);
}

/** Applies the operations one after another. The numbers that the patch as a whole rounds stay as they are. */
function operationsOf(
  before: KubeObject,
  operations: readonly JsonPatchOperation[],
  spot: Spot,
): readonly Part[] {
  const parts: Part[] = [];
  // What was applied as a whole has found annotations where it needed them.
  let working = withAnnotations(before);
  for (const [index, operation] of operations.entries()) {
    const find = operationAt(spotBelow(spot, index), operation, working);
    working = applyJsonPatch(withNulls(working as unknown as Json), [operation]) as unknown as KubeObject;
    const object = before.metadata.annotations ? working : withoutEmptyAnnotations(working);
    parts.push({ name: operations.length > 1 ? `operation ${index + 1}` : '', object, find });
  }
  return parts;
}

/** Where an object of a parsed text is: a document of it, or an item of a List. */
function spotOf(object: KubeObject, text: TextSource, documents: readonly YamlDocument[]): Spot {
  for (const [document, { value }] of documents.entries()) {
    const path = wayTo(object, value);
    if (path !== undefined) return { text, document, path };
  }
  return { text, document: 0, path: [] };
}

function wayTo(object: KubeObject, value: Json): WrittenPath | undefined {
  if ((value as unknown) === object) return [];
  const items = isJsonObject(value) ? itemsOf(value) : [];
  for (const [index, item] of items.entries()) {
    const below = wayTo(object, item);
    if (below !== undefined) return ['items', index, ...below];
  }
  return undefined;
}

function itemsOf(value: Json): readonly Json[] {
  const { items } = value as { readonly items?: Json };
  return Array.isArray(items) ? items : [];
}

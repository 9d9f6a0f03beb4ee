/**
 * The history of an object of a chart: as the chart's own values make it, then what each file of values and the inline ones change. The chart is rendered with the values
 * up to each layer, and the differences are the layer's steps. Which value a field hangs on is found by value-marks.ts, the template's line by template-lines.ts.
 */
import { canonicalJson } from '../../../shared/manifest/canonical.ts';
import { groupOf, type Json, type KubeObject } from '../../../shared/manifest/object.ts';
import type { FieldPath, Written } from '../../model/trace.ts';
import { indexOfItem, isItemPart } from '../../model/trace-path.ts';
import {
  type ChartLayers,
  mergedValues,
  placeInLayer,
  type ValueLayer,
  valueIn,
  valueInLayer,
  withoutVersion,
  writtenIn,
} from '../helm/chart-layers.ts';
import { readTemplate, type TemplateLine, type TemplateText } from '../helm/template-lines.ts';
import { fieldKey, findSources, type Sources, scalarsOf, type ValueLeaf } from '../helm/value-marks.ts';
import type { Resource } from '../resource.ts';
import type { Agent, Lineage, Origin, RawChange, Spot, WrittenPath } from './lineage.ts';

/** Layers that are rendered one by one; earlier ones count as one. */
const layersMax = 12;

interface State {
  readonly object: KubeObject;
  readonly layer: number;
}

/** The beginning of an object of a chart, told layer by layer: the last is the object as the chart gave it. @param file its template. */
export async function tellChart(
  begin: Lineage,
  { file }: Resource['place'],
  chart: ChartLayers,
  others: readonly Resource[],
): Promise<Lineage> {
  const pick = pickerOf(begin.object, file, others);
  const objectWith = async (given: ValueLayer['given']) => pick(await chart.run(given));
  const states: State[] = [{ object: begin.object, layer: chart.layers.length - 1 }];
  const first = Math.max(0, chart.layers.length - layersMax);
  for (let layer = chart.layers.length - 2; layer >= first; layer -= 1) {
    const object = await objectWith(chart.layers[layer]?.given ?? []);
    if (object === undefined) break;
    states.unshift({ object, layer });
  }
  const values = mergedValues(chart.layers);
  const template = templateOf(chart, file);
  const name = 'values with marks';
  const sources = await findSources({
    object: begin.object,
    values,
    render: (marked) => {
      const bytes = new TextEncoder().encode(canonicalJson(marked));
      return objectWith([...(chart.layers.at(-1)?.given ?? []), { name, bytes }]);
    },
    hints: (path) => template?.named(template.find(begin.object, path).line) ?? [],
  });
  return new Teller(begin, chart, { file, template, sources }).tell(states);
}

/** The same object in another render: the only one of its kind from its template, else by name, else by order. */
function pickerOf(object: KubeObject, file: string, all: readonly Resource[]) {
  const alike = (list: readonly Resource[]) =>
    list.filter(
      ({ place, object: one }) =>
        place.file === file &&
        one.kind === object.kind &&
        groupOf(one.apiVersion) === groupOf(object.apiVersion),
    );
  const own = alike(all);
  const order = own.findIndex(
    ({ object: { metadata } }) =>
      metadata.name === object.metadata.name && metadata.namespace === object.metadata.namespace,
  );
  return (list: readonly Resource[] | undefined): KubeObject | undefined => {
    const found = alike(list ?? []);
    const named = found.find(
      ({ object: { metadata } }) =>
        metadata.name === object.metadata.name && metadata.namespace === object.metadata.namespace,
    );
    if (named !== undefined) return named.object;
    return found.length === own.length ? found[order]?.object : undefined;
  };
}

/** Undefined: Helm has named a file that is not there. */
function templateOf({ chart }: ChartLayers, file: string): TemplateText | undefined {
  const inside = chart.folder === '' ? file : file.slice(chart.folder.length + 1);
  const plain = (path: string) => path.split('/').map(withoutVersion).join('/');
  const bytes =
    chart.files.get(inside) ?? [...chart.files].find(([path]) => plain(path) === plain(inside))?.[1];
  return bytes && readTemplate(new TextDecoder().decode(bytes));
}

interface Found {
  readonly file: string;
  readonly template: TemplateText | undefined;
  readonly sources: Sources;
}

class Teller {
  readonly #begin: Lineage;
  readonly #chart: ChartLayers;
  readonly #found: Found;

  constructor(begin: Lineage, chart: ChartLayers, found: Found) {
    this.#begin = begin;
    this.#chart = chart;
    this.#found = found;
  }

  tell(states: readonly State[]): Lineage {
    const { agent, folders } = this.#begin;
    const [start, ...steps] = states;
    if (start === undefined) return this.#begin;
    const find = this.#startOf(start);
    let told: Lineage = {
      object: start.object,
      earlier: undefined,
      agent: { ...agent, find },
      at: this.#templateAt(start.object, [], start.object.kind),
      folders,
    };
    for (const { object, layer } of steps) {
      const own = this.#chart.layers[layer];
      if (own === undefined) continue;
      told = { object, earlier: told, agent: this.#agentOf(own, layer, object), folders };
    }
    return told;
  }

  #agentOf(layer: ValueLayer, index: number, object: KubeObject): Agent {
    const { agent } = this.#begin;
    const action = `${agent.action}.${layer.name}`;
    const find = (change: RawChange) => this.#stepOrigin(layer, index, object, change);
    return { ...agent, action, configuredAt: layer.configuredAt, find };
  }

  #startOf({ object, layer }: State) {
    return (change: RawChange): Origin => {
      const path = concrete(object, change.path);
      const template = this.#templateAt(object, path, change.after);
      if (template.holds === 'value') return { written: template };
      for (const leaf of this.#leavesOf(change.path))
        for (let index = layer; index >= 0; index -= 1) {
          const own = this.#chart.layers[index];
          const at = own && placeInLayer(own, leaf.path);
          if (own !== undefined && at !== undefined)
            return this.#origin(at, holdsOf(valueInLayer(own, leaf.path), change.after), object, path, leaf);
        }
      return { written: template };
    };
  }

  /** The layer's own value that the field hangs on; else the only one that it changes; else the layer. */
  #stepOrigin(layer: ValueLayer, index: number, object: KubeObject, change: RawChange): Origin {
    const path = concrete(object, change.path);
    for (const leaf of this.#leavesOf(change.path)) {
      const at = placeInLayer(layer, leaf.path);
      if (at === undefined) continue;
      // A value that lets in what the template says.
      const isLetIn = this.#templateAt(object, path, change.after).holds === 'value';
      const holds = isLetIn ? 'cause' : holdsOf(valueInLayer(layer, leaf.path), change.after);
      return this.#origin(at, holds, object, path, leaf);
    }
    const before = mergedValues(this.#chart.layers.slice(0, index));
    const changed = layer.texts.flatMap(({ prefix, values }) =>
      scalarsOf(values)
        .map(({ path: inside }) => [...prefix, ...inside])
        .filter((inside) => valueIn(before, inside) !== valueInLayer(layer, inside)),
    );
    const [only] = changed;
    const at = changed.length === 1 && only !== undefined ? placeInLayer(layer, only) : undefined;
    return this.#origin(at ?? layer.at, 'cause', object, path);
  }

  #origin(
    at: Written | Spot,
    holds: Written['holds'],
    object: KubeObject,
    path: WrittenPath,
    leaf?: ValueLeaf,
  ): Origin {
    const through = this.#templateAt(object, path, undefined, leaf?.path);
    return 'text' in at ? { spot: at, holds, through } : { written: { ...at, holds, through } };
  }

  /** Values that a field of the object hangs on, or the fields within it; the longest text first: it says most. */
  #leavesOf(path: FieldPath): readonly ValueLeaf[] {
    const { sources } = this.#found;
    const own = fieldKey(concrete(this.#begin.object, path));
    const exact = sources.get(own);
    if (exact !== undefined) return exact.toSorted((a, b) => String(b.value).length - String(a.value).length);
    const below = `${own.slice(0, -1)}${own === '[]' ? '' : ','}`;
    const [first] = [...sources].find(([key]) => key.startsWith(below))?.[1] ?? [];
    return first === undefined ? [] : [first];
  }

  /** @param value of a field that no value of the chart was found for. */
  #templateAt(object: KubeObject, path: WrittenPath, value?: Json, about?: WrittenPath): Written {
    const { source } = this.#chart;
    const { file, template } = this.#found;
    const found = template?.find(object, path, about);
    if (found === undefined) return { ...writtenIn(source, file, 0), holds: 'part' };
    return { ...writtenIn(source, file, found.line), holds: holdsIn(found, value) };
  }
}

/** Whether a line of a template holds a value as it is. */
function holdsIn({ exact, text }: TemplateLine, value: Json | undefined): Written['holds'] {
  const literal = typeof value !== 'object' && value !== undefined && !text.includes('{{');
  if (literal && text.includes(String(value))) return 'value';
  return exact ? 'part' : 'cause';
}

function holdsOf(written: Json | undefined, value: Json | undefined): Written['holds'] {
  if (value === undefined || written === undefined) return 'cause';
  return typeof written !== 'object' && String(written) === String(value) ? 'value' : 'part';
}

/** Keys and indexes; what is not there stays away. */
function concrete(object: KubeObject, path: FieldPath): WrittenPath {
  const found: (string | number)[] = [];
  let here: Json | undefined = object as unknown as Json;
  for (const part of path) {
    const list: readonly Json[] = Array.isArray(here) ? here : [];
    const key = isItemPart(part) ? indexOfItem(list, part) : part;
    if (key === -1) return [...found, -1];
    found.push(key);
    here = valueIn(here ?? null, [key]);
  }
  return found;
}

/** The values of a chart, layer by layer: its own, then each file and what stands inline, the later going before the earlier. */
import { isJsonObject, type Json, type JsonObject } from '../../../shared/manifest/object.ts';
import type { Written } from '../../model/trace.ts';
import { defaultLimits } from '../limits.ts';
import type { Resource } from '../resource.ts';
import type { Spot, WrittenPath } from '../trace/lineage.ts';
import { TextLines } from '../trace/text-lines.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import type { ValueFile } from './helm-runner.ts';
import type { Chart } from './read-chart.ts';

/** A text of values, or a part of one. */
export interface ValueText {
  /** Where in the chart's values they are: those of a subchart are below its name. */
  readonly prefix: WrittenPath;
  readonly values: JsonObject;
  /** Of a value that is there. */
  readonly at: (path: WrittenPath) => Written | Spot;
}

export interface ValueLayer {
  /** As the field that says it: `valueFiles[0]`; empty: the chart's own. */
  readonly name: string;
  readonly configuredAt: Written | Spot;
  /** The first that has a value counts. */
  readonly texts: readonly ValueText[];
  /** What Helm is given up to and with this layer. */
  readonly given: readonly ValueFile[];
  /** The layer as a whole. */
  readonly at: Written | Spot;
}

export interface ChartLayers {
  readonly chart: Chart;
  /** Where the chart's files are. */
  readonly source: 'repository' | 'chart';
  /** The chart's own first; never empty. */
  readonly layers: readonly ValueLayer[];
  /** Objects of the chart with these values, in order; undefined where it fails. @throws AbortError. */
  readonly run: (given: readonly ValueFile[]) => Promise<readonly Resource[] | undefined>;
}

/** Values of a file; empty where it holds no mapping, which Helm has complained of. */
function readValues(bytes: Uint8Array): JsonObject {
  const parsed = parseYaml(bytes, defaultLimits, 'manifest');
  const value = parsed.ok ? parsed.documents[0]?.value : undefined;
  return value !== undefined && isJsonObject(value) ? value : {};
}

/** @param place of a line of the file. */
export function valueText(
  bytes: Uint8Array,
  place: (line: number) => Written,
  prefix: WrittenPath = [],
): ValueText {
  let lines: TextLines | undefined;
  return {
    prefix,
    values: readValues(bytes),
    at(path) {
      lines ??= new TextLines(new TextDecoder().decode(bytes));
      return place(lines.find(0, path).line);
    },
  };
}

const valuesFile = /^(?:(.*)\/)?values\.yaml$/;

/** The chart's own values and those of its subcharts. A subchart is known by its folder, without a version behind it. */
export function ownLayer({ files, folder }: Chart, source: ChartLayers['source']): ValueLayer {
  const texts: ValueText[] = [];
  const placeIn = (path: string) => (line: number) =>
    writtenIn(source, folder === '' ? path : `${folder}/${path}`, line);
  for (const [path, bytes] of files) {
    const found = valuesFile.exec(path);
    const prefix = found && subchartPath(found[1] ?? '');
    if (prefix) texts.push(valueText(bytes, placeIn(path), prefix));
  }
  texts.sort((a, b) => a.prefix.length - b.prefix.length);
  const at = placeIn('values.yaml')(texts[0]?.prefix.length === 0 ? 1 : 0);
  return { name: '', configuredAt: at, texts, given: [], at };
}

/** `charts/a-1.0.0/charts/b`: a, b. Undefined: no chart's folder. */
function subchartPath(folder: string): WrittenPath | undefined {
  if (folder === '') return [];
  const parts = folder.split('/');
  const names: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    if (parts[index] !== 'charts' || parts[index + 1] === undefined) return undefined;
    names.push(withoutVersion(parts[index + 1] ?? ''));
  }
  return names;
}

/** The chart's name in `NAME-VERSION`, as archives are unpacked. */
export function withoutVersion(folder: string): string {
  return folder.replace(/-v?\d+\.\d+.*$/, '');
}

export function writtenIn(source: Written['source'], file: string, line: number, field = ''): Written {
  return { source, file, line, field, holds: 'value' };
}

/** Where a layer writes a value; undefined where it does not. */
export function placeInLayer({ texts }: ValueLayer, path: WrittenPath): Written | Spot | undefined {
  for (const { prefix, values, at } of texts) {
    if (!prefix.every((part, depth) => path[depth] === part)) continue;
    const inside = path.slice(prefix.length);
    if (valueIn(values, inside) !== undefined) return at(inside);
  }
  return undefined;
}

/** What a layer writes at a path. */
export function valueInLayer({ texts }: ValueLayer, path: WrittenPath): Json | undefined {
  for (const { prefix, values } of texts) {
    if (!prefix.every((part, depth) => path[depth] === part)) continue;
    const found = valueIn(values, path.slice(prefix.length));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value at a path; undefined where there is none. */
export function valueIn(value: Json, path: WrittenPath): Json | undefined {
  let here: Json | undefined = value;
  for (const part of path) {
    if (Array.isArray(here)) here = here[Number(part)] as Json | undefined;
    else if (here !== undefined && isJsonObject(here) && Object.hasOwn(here, part)) here = here[part];
    else return undefined;
  }
  return here;
}

/** All layers as Helm puts them together: mappings key by key, null takes a key away, anything else goes before (pkg/chart/common/util/coalesce.go). */
export function mergedValues(layers: readonly ValueLayer[]): JsonObject {
  let merged: JsonObject = {};
  for (const { texts } of layers)
    for (const { prefix, values } of [...texts].reverse())
      merged = over(
        merged,
        prefix.reduceRight<JsonObject>((inner, part) => ({ [part]: inner }), values),
      );
  return merged;
}

function over(under: JsonObject, top: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...under };
  for (const [key, value] of Object.entries(top)) {
    const below = result[key];
    if (value === null) delete result[key];
    else result[key] = isJsonObject(value) && isJsonObject(below) ? over(below, value) : value;
  }
  return result as JsonObject;
}

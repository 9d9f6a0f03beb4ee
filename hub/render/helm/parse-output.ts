import type { Json } from '../../../shared/manifest/object.ts';
import type { RenderLimits } from '../limits.ts';
import { objectsOf } from '../objects-of.ts';
import { problemError, problemOf } from '../render-error.ts';
import { createResource, type Resource } from '../resource.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import { mapHook } from './hooks.ts';

/** A document of what `helm template` wrote. */
export interface OutputDocument {
  readonly value: Json;
  /** The template it comes from, within the chart's folder. */
  readonly file: string;
}

/** Documents in the order of installation, hooks last, as Helm writes them. @throws a Problem for what is no YAML. */
export function parseOutput(
  output: Uint8Array,
  folder: string,
  limits: RenderLimits,
): readonly OutputDocument[] {
  const templateAt = templatesOf(output, folder);
  const parsed = parseYaml(output, limits, 'manifest');
  if (!parsed.ok) {
    const file = templateAt(parsed.failure.line);
    throw problemError(parsed.failure.code, { file }, `once rendered: ${parsed.failure.message}`);
  }
  return parsed.documents.map(({ value, line }) => ({ value, file: templateAt(line) }));
}

/** @throws a Problem for what is no object, or a hook that cannot be mapped. */
export function resourcesOf(documents: readonly OutputDocument[], limits: RenderLimits): readonly Resource[] {
  const resources: Resource[] = [];
  for (const { value, file } of documents)
    for (const { object, place } of objectsOf([{ value, line: 0 }], file)) {
      const mapped = mapHook(object, place);
      if (mapped !== undefined) resources.push(createResource(mapped, place));
      if (resources.length > limits.objectsMax)
        throw problemError('resource_exhausted', place, `more than ${limits.objectsMax} objects`);
    }
  return resources;
}

/** Undefined for what is no set of objects. */
export function tryResources(make: () => readonly Resource[]): readonly Resource[] | undefined {
  try {
    return make();
  } catch (caught) {
    if (problemOf(caught) === undefined) throw caught;
    return undefined;
  }
}

/** Which template, within the chart's folder, a line comes from; empty where Helm does not say. */
export function templatesOf(output: Uint8Array, folder: string): (line: number) => string {
  const sources = sourcesOf(output, folder);
  return (line) => fileAt(sources, line);
}

interface Source {
  readonly line: number;
  readonly file: string;
}

/** `# Source: name-of-chart/templates/a.yaml` stands after each separator. */
function sourcesOf(output: Uint8Array, folder: string): readonly Source[] {
  const lines = new TextDecoder().decode(output).split('\n');
  return lines.flatMap((text, index) => {
    const path = /^# Source: [^/]+\/(\S.*)$/.exec(text)?.[1];
    return path === undefined || lines[index - 1] !== '---'
      ? []
      : [{ line: index + 1, file: joined(folder, path) }];
  });
}

const joined = (folder: string, path: string): string => (folder === '' ? path : `${folder}/${path}`);

/** Binary search: outputs have thousands of documents. */
function fileAt(sources: readonly Source[], line: number): string {
  let [low, high] = [0, sources.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sources[middle]?.line ?? 0) <= line) low = middle + 1;
    else high = middle;
  }
  return sources[low - 1]?.file ?? '';
}

import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import { defaultLimits } from '../limits.ts';
import { problemError } from '../render-error.ts';
import { parseYaml } from '../yaml/parse-yaml.ts';
import type { Chart } from './read-chart.ts';

/**
 * What can be known to be wrong before anything is run. @throws a Problem: no Chart.yaml, a library, a dependency that is not vendored, a
 * values schema that names another document (Helm would fetch it by HTTP or read it from the hub's disk; pkg/chart/common/util/jsonschema.go).
 */
export function checkChart(chart: Chart): void {
  const description = readMap(chart, 'Chart.yaml');
  if (description === undefined)
    throw problemError(
      'not_found',
      { file: chart.folder },
      'there is no Chart.yaml: expected the folder of a Helm chart',
    );
  const file = `${chart.folder}/Chart.yaml`;
  if (description['type'] === 'library')
    throw problemError(
      'invalid_manifest',
      { file, field: 'type' },
      'a library chart renders nothing by itself',
    );
  const required = description['apiVersion'] === 'v1' ? readMap(chart, 'requirements.yaml') : description;
  checkDependencies(
    chart,
    required ?? {},
    description['apiVersion'] === 'v1' ? `${chart.folder}/requirements.yaml` : file,
  );
  for (const [path, bytes] of chart.files)
    if (path === 'values.schema.json' || path.endsWith('/values.schema.json'))
      checkSchema(bytes, `${chart.folder}/${path}`);
}

/** A pin that says one version and holds another would mislead whoever reads it. @throws a Problem. */
export function checkVersion(chart: Chart, name: string, version: string): void {
  const found = readMap(chart, 'Chart.yaml');
  const plain = (text: unknown) => String(text).replace(/^v/, '');
  // A name may lead through folders of a registry: charts/web.
  if (found?.['name'] === name.split('/').at(-1) && plain(found?.['version']) === plain(version)) return;
  throw problemError(
    'invalid_manifest',
    { field: 'spec.source.helm.digest' },
    `is that of ${String(found?.['name'])} ${String(found?.['version'])}, not of ${name} ${version}`,
  );
}

function readMap(chart: Chart, path: string): JsonObject | undefined {
  const bytes = chart.files.get(path);
  if (bytes === undefined) return undefined;
  const file = `${chart.folder}/${path}`;
  const parsed = parseYaml(bytes, defaultLimits, 'manifest');
  if (!parsed.ok)
    throw problemError(parsed.failure.code, { file, line: parsed.failure.line }, parsed.failure.message);
  const value = parsed.documents[0]?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw problemError('invalid_manifest', { file }, 'expected a mapping');
  return value as JsonObject;
}

/** As Helm's CheckDependencies: each one named must be in charts/, whether it is wanted or not. */
function checkDependencies(chart: Chart, { dependencies }: JsonObject, file: string): void {
  if (!Array.isArray(dependencies)) return;
  const vendored = new Set<unknown>();
  for (const path of chart.files.keys())
    if (/^charts\/[^/]+\/Chart\.yaml$/.test(path)) vendored.add(readMap(chart, path)?.['name']);
  for (const [index, dependency] of dependencies.entries()) {
    const name = (dependency as JsonObject | null)?.['name'];
    if (vendored.has(name)) continue;
    throw problemError(
      'not_found',
      { file, field: `dependencies[${index}]` },
      `the chart ${String(name)} is not in charts/: run "helm dependency build ${chart.folder}" and commit what it puts there`,
    );
  }
}

/** With all of these within the document, an `$id` that moves the base leads nowhere. */
const referring: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef', '$schema']);
const knownSchema = /^https?:\/\/json-schema\.org\//;

function checkSchema(bytes: Uint8Array, file: string): void {
  let schema: Json;
  try {
    schema = JSON.parse(new TextDecoder().decode(bytes)) as Json;
  } catch {
    throw problemError('invalid_manifest', { file }, 'expected a JSON Schema as JSON');
  }
  const left: { readonly value: Json; readonly field: string }[] = [{ value: schema, field: '' }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, field } = next;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      const below = field === '' ? key : `${field}.${key}`;
      if (typeof item === 'object' && item !== null) left.push({ value: item, field: below });
      else if (
        referring.has(key) &&
        typeof item === 'string' &&
        !/^(?:#|$)/.test(item) &&
        !knownSchema.test(item)
      )
        throw problemError(
          'unsupported',
          { file, field: below },
          `${JSON.stringify(item)} is another document, and nothing outside the chart is read: copy what is needed into $defs`,
        );
    }
  }
}

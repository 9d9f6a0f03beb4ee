/** Where what a generator puts into an object is written. */
import type { GeneratorArgs, GeneratorOptions } from '../kustomize/kustomization.ts';
import { type FindOrigin, type Origin, type Spot, spotBelow } from './lineage.ts';

export interface GeneratedValues {
  /** Of the generator: its entry, or its own object. */
  readonly spot: Spot;
  readonly args: GeneratorArgs;
  /** Of a generator that is an object of its own, which may have its name there. */
  readonly inMetadata: boolean;
  /** `generatorOptions` of the kustomization. */
  readonly global: { readonly spot: Spot; readonly options: GeneratorOptions } | undefined;
  /** Where a file that the generator names was found. */
  readonly fileOf: (path: string) => string;
  readonly secret: boolean;
}

/** Where a field of a generated ConfigMap or Secret is written. */
export function generatedAt(values: GeneratedValues): FindOrigin {
  return ({ path, after }) => {
    const [field, key] = path;
    if (after === undefined) return at(values, 'behavior', 'cause');
    if ((field === 'data' || field === 'binaryData') && typeof key === 'string') return dataAt(values, key);
    if (field === 'metadata') return metadataAt(values, key, path[2]);
    if (field === 'type') return values.args.type ? at(values, 'type', 'value') : undefined;
    return field === 'immutable' ? optionAt(values, 'immutable', undefined) : undefined;
  };
}

function at({ spot }: GeneratedValues, field: string, holds: 'value' | 'cause'): Origin {
  return { spot: spotBelow(spot, field), holds };
}

function dataAt({ spot, args, fileOf, secret }: GeneratedValues, key: string): Origin | undefined {
  const holds = secret ? 'part' : 'value';
  const literal = (args.literals ?? []).findIndex((text) => text.slice(0, text.indexOf('=')) === key);
  if (literal >= 0) return { spot: spotBelow(spot, 'literals', literal), holds };
  for (const source of args.files ?? []) {
    const equals = source.indexOf('=');
    const path = source.slice(equals + 1);
    const name = equals < 0 ? (path.replace(/\/+$/, '').split('/').at(-1) ?? path) : source.slice(0, equals);
    if (name === key)
      return { written: { source: 'repository', file: fileOf(path), line: 1, field: '', holds: 'part' } };
  }
  const envs = [...(args.envs ?? []), ...(args.env ? [args.env] : [])].map(fileOf);
  return envs.length === 0 ? undefined : { envFiles: envs, key, holds };
}

function metadataAt(values: GeneratedValues, key: unknown, entry: unknown): Origin | undefined {
  const { spot, args, inMetadata } = values;
  if (key === 'name' || key === 'namespace') {
    const own = inMetadata ? spotBelow(spot, 'metadata', key) : spotBelow(spot, key);
    return args[key] === undefined && !inMetadata ? undefined : { spot: own, holds: 'value' };
  }
  if ((key === 'labels' || key === 'annotations') && typeof entry === 'string')
    return optionAt(values, key, entry);
  return undefined;
}

/** The generator's own options go before those of all. */
function optionAt(
  { spot, args, global }: GeneratedValues,
  field: 'labels' | 'annotations' | 'immutable',
  entry: string | undefined,
): Origin | undefined {
  const has = (options: GeneratorOptions | undefined): boolean => {
    const value = options?.[field];
    return entry === undefined ? value === true : typeof value === 'object' && Object.hasOwn(value, entry);
  };
  const path = entry === undefined ? [field] : [field, entry];
  if (has(args.options)) return { spot: spotBelow(spot, 'options', ...path), holds: 'value' };
  return global !== undefined && has(global.options)
    ? { spot: spotBelow(global.spot, ...path), holds: 'value' }
    : undefined;
}

import type { Json, JsonObject } from '../../../shared/manifest/object.ts';
import type { HelmChartArgs } from '../helm/inflate.ts';
import { type Place, problemError } from '../render-error.ts';
import type { FieldSpec } from './field-spec.ts';
import { kustomizationFields, type Shape } from './fields.ts';
import { asGoText, goText } from './go-text.ts';
import type { ReplacementArgs } from './replacements.ts';
import type { TargetSelector } from './selector.ts';
import { isBigInteger } from './values.ts';
import type { VarArgs } from './vars.ts';

export interface GeneratorOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly disableNameSuffixHash?: boolean;
  readonly immutable?: boolean;
}

export interface GeneratorArgs {
  readonly name?: string;
  readonly namespace?: string;
  readonly behavior?: string;
  readonly literals?: readonly string[];
  readonly files?: readonly string[];
  readonly envs?: readonly string[];
  readonly env?: string;
  readonly options?: GeneratorOptions;
  /** Secrets only. */
  readonly type?: string;
}

export interface PatchArgs {
  readonly path?: string;
  readonly patch?: string;
  readonly target?: TargetSelector;
  readonly options?: { readonly allowNameChange?: boolean; readonly allowKindChange?: boolean };
}

export interface ImageArgs {
  readonly name?: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly digest?: string;
  readonly tagSuffix?: string;
}

export interface LabelArgs {
  readonly pairs?: Readonly<Record<string, string>>;
  readonly includeSelectors?: boolean;
  readonly includeTemplates?: boolean;
  readonly includeVolumeClaimTemplates?: boolean;
  readonly fields?: readonly FieldSpec[];
}

export interface ReplicaArgs {
  readonly name?: string;
  readonly count?: number;
}

export interface SortOptions {
  readonly order?: string;
  readonly legacySortOptions?: {
    readonly orderFirst?: readonly string[];
    readonly orderLast?: readonly string[];
  };
}

/** An entry of `helmChartInflationGenerator`, as far as it counts. */
export interface OldHelmChartArgs {
  readonly chartName?: string;
  readonly chartVersion?: string;
  readonly chartRepoUrl?: string;
  readonly chartHome?: string;
  readonly helmHome?: string;
  readonly values?: string;
  readonly valuesLocal?: JsonObject;
  readonly valuesMerge?: string;
  readonly releaseName?: string;
}

/** A Kustomization or Component as written; deprecated spellings still in their own fields. */
export interface Kustomization {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namePrefix?: string;
  readonly nameSuffix?: string;
  readonly namespace?: string;
  readonly commonLabels?: Readonly<Record<string, string>>;
  readonly labels?: readonly LabelArgs[];
  readonly commonAnnotations?: Readonly<Record<string, string>>;
  readonly patchesStrategicMerge?: readonly string[];
  readonly patchesJson6902?: readonly PatchArgs[];
  readonly patches?: readonly PatchArgs[];
  readonly images?: readonly ImageArgs[];
  readonly imageTags?: readonly ImageArgs[];
  readonly replacements?: readonly (ReplacementArgs & { readonly path?: string })[];
  readonly vars?: readonly VarArgs[];
  readonly sortOptions?: SortOptions;
  readonly crds?: readonly string[];
  readonly openapi?: Readonly<Record<string, string>>;
  readonly buildMetadata?: readonly string[];
  readonly configurations?: readonly string[];
  readonly generators?: readonly string[];
  readonly transformers?: readonly string[];
  readonly validators?: readonly string[];
  readonly replicas?: readonly ReplicaArgs[];
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly bases?: readonly string[];
  readonly configMapGenerator?: readonly GeneratorArgs[];
  readonly secretGenerator?: readonly GeneratorArgs[];
  readonly generatorOptions?: GeneratorOptions;
  readonly helmCharts?: readonly HelmChartArgs[];
  readonly helmChartInflationGenerator?: readonly OldHelmChartArgs[];
  readonly helmGlobals?: { readonly chartHome?: string; readonly configHome?: string };
}

/** Gives the place of a field, for an error. */
export type Locate = (
  path: readonly (string | number)[],
  field?: string,
) => Place & { readonly field?: string };

const versions: Readonly<Record<string, string>> = {
  Kustomization: 'kustomize.config.k8s.io/v1beta1',
  Component: 'kustomize.config.k8s.io/v1alpha1',
};

/** Checks every field. @throws a Problem that names field and line. */
export function readKustomization(value: Json, locate: Locate): Kustomization {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw problemError('invalid_manifest', locate([]), 'expected a Kustomization (a mapping)');
  const result: Record<string, Json | undefined> = {};
  const map = value as JsonObject;
  // Of several spellings the last counts, in the order of their letters.
  for (const written of Object.keys(map).sort()) {
    // Go's JSON decoder takes field names in any case.
    const name = Object.hasOwn(kustomizationFields, written)
      ? written
      : sameLetters(written, kustomizationFields);
    const shape = name === undefined ? undefined : kustomizationFields[name];
    if (shape === undefined || name === undefined)
      throw problemError('invalid_manifest', locate([written], written), 'no such field in a Kustomization');
    const member = map[written];
    if (member === undefined || member === null) continue;
    result[name] = checkShape(member, shape, [written], locate);
  }
  const kustomization = result as Kustomization;
  if (Object.keys(result).every((name) => name === 'apiVersion' || name === 'kind'))
    throw problemError('invalid_manifest', locate([]), 'the Kustomization is empty');
  checkKind(kustomization, locate);
  return kustomization;
}

function checkKind({ kind = '', apiVersion = '' }: Kustomization, locate: Locate): void {
  const meant = kind === '' ? 'Kustomization' : kind;
  const version = Object.hasOwn(versions, meant) ? versions[meant] : undefined;
  if (version === undefined)
    throw problemError('invalid_manifest', locate(['kind'], 'kind'), 'expected Kustomization or Component');
  if (apiVersion !== '' && apiVersion !== version)
    throw problemError(
      'invalid_manifest',
      locate(['apiVersion'], 'apiVersion'),
      `expected ${version} for a ${meant}`,
    );
}

function sameLetters(written: string, known: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(known).find((name) => name.toLowerCase() === written.toLowerCase());
}

type Path = readonly (string | number)[];

/**
 * How strictly a value is read. Numbers and flags are no texts in a kustomization, but become texts in other files, unless the fields are those of a Go struct within
 * another (`embedded`). Fields that are not in the shape are refused in a kustomization and a configuration, else left out (sigs.k8s.io/yaml Unmarshal, UnmarshalStrict).
 * Only `yaml` takes no field in other letters (kyaml yaml.Unmarshal).
 */
export type Strictness = 'kustomization' | 'configuration' | 'lenient' | 'embedded' | 'yaml';

/** Reads a value as Go's JSON decoder would. @throws a Problem. */
export function checkShape(
  value: Json,
  shape: Shape,
  path: Path,
  locate: Locate,
  strictness: Strictness = 'kustomization',
): Json | undefined {
  const wrong = (expected: string): Error =>
    problemError('invalid_manifest', locate(path, fieldText(path)), `expected ${expected}`);
  if (value === null || value === undefined) return undefined;
  if (shape === 'any') return value;
  if (typeof shape === 'object' && 'embedded' in shape)
    return checkShape(value, shape.embedded, path, locate, insideOf(strictness));
  if (shape === 'text') {
    if (typeof value === 'string') return value;
    const converts = strictness !== 'kustomization' && strictness !== 'embedded';
    if (!converts || typeof value === 'object') throw wrong('a text (in quotes if need be)');
    return strictness === 'yaml' ? goText(value) : asGoText(value);
  }
  if (shape === 'number')
    return Number.isInteger(value) || isBigInteger(value) ? value : raise(wrong('a whole number'));
  if (shape === 'flag') return typeof value === 'boolean' ? value : raise(wrong('true or false'));
  if ('list' in shape) {
    if (!Array.isArray(value)) throw wrong('a list');
    return value.map(
      (item, index) =>
        checkShape(item, shape.list, [...path, index], locate, strictness) ?? emptyOf(shape.list),
    );
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong('a mapping');
  const result: Record<string, Json | undefined> = {};
  for (const [key, member] of Object.entries(value as JsonObject)) {
    if ('map' in shape) {
      result[key] =
        checkShape(member ?? null, shape.map, [...path, key], locate, strictness) ?? emptyOf(shape.map);
      continue;
    }
    const alike = strictness === 'yaml' ? undefined : sameLetters(key, shape.fields);
    const name = Object.hasOwn(shape.fields, key) ? key : alike;
    const inner = name === undefined ? undefined : shape.fields[name];
    const leavesOut = strictness !== 'kustomization' && strictness !== 'configuration';
    if ((inner === undefined || name === undefined) && leavesOut) continue;
    if (inner === undefined || name === undefined)
      throw problemError(
        'invalid_manifest',
        locate([...path, key], fieldText([...path, key])),
        'no such field',
      );
    const checked = checkShape(member ?? null, inner, [...path, key], locate, strictness);
    if (checked !== undefined) result[name] = checked;
  }
  return result;
}

function insideOf(strictness: Strictness): Strictness {
  if (strictness === 'lenient') return 'embedded';
  return strictness === 'configuration' ? 'kustomization' : strictness;
}

function raise(error: Error): never {
  throw error;
}

/** Go's zero value, which null decodes to. */
function emptyOf(shape: Shape): Json {
  if (shape === 'text') return '';
  if (shape === 'number') return 0;
  if (shape === 'flag') return false;
  if (shape === 'any') return null;
  if ('embedded' in shape) return emptyOf(shape.embedded);
  return 'list' in shape ? [] : {};
}

/** `patches[0].target.kind`, as messages name a field. */
export function fieldText(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

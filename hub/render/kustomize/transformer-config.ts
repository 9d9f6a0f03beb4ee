/**
 * Which fields each transformer changes: kustomize's defaults and what `configurations` and `crds` add, merged across layers (kustomize
 * api/internal/plugins/builtinconfig, api/types/fieldspec.go).
 */
import type { FieldSpec } from './field-spec.ts';
import { fieldTables, type NameReference, nameReferences } from './field-tables.ts';
import { fieldSpecShape, gvkShape, type Shape } from './fields.ts';
import { compareKinds } from './sort-order.ts';
import { varReferences } from './var-references.ts';

const specLists = [
  'namePrefix',
  'nameSuffix',
  'namespace',
  'commonLabels',
  'labels',
  'templateLabels',
  'volumeClaimTemplateLabels',
  'commonAnnotations',
  'varReference',
  'images',
  'replicas',
] as const;

type SpecLists = Readonly<Record<(typeof specLists)[number], readonly FieldSpec[]>>;

export interface TransformerConfig extends SpecLists {
  readonly nameReference: readonly NameReference[];
}

/** Two entries for the same field differ in whether it is created. */
export class ConfigError extends Error {}

const name: readonly FieldSpec[] = [{ path: 'metadata/name' }];

export const defaultConfig: TransformerConfig = {
  namePrefix: name,
  nameSuffix: name,
  namespace: fieldTables.namespace,
  commonLabels: fieldTables.commonLabels,
  labels: [],
  templateLabels: fieldTables.templateLabels,
  volumeClaimTemplateLabels: fieldTables.claimTemplateLabels,
  commonAnnotations: fieldTables.annotations,
  varReference: varReferences,
  images: fieldTables.images,
  replicas: fieldTables.replicas,
  nameReference: nameReferences,
};

const spec: Shape = { fields: fieldSpecShape };
export const configShape: Shape = {
  fields: {
    ...Object.fromEntries(specLists.map((list) => [list, { list: spec }])),
    nameReference: {
      list: {
        fields: { ...gvkShape, fieldSpecs: { list: spec } },
      },
    },
  },
};

/** The content of such a file. */
export type ConfigFile = Partial<SpecLists> & {
  readonly nameReference?: readonly (FieldSpecKind & { readonly fieldSpecs?: readonly FieldSpec[] })[];
};

type FieldSpecKind = Omit<FieldSpec, 'path' | 'create'>;

/** What one file of `configurations` says, with empty lists for what it does not. */
export function configOf(file: ConfigFile): TransformerConfig {
  const lists = Object.fromEntries(specLists.map((list) => [list, file[list] ?? []])) as SpecLists;
  const nameReference = (file.nameReference ?? []).map(({ fieldSpecs = [], ...target }) => ({
    target,
    referrers: fieldSpecs,
  }));
  return { ...lists, nameReference };
}

const merged = new WeakMap<TransformerConfig, WeakMap<TransformerConfig, TransformerConfig>>();

/** `first` with what it lacks of `second`; the same object where it lacks nothing. @throws ConfigError. */
export function mergeConfigs(first: TransformerConfig, second: TransformerConfig): TransformerConfig {
  if (first === second) return first;
  const known = merged.get(first)?.get(second);
  if (known !== undefined) return known;
  const lists = Object.fromEntries(
    specLists.map((list) => [list, mergeSorted(first[list], second[list])]),
  ) as SpecLists;
  const nameReference = mergeReferences(first.nameReference, second.nameReference);
  const changed =
    nameReference !== first.nameReference || specLists.some((list) => lists[list] !== first[list]);
  const result = changed ? { ...lists, nameReference } : first;
  const byFirst = merged.get(first) ?? new WeakMap<TransformerConfig, TransformerConfig>();
  merged.set(first, byFirst.set(second, result));
  return result;
}

const empty = configOf({});

/**
 * What the first layer makes of its configuration: kustomize adds it to none, in its order, so that an entry of no kind is left out where one of a kind comes before it: `namePrefix` for
 * the names of one kind is for those of no other. @throws ConfigError.
 */
export function beginConfig(config: TransformerConfig): TransformerConfig {
  return config === defaultConfig ? config : mergeConfigs(empty, config);
}

function mergeSorted(first: readonly FieldSpec[], second: readonly FieldSpec[]): readonly FieldSpec[] {
  const result = mergeSpecs(first, second);
  return result === first ? first : result.toSorted(compareKinds);
}

/** @throws ConfigError. */
export function mergeSpecs(first: readonly FieldSpec[], second: readonly FieldSpec[]): readonly FieldSpec[] {
  let result: FieldSpec[] | undefined;
  for (const one of second) {
    const there = (result ?? first).find((other) => other.path === one.path && covers(one, other));
    if (there === undefined) result = [...(result ?? first), one];
    else if ((there.create === true) !== (one.create === true))
      throw new ConfigError(`${one.path} is there already, with another value of create`);
  }
  return result ?? first;
}

/** An entry of no kind covers those of every kind. */
function covers(wide: FieldSpecKind, narrow: FieldSpecKind): boolean {
  return (['group', 'version', 'kind'] as const).every(
    (part) => !wide[part] || wide[part] === (narrow[part] ?? ''),
  );
}

function mergeReferences(
  first: readonly NameReference[],
  second: readonly NameReference[],
): readonly NameReference[] {
  let result = first;
  for (const { target, referrers } of second) {
    const index = result.findIndex((other) => covers(target, other.target) && covers(other.target, target));
    const old = result[index];
    if (old === undefined) result = [...result, { target, referrers }];
    else {
      const all = mergeSpecs(old.referrers, referrers);
      if (all !== old.referrers) result = result.with(index, { target: old.target, referrers: all });
    }
  }
  return result;
}
